# The targets' common ground, and one function per kind of target.

add_library(cgmon_warnings INTERFACE)
add_library(cgmon::warnings ALIAS cgmon_warnings)
# Designated initializers leave out what keeps its default: that is what option structs are for.
target_compile_options(cgmon_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# cgmon_library(NAME [SOURCES file...] [PUBLIC_DEPS target...] [DEPS target...])
# A static library `cgmon::NAME` of this folder; without sources it is an interface library.
# DEPS are private; PUBLIC_DEPS are those that the library's own headers include.
function(cgmon_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC_DEPS;DEPS")
  cgmon_check_arguments(cgmon_library ${name})
  set(target cgmon_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} PUBLIC ${arg_PUBLIC_DEPS}
                                    PRIVATE ${arg_DEPS} cgmon::warnings)
  else()
    add_library(${target} INTERFACE)
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} INTERFACE ${arg_PUBLIC_DEPS} ${arg_DEPS})
  endif()
  add_library(cgmon::${name} ALIAS ${target})
endfunction()

# cgmon_executable(NAME SOURCES file... [DEPS target...]): ends up at build/<preset>/NAME.
function(cgmon_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  cgmon_check_arguments(cgmon_executable ${name})
  add_executable(${name} ${arg_SOURCES})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} cgmon::warnings)
endfunction()

# A misspelt keyword would otherwise become a source or vanish.
macro(cgmon_check_arguments function_name target_name)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "${function_name}(${target_name}): do not know what to do with: ${arg_UNPARSED_ARGUMENTS}")
  endif()
endmacro()
