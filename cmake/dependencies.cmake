# What Debian 12 provides; `./dev build` installs and fetches it. CMake fetches nothing.
find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED CONFIG)      # libexpected-dev: everywhere
find_package(nlohmann_json REQUIRED CONFIG)    # collectors/identity, agent/expose
find_package(spdlog REQUIRED CONFIG)           # agent
find_package(CLI11 REQUIRED CONFIG)            # agent/cli
find_package(yaml-cpp REQUIRED CONFIG)         # config
find_package(prometheus-cpp REQUIRED CONFIG)   # agent/self_metrics: the core library alone

# libdeflate-dev brings no package file for CMake. The static library: the program needs no other
# package for it.
find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h REQUIRED)
find_library(LIBDEFLATE_LIBRARY libdeflate.a REQUIRED)
add_library(libdeflate::libdeflate STATIC IMPORTED)  # agent/expose/gzip
set_target_properties(libdeflate::libdeflate PROPERTIES
  IMPORTED_LOCATION "${LIBDEFLATE_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${LIBDEFLATE_INCLUDE_DIR}")

# So does libseccomp-dev.
find_path(LIBSECCOMP_INCLUDE_DIR seccomp.h REQUIRED)
find_library(LIBSECCOMP_LIBRARY libseccomp.a REQUIRED)
add_library(libseccomp::libseccomp STATIC IMPORTED)  # agent/enforce/seccomp_compiler
set_target_properties(libseccomp::libseccomp PROPERTIES
  IMPORTED_LOCATION "${LIBSECCOMP_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${LIBSECCOMP_INCLUDE_DIR}")

# Its header alone: the library is loaded by who runs a command with systemd, and by nobody else.
find_path(SYSTEMD_INCLUDE_DIR systemd/sd-bus.h REQUIRED)  # agent/enforce/scope

include(civetweb)  # agent/http
