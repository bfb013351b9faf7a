#!/usr/bin/env python3
"""validate_parallel.py notices when a promise does not hold: each is broken by
a program that does not do quite what it was asked to."""

import sys
import tempfile
import unittest

import guide
import workplace

sys.path.insert(0, str(guide.ROOT / "compat"))

import validate_parallel

# Stands between the validation and revlm; `arguments` are to be spoilt.
PROGRAM = """#!{python}
import os, pathlib, re, shutil, sys
revlm, arguments = {revlm!r}, sys.argv[1:]
def after(flag):
    return arguments.index(flag) + 1 if flag in arguments else 0
{spoil}
os.execv(revlm, ["revlm", *arguments])
"""

OTHER_MODE = """
if at := after("--parallel-mode"):
    others = {"cross_product": "paired", "paired": "broadcast",
              "broadcast": "cross_product"}
    arguments[at] = others[arguments[at]]
"""


def without(flag, num_values):
    """Spoils by leaving a flag out."""
    return f"""
if at := after({flag!r}):
    del arguments[at - 1:at + {num_values}]
"""


# What would be a worker of its own is all of the run.
IN_ONE_PROCESS = """
import subprocess
sys.exit(subprocess.run([revlm, *arguments]).returncode)
"""
BY_CHANCE = 'arguments += ["--temperature", "1", "--seed", str(os.getpid())]'

NO_LIMIT = without("--parallel-memory-limit", 1)

# Of each promise: what breaks it, and what is said of it then. One that can be
# broken in several ways is named with a dot and the way.
BROKEN = {
    "cross_product": (OTHER_MODE, "asked ap0 bp1"),
    "paired": (OTHER_MODE, "asked ap0"),
    "broadcast": (OTHER_MODE, "asked ap0"),
    "orchestration": ("""
if at := after("--challenges"):
    arguments[at] = "99"
""", "99 prompts"),
    "priority": ("""
if at := after("--prompts"):
    path = pathlib.Path(arguments[at])
    path.write_text(re.sub('"priority": -?[0-9]+', '"priority": 0',
                           path.read_text()))
""", "worked on p0 p1 p2 p3 p4"),
    "batch_sizes": (BY_CHANCE, "other results"),
    "batch_sizes.ignored": (without("--parallel-batch-size", 1),
                            "batch_size is None, asked 1"),
    "batch_sizes.together": (without("--no-parallel", 0),
                             "batch_size is None, asked 1"),
    "adaptive": (BY_CHANCE, "other results"),
    "adaptive.ignored": (without("--parallel-adaptive", 0),
                         "adaptive is False, asked True"),
    "adaptive.interval": (without("--adaptation-interval", 1),
                          "adaptation_interval is 20, asked 2"),
    # It says that it adapts; no part is so small that it could.
    "adaptive.idle": (without("--parallel-batch-size", 1),
                      "[0, 0] decisions"),
    "killed_worker": (IN_ONE_PROCESS, "exit code 247, not 0"),
    "killed_worker.by_chance": (BY_CHANCE, "other results"),
    "fault_tolerance": (without("--max-retries", 1), "exit code 0, not 5"),
    "fault_tolerance.breaker": (without("--enable-circuit-breaker", 0),
                                "circuit_breaker is False, asked True"),
    "fault_tolerance.impatient": ("""
if at := after("--max-retries"):
    arguments[at] = "0"
""", "exit code 5, not 0"),
    "monitoring": ('os.write(2, b"\\x1b[K")', "stderr"),
    "ten_together": ("""
if "--no-parallel" not in arguments:
    arguments += ["--no-parallel", "--no-resident"]
""", "s / "),
    "memory": (NO_LIMIT, "MiB"),
    "floor": (NO_LIMIT, "exit code 0, not 6"),
    "default_limit": ("os._exit(6)", "exit code 6, not 0"),
    "resume": ("""
if at := after("--output-dir"):
    shutil.rmtree(arguments[at], ignore_errors=True)
""", "0 of 64 resumed"),
    "one_holder": ("""
if (at := after("--output-dir")) and os.path.exists(arguments[at]):
    arguments[at] += "-other"
""", "exit code 0, not 2"),
}
# Broken as another one is; it would only take longer.
ALIKE = {"hundred_together"}


class ValidateTest(unittest.TestCase):
    def test_every_promise_is_broken_here(self):
        names = {check.__name__ for _, check in validate_parallel.PROMISES}
        broken = {name.split(".")[0] for name in BROKEN}
        self.assertEqual(names, broken | ALIKE)

    def found(self, name, spoil):
        """What is said of the promise `name` with a spoilt program."""
        with tempfile.TemporaryDirectory(prefix="revlm-spoilt-") as folder:
            at = validate_parallel.Validation(
                validate_parallel.find_revlm.bundled_models(), folder)
            program = at.runs.folder / "spoilt"
            program.write_text(PROGRAM.format(
                python=workplace.PYTHON, spoil=spoil,
                revlm=str(workplace.REVLM.resolve())))
            program.chmod(0o755)
            at.runs.revlm = str(program)
            with self.assertRaises(AssertionError) as caught:
                getattr(validate_parallel, name.split(".")[0])(at)
            return str(caught.exception)


def add_tests():
    for name, (spoil, said) in BROKEN.items():
        def test(self, name=name, spoil=spoil, said=said):
            self.assertIn(said, self.found(name, spoil))

        setattr(ValidateTest,
                f"test_{name.replace('.', '_')}_broken_is_noticed", test)


add_tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
