# CivetWeb, compiled from Debian's source package: Debian's own library has no IPv6, and code for
# files, scripts and TLS that nothing here uses. `./dev` fetches the source before it configures.
set(civetweb_source "${PROJECT_SOURCE_DIR}/build/sources/civetweb")
if(NOT EXISTS "${civetweb_source}/src/civetweb.c")
  message(FATAL_ERROR
    "CivetWeb's source is not in ${civetweb_source}. Fetch it with: ./dev build")
endif()
file(STRINGS "${civetweb_source}/include/civetweb.h" CGMON_CIVETWEB_VERSION
  REGEX "^#define CIVETWEB_VERSION ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" CGMON_CIVETWEB_VERSION "${CGMON_CIVETWEB_VERSION}")

add_library(cgmon_civetweb STATIC "${civetweb_source}/src/civetweb.c")
add_library(cgmon::civetweb ALIAS cgmon_civetweb)
# Before /usr/include, where prometheus-cpp-dev's dependencies put Debian's header.
target_include_directories(cgmon_civetweb SYSTEM PUBLIC "${civetweb_source}/include")
# With TLS one day: NO_SSL_DL and OPENSSL_API_3_0 in place of NO_SSL, and OpenSSL::SSL linked.
target_compile_definitions(cgmon_civetweb PRIVATE
  USE_IPV6 NO_SSL NO_CGI NO_FILES NO_CACHING USE_STACK_SIZE=262144)
target_link_libraries(cgmon_civetweb PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
# Its warnings are its authors'.
target_compile_options(cgmon_civetweb PRIVATE -w)
