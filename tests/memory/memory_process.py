"""What the tests of the memory law share: plans and runs, command lines.

Each test program is `NAME_test.py [REVLM] [--seed S] [options of its own]`;
without REVLM, the environment's REVLM or build/cli/revlm is tested.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
os.environ.setdefault("REVLM", str(ROOT / "build" / "cli" / "revlm"))

import checkpoints
import memory_group
import revlm_process

GIB = 1 << 30
AMPLE_BYTES = 36 * GIB
BELOW_FLOOR = 6  # exit code
SKIPPED = 77
OPTIONS = argparse.Namespace()


def main(measures_memory=False, **counts):
    """Runs the tests of the program. `counts`: its options with defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("revlm", nargs="?", type=pathlib.Path,
                        default=os.environ["REVLM"])
    for name, default in {"seed": 1, **counts}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.parse_args(namespace=OPTIONS)
    revlm_process.REVLM = str(OPTIONS.revlm.resolve())
    if measures_memory:
        skip_unless_measurable()
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(argv=sys.argv[:1])


def skip_unless_measurable():
    why_not = memory_group.available()
    if os.environ.get("REVLM_SANITIZE"):
        why_not = "a sanitizer's own memory knows no limit"
    if why_not:
        print(f"SKIPPED, nothing is tested: {why_not}")
        sys.exit(SKIPPED)


def limit_flag(limit_bytes):
    """Exact: a double holds every number of bytes there is, over 2**30."""
    return f"--parallel-memory-limit={limit_bytes / GIB!r}"


class MemoryTest(revlm_process.ProgramTest):
    def make_model(self, name, shape, seed):
        checkpoints.make(self.folder / name, shape, seed)

    def write_prompts(self, name, shape, lengths, chance, max_tokens=None):
        """A prompt file; with `max_tokens`, prompts differ in theirs."""
        with open(self.folder / name, "w") as file:
            for i, length in enumerate(lengths):
                line = {"id": f"p{i}", "prompt": checkpoints.prompt_of(
                    shape, length, chance)}
                if max_tokens is not None:
                    line["max_tokens"] = chance.randint(0, max_tokens)
                file.write(json.dumps(line) + "\n")

    def plan(self, arguments, limit_bytes, directory):
        out, _ = self.revlm("plan", *arguments, limit_flag(limit_bytes),
                            "--output-dir", directory, "--json")
        return json.loads(out)

    def run_model(self, arguments, limit_bytes, directory, **options):
        """The JSON document of a run."""
        out, _ = self.revlm("run", *arguments, limit_flag(limit_bytes),
                            "--output-dir", directory, "--json", "--quiet",
                            **options)
        return json.loads(out)

    def forget(self, *directories):
        for directory in directories:
            shutil.rmtree(self.folder / directory, ignore_errors=True)

    def answers(self, directory):
        """Every byte that a run found out: {file: content}."""
        folder = self.folder / directory
        return {path.relative_to(folder): path.read_bytes()
                for path in (folder / "results.jsonl",
                             *sorted(folder.glob("captures/*")))}


def spending(plan, shape):
    """The ways of spending memory that `plan` found for its first model."""
    model = plan["models"][0]
    ways = [name for name in ("ring", "pinned", "spilled")
            if model[f"{name}_bytes"] > 0]
    if model["num_slabs"] > shape.num_layers + 1:  # less than a layer each
        ways.append("tiles")
    if model["num_groups"] > 1:
        ways.append("groups")
    return ways
