#!/usr/bin/env python3
"""run_rev.py ARGUMENT...: `revlm run ARGUMENT...`, but one prompt at a time
unless --parallel is given. Streams, signals and exit codes are revlm's."""

import os
import sys

import find_revlm

BAD_USAGE = 2
# What prompts that go one at a time have no use for.
NEEDS_PARALLEL = ("--parallel-batch-size", "--parallel-adaptive",
                  "--enable-adaptive-parallel")


def is_given(flag, arguments):
    """Whether a flag is in the command line or, as revlm reads it, in the
    environment: REV_FOO_BAR for --foo-bar."""
    variable = "REV_" + flag.lstrip("-").replace("-", "_").upper()
    return bool(os.environ.get(variable)) or any(
        argument.split("=")[0] == flag for argument in arguments)


def without_api_key(arguments):
    """Drops --api-key and its value, which no local model needs."""
    kept = []
    rest = iter(arguments)
    for argument in rest:
        if argument.split("=")[0] != "--api-key":
            kept.append(argument)
            continue
        if argument == "--api-key":
            next(rest, None)
        print("run_rev.py: --api-key is not used: local models need no key, and "
              "other users of\nthis machine can read it in the list of "
              "processes", file=sys.stderr)
    return kept


def main():
    arguments = without_api_key(sys.argv[1:])
    if not is_given("--parallel", arguments):
        for flag in NEEDS_PARALLEL:
            if is_given(flag, arguments):
                print(f"run_rev.py: {flag} needs --parallel, without which "
                      f"prompts go\none at a time", file=sys.stderr)
                sys.exit(BAD_USAGE)
        if not is_given("--no-parallel", arguments):
            arguments.append("--no-parallel")
    revlm = find_revlm.program()
    try:
        os.execvp(revlm, ["revlm", "run", *arguments])
    except OSError as error:
        print(f"run_rev.py: starting {revlm}: {error.strerror}; try setting "
              f"REVLM to the program", file=sys.stderr)
        sys.exit(BAD_USAGE)


if __name__ == "__main__":
    main()
