# What Debian 12 provides; `./dev build` installs it. Nothing is fetched by CMake.
find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED CONFIG)      # libexpected-dev: everywhere
find_package(nlohmann_json REQUIRED CONFIG)    # collectors/identity, agent/expose
find_package(spdlog REQUIRED CONFIG)           # agent
find_package(CLI11 REQUIRED CONFIG)            # agent/cli
find_package(yaml-cpp REQUIRED CONFIG)         # config
find_package(civetweb REQUIRED CONFIG)         # agent/http
find_package(prometheus-cpp REQUIRED CONFIG)   # agent/self_metrics: the core library alone
