# One function per kind of target. Sources are listed, never globbed. Every test
# source is written to test_sources.txt with the ctest that runs it ("path<TAB>
# name"), which ci/check_test_registry.py compares with the tree.

add_library(revlm_options INTERFACE)
target_include_directories(revlm_options INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_features(revlm_options INTERFACE cxx_std_23)
target_compile_options(revlm_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Cries wolf over "text" + std::string (GCC bug 105651) and over initialiser
  # lists of structs that hold strings.
  target_compile_options(revlm_options INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # std::stable_sort of libstdc++ 12 uses what libstdc++ 12 deprecates.
  target_compile_options(revlm_options INTERFACE -Wno-deprecated-declarations)
endif()
if(REVLM_WERROR)
  target_compile_options(revlm_options INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(revlm_options INTERFACE _FORTIFY_SOURCE=3)
endif()
target_link_options(revlm_options INTERFACE -Wl,-z,relro,-z,now)
if(REVLM_SANITIZE)
  target_compile_options(revlm_options INTERFACE
    -fsanitize=${REVLM_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  # GCC and Clang say it in different ways.
  target_compile_definitions(revlm_options INTERFACE REVLM_SANITIZED)
  target_link_options(revlm_options INTERFACE -fsanitize=${REVLM_SANITIZE})
endif()
if(REVLM_FUZZ)
  # What is not in the list, arithmetic above all, is not slowed down.
  target_compile_options(revlm_options INTERFACE -fsanitize=fuzzer-no-link
    -fsanitize-coverage-allowlist=${PROJECT_SOURCE_DIR}/fuzz/instrumented.txt)
endif()

file(WRITE ${PROJECT_BINARY_DIR}/test_sources.txt "")

# Configuring writes it; the target is for whoever needs only that.
add_custom_target(test_sources)

# revlm_register_test(NAME SOURCES...)
function(revlm_register_test name)
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR}
      ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    file(APPEND ${PROJECT_BINARY_DIR}/test_sources.txt "${path}\t${name}\n")
  endforeach()
endfunction()

# revlm_module(NAME TIER n SOURCES ... [MODULES ...] [LIBRARIES ...] [TESTS ...]
#              [TEST_LIBRARIES ...])
# A static library revlm_NAME from src/NAME. MODULES are the modules it includes:
# a tier equal to or higher than its own stops the configuration.
function(revlm_module name)
  cmake_parse_arguments(ARG "" "TIER"
    "SOURCES;MODULES;LIBRARIES;TESTS;TEST_LIBRARIES" ${ARGN})
  set_property(GLOBAL PROPERTY REVLM_TIER_${name} ${ARG_TIER})
  foreach(module IN LISTS ARG_MODULES)
    get_property(tier GLOBAL PROPERTY REVLM_TIER_${module})
    if("${tier}" STREQUAL "")
      message(FATAL_ERROR "module ${name} (tier ${ARG_TIER}) uses ${module}, "
        "which is not a module of a lower tier")
    endif()
    if(NOT tier LESS ARG_TIER)
      message(FATAL_ERROR "module ${name} (tier ${ARG_TIER}) uses ${module} "
        "(tier ${tier}): a module includes lower tiers only")
    endif()
  endforeach()
  add_library(revlm_${name} STATIC ${ARG_SOURCES})
  list(TRANSFORM ARG_MODULES PREPEND revlm_)
  target_link_libraries(revlm_${name}
    PUBLIC revlm_options ${ARG_MODULES} ${ARG_LIBRARIES})
  if(ARG_TESTS)
    revlm_test(${name}_test SOURCES ${ARG_TESTS}
      LIBRARIES revlm_${name} ${ARG_TEST_LIBRARIES})
  endif()
endfunction()

# revlm_test(NAME SOURCES ... LIBRARIES ... [LABELS ...] [TIMEOUT s])
# A GoogleTest program, run by ctest from the source directory.
function(revlm_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  revlm_register_test(${name} ${ARG_SOURCES})
  if(NOT REVLM_DEVELOPER_MODE)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock_main)
  # Compiling the assertions takes longer than running them.
  set(arguments "")
  if(REVLM_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
    target_precompile_headers(${name} PRIVATE <gmock/gmock.h>)
    # Simulated error rates take minutes and say nothing of memory.
    set(arguments --gtest_filter=-*ErrorRate*:*Rarely*)
  else()
    target_compile_options(${name} PRIVATE -O1)
  endif()
  target_compile_definitions(${name} PRIVATE
    REVLM_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
    REVLM_EXAMPLES="${PROJECT_SOURCE_DIR}/examples")
  add_test(NAME ${name} COMMAND ${name} ${arguments})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 1200)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# revlm_fuzz(NAME SOURCE LIBRARIES ...)
# A ctest that replays the seeds of fuzz/corpus/NAME and the past findings of
# tests/fuzz-regress/NAME. With REVLM_FUZZ its program is a libFuzzer one,
# fuzz/fuzz_NAME of the target `fuzzers`, which ci/fuzz runs for longer.
add_custom_target(fuzzers)
function(revlm_fuzz name source)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  revlm_register_test(fuzz_${name} ${source})
  if(NOT REVLM_DEVELOPER_MODE)
    return()
  endif()
  set(replay fuzz_${name})
  if(REVLM_FUZZ)
    list(APPEND replay -runs=0)
    add_executable(fuzz_${name} ${source})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    add_dependencies(fuzzers fuzz_${name})
  else()
    add_executable(fuzz_${name} ${source} ${PROJECT_SOURCE_DIR}/fuzz/replay.cc)
  endif()
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LIBRARIES})
  foreach(folder fuzz/corpus/${name} tests/fuzz-regress/${name})
    if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
      list(APPEND replay ${PROJECT_SOURCE_DIR}/${folder})
    endif()
  endforeach()
  add_test(NAME fuzz_${name} COMMAND ${replay})
  set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
