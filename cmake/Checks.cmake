# The checks of the tree as tests of the label `check`: ctest runs them, and so
# does each make target check-NAME.
function(revlm_check name)
  add_test(NAME check_${name} COMMAND ${ARGN}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(check_${name} PROPERTIES LABELS check TIMEOUT 120)
endfunction()

revlm_check(format ci/check_format)
revlm_check(tiers ci/check_tiers.py)
revlm_check(sources ci/check_sources.py)
if(NOT REVLM_SANITIZE)  # where tests of the Python package are left out
  revlm_check(registry ci/check_test_registry.py ${PROJECT_BINARY_DIR})
endif()

# The checks are tested themselves: each finds what it is for.
file(APPEND ${PROJECT_BINARY_DIR}/test_sources.txt
  "ci/checks_test.py\tcheck_checks\n")
revlm_check(checks ci/checks_test.py)
