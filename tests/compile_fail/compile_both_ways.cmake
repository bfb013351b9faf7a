# cmake -D COMPILER=... -D SOURCE=... -D ROOT=... -P compile_both_ways.cmake
set(command ${COMPILER} -std=c++23 -Wall -Wextra -Werror -fsyntax-only
  -I${ROOT}/include -I${ROOT}/src ${SOURCE})

execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the good half of ${SOURCE} does not compile:\n${errors}")
endif()

file(STRINGS ${SOURCE} expected REGEX "^// EXPECT: ")
string(REPLACE "// EXPECT: " "" expected "${expected}")
if(expected STREQUAL "")
  message(FATAL_ERROR "${SOURCE} has no line that starts with // EXPECT:")
endif()

execute_process(COMMAND ${command} -DREVLM_MUST_NOT_COMPILE
  RESULT_VARIABLE status ERROR_VARIABLE errors)
if(status EQUAL 0)
  message(FATAL_ERROR "the bad half of ${SOURCE} compiles")
endif()
if(NOT errors MATCHES "${expected}")
  message(FATAL_ERROR "${SOURCE} is refused, but not for ${expected}:\n${errors}")
endif()
