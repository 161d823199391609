# Tests are named <build>/<test>, run in the repository's root (they open tests/fixtures/… by
# relative path) and carry a label: unit, integration, golden, fuzz or vm.
find_package(GTest REQUIRED CONFIG)
find_program(CGMON_PYTHON3 NAMES python3 REQUIRED)
include(GoogleTest)

set(CGMON_TEST_ENVIRONMENT
  "UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1" "TSAN_OPTIONS=halt_on_error=1" "LC_ALL=C.UTF-8")

# g++ 12's thread sanitizer refuses the wider address randomization of newer kernels; setarch
# turns it off for the test alone, where the sandbox lets it.
set(CGMON_TEST_LAUNCHER "")
if(CGMON_VARIANT STREQUAL "tsan")
  execute_process(COMMAND setarch -R true RESULT_VARIABLE setarch_failed OUTPUT_QUIET ERROR_QUIET)
  if(NOT setarch_failed)
    set(CGMON_TEST_LAUNCHER setarch -R)
  endif()
endif()

# What is tested is optimized as its build says; the tests are not, which halves the time to compile
# them.
add_library(cgmon_test_options INTERFACE)
target_compile_features(cgmon_test_options INTERFACE cxx_std_20)
target_compile_options(cgmon_test_options INTERFACE -O0)
target_link_libraries(cgmon_test_options INTERFACE GTest::gmock cgmon::warnings)

# GoogleTest's headers cost more than most tests: compiled once, reused by every test binary, whose
# options have to be the same (-Wpedantic, for one, changes the predefined macros).
add_library(cgmon_gmock_headers OBJECT "${PROJECT_SOURCE_DIR}/cmake/gmock_headers.cc")
target_link_libraries(cgmon_gmock_headers PRIVATE cgmon_test_options)
target_precompile_headers(cgmon_gmock_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)

# cgmon_test(NAME SOURCES file... [DEPS target...] [LABEL unit|integration|golden] [MAIN]
#            [TIMEOUT seconds] [SERIAL] [THREADS])
# One GoogleTest binary, each of its tests a ctest entry. One binary per folder links fastest.
# MAIN: the sources bring their own main(). SERIAL: nothing else runs beside these tests. THREADS:
# several take part, so the thread sanitizer has something to say; its build has no others.
function(cgmon_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "MAIN;SERIAL;THREADS" "LABEL;TIMEOUT" "SOURCES;DEPS")
  cgmon_check_arguments(cgmon_test ${name})
  if(CGMON_VARIANT STREQUAL "tsan" AND NOT arg_THREADS)
    return()
  endif()
  cgmon_default(arg_LABEL unit)
  cgmon_default(arg_TIMEOUT 120)
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} cgmon_test_options)
  if(NOT arg_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gmock_main)
  endif()
  target_precompile_headers(${name} REUSE_FROM cgmon_gmock_headers)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test_binaries"
    CROSSCOMPILING_EMULATOR "${CGMON_TEST_LAUNCHER}")
  set(serial FALSE)
  if(arg_SERIAL)
    set(serial TRUE)
  endif()
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    TEST_PREFIX "${CGMON_VARIANT}/"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${serial}
               ENVIRONMENT "${CGMON_TEST_ENVIRONMENT}")
endfunction()

# cgmon_script_test(NAME SCRIPT file.py [ARGS argument...] [LABEL ...] [TIMEOUT seconds] [SERIAL]
#                   [VARIANTS build...] [CONFIGURATION name])
# A python3 program (standard library only): exit 0 passed, 77 skipped with its reason on the last
# line, else failed. It finds the agent of this build in $CGMON_AGENT. Label integration: SERIAL,
# since those make cgroups and daemons. VARIANTS: only in these builds (dev counts as release).
# CONFIGURATION: ctest runs it with `--build-config name` only.
function(cgmon_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg
    "SERIAL" "LABEL;TIMEOUT;SCRIPT;CONFIGURATION" "ARGS;VARIANTS")
  cgmon_check_arguments(cgmon_script_test ${name})
  cgmon_default(arg_LABEL unit)
  cgmon_default(arg_TIMEOUT 300)
  if("release" IN_LIST arg_VARIANTS)
    list(APPEND arg_VARIANTS dev)
  endif()
  if(arg_VARIANTS AND NOT CGMON_VARIANT IN_LIST arg_VARIANTS)
    return()
  endif()
  set(serial FALSE)
  if(arg_SERIAL OR arg_LABEL STREQUAL "integration")
    set(serial TRUE)
  endif()
  set(test "${CGMON_VARIANT}/${name}")
  cmake_path(ABSOLUTE_PATH arg_SCRIPT)
  add_test(NAME "${test}" COMMAND "${CGMON_PYTHON3}" "${arg_SCRIPT}" ${arg_ARGS}
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" CONFIGURATIONS ${arg_CONFIGURATION})
  set_tests_properties("${test}" PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${serial} SKIP_RETURN_CODE 77
    ENVIRONMENT
    "${CGMON_TEST_ENVIRONMENT};CGMON_AGENT=${PROJECT_BINARY_DIR}/agent;CGMON_VARIANT=${CGMON_VARIANT};PYTHONDONTWRITEBYTECODE=1")
endfunction()

# cgmon_fuzz(NAME SOURCES file... [DEPS target...])
# A parser of hostile bytes and what has to hold for each of them: SOURCES define check_input()
# (tests/fuzz/target.h), tests/fuzz/corpus/NAME holds inputs, NAME.dict beside it words if there is
# one. The `fuzz` preset makes a fuzzer of it, which `./dev fuzz NAME` runs; the others have a test
# <build>/fuzz/NAME that replays the inputs, but for the thread sanitizer's: parsers have one thread.
function(cgmon_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  cgmon_check_arguments(cgmon_fuzz ${name})
  if(CGMON_VARIANT STREQUAL "tsan")
    return()
  endif()
  set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  if(NOT IS_DIRECTORY "${corpus}")
    message(FATAL_ERROR "cgmon_fuzz(${name}): no inputs in ${corpus}")
  endif()
  set(target fuzz_${name})
  add_executable(${target} ${arg_SOURCES})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${arg_DEPS} cgmon_fuzz_driver cgmon::warnings)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test_binaries")
  if(NOT CGMON_VARIANT STREQUAL "fuzz")
    set(test "${CGMON_VARIANT}/fuzz/${name}")
    add_test(NAME "${test}" COMMAND ${CGMON_TEST_LAUNCHER} "$<TARGET_FILE:${target}>" "${corpus}"
             WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties("${test}" PROPERTIES
      LABELS fuzz TIMEOUT 120
      ENVIRONMENT "${CGMON_TEST_ENVIRONMENT};ASAN_OPTIONS=abort_on_error=1:detect_leaks=1")
  endif()
endfunction()

macro(cgmon_default variable value)
  if(NOT DEFINED ${variable})
    set(${variable} ${value})
  endif()
endmacro()
