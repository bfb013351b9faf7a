#!/usr/bin/env python3
"""Every command line of the users' guide, run as it stands there.

Only paths of models are replaced. Each line is a test of its own, named by its
line in the guide: `guide_test.py GuideTest.test_line_013`.
"""

import hashlib
import json
import re
import unittest

import guide
import workplace

GUIDE_SHA256 = (
    "019d9ea39dd5fd90793a3547fdec2f0f1c765105d484a80b033ee63651f94b37")

# Where the manifest keeps what a flag says, and how.
SETTINGS = {
    "--parallel-memory-limit": ("memory_limit_bytes",
                                lambda gib: int(float(gib) * 2**30)),
    "--parallel-per-process": ("per_process_bytes",
                               lambda gib: int(float(gib) * 2**30)),
    "--parallel-batch-size": ("batch_size", int),
    "--parallel-priority": ("priority", int),
    "--adaptation-interval": ("adaptation_interval", int),
    "--max-retries": ("max_retries", int),
}
# These are on or off.
SWITCHES = {
    "--parallel-adaptive": "adaptive",
    "--enable-circuit-breaker": "circuit_breaker",
}

# More prompts than these are not also asked one at a time, to compare.
MOST_COMPARED = 20 if workplace.SANITIZED else 100
# A sanitizer makes an hour of a thousand prompts.
LOWERED = {"--challenges 1000": "--challenges 50"} if workplace.SANITIZED else {}


class GuideTest(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.workplace = workplace.Workplace()
        cls.addClassCleanup(cls.workplace.remove)
        cls.one_at_a_time = {}

    def test_the_guide_is_the_one_that_was_agreed(self):
        digest = hashlib.sha256(guide.GUIDE.read_bytes()).hexdigest()
        self.assertEqual(digest, GUIDE_SHA256)
        guide.check_counts()

    def check_help(self, line):
        """Each --parallel flag has a line, on stdout."""
        done = self.workplace.shell(line.text + " 2>/dev/null")
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = [text.split()[0] for text in done.stdout.splitlines()]
        for flag in guide.parallel_flags():
            self.assertEqual(printed.count(flag), 1, done.stdout)

    def test_the_validation_finds_every_promise_held(self):
        line = guide.scripts()[0]
        self.assertEqual(line.script, "validate_parallel.py")
        if workplace.SANITIZED:
            self.skipTest("a sanitizer's own memory and time are no promise")
        done = self.workplace.shell(line.text)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = done.stdout.splitlines()
        held = sum(row.startswith("ok ") for row in rows)
        self.assertGreater(held, 0)
        self.assertEqual(rows[-1], f"{held} of {held} promises hold")

    def check_line(self, line):
        """Runs a line and checks all that the guide promises of it."""
        text = self.workplace.with_models(line.text)
        results = self.run_line(guide.Line(line.line, text))
        if line.results:
            self.check_stated(line, text, results)

    def run_line(self, line):
        """The results of a line that runs models."""
        for long, short in LOWERED.items():
            line = guide.Line(line.line, line.text.replace(long, short))
        done = self.run_shell(line.text)
        directory = self.take_directory(line)
        results = self.check_directory(line, directory)
        self.check_streams(line, done)
        self.check_results(line, results)
        return results

    def run_shell(self, text):
        done = self.workplace.shell(text)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stderr}")
        return done

    def take_directory(self, line):
        """The files of the run directory, which is removed: {name: bytes}."""
        named = line.value("--output-dir")
        runs = self.workplace.folder / "rev-runs"
        self.assertNotEqual(runs.exists(), named is not None)
        directory = (self.workplace.folder / named if named else
                     (runs / "latest").resolve(strict=True))
        files = {path.name: path.read_bytes() for path in directory.iterdir()}
        workplace.shutil.rmtree(directory if named else runs)
        return files

    def check_directory(self, line, files):
        """One record for each operation, and the flags as they were meant."""
        aliases = [model.rsplit("/", 1)[1] for model in line.models]
        asked = {aliases[model] for model, _ in line.asked()}
        self.assertLessEqual(
            {"manifest.json", "ops.jsonl", "results.jsonl",
             *(f"tensors-{alias}.json" for alias in asked)}, set(files))
        self.assertFalse([name for name in files if name.endswith(".tmp")])
        manifest = json.loads(files["manifest.json"])
        self.assertEqual(manifest["state"], "finished")
        plan = manifest["plan"]
        self.assertEqual(plan["mode"], line.mode)
        self.assertEqual(plan["num_prompts"], line.num_prompts)
        self.assertEqual([model["alias"] for model in plan["models"]],
                         [alias for alias in aliases if alias in asked])
        self.assertEqual(plan["prompt_systems"] is not None,
                         line.has("--enable-prompt-orchestration"))
        for flag, (name, read) in SETTINGS.items():
            if line.has(flag):
                self.assertEqual(manifest["settings"][name],
                                 read(line.value(flag)), flag)
        for flag, name in SWITCHES.items():
            self.assertIs(manifest["settings"][name], line.has(flag), flag)
        results = [json.loads(text) for text in
                   files["results.jsonl"].splitlines()]
        recorded = [json.loads(text)["key"] for text in
                    files["ops.jsonl"].splitlines()]
        self.assertEqual(sorted(recorded),
                         sorted(result["key"] for result in results))
        self.assertEqual(len(set(recorded)), len(recorded))
        return results

    def check_streams(self, line, done):
        count = len(line.asked())
        noun = "operation" if count == 1 else "operations"
        self.assertRegex(done.stdout, rf"(?m)^plan .* = {count} {noun} "
                                      rf"\({line.mode}\)$")
        self.assertRegex(done.stdout, rf"(?m)^RUN OK  {count} of {count} {noun},"
                                      " 0 failed, ")
        for stream in (done.stdout, done.stderr):  # no terminal is there
            self.assertNotIn("\x1b", stream)
            self.assertNotIn("\r", stream)
        if not workplace.SANITIZED:
            peak, unit = re.search(r"peak ([\d.]+) ([MG]iB)",
                                   done.stdout).groups()
            limit = float(line.value("--parallel-memory-limit", 36))
            self.assertLessEqual(
                float(peak) / (1024 if unit == "MiB" else 1), limit)

    def check_results(self, line, results):
        """Every operation of the mode, in order, as one at a time."""
        asked = line.asked()
        self.assertEqual(len(results), len(asked))
        for result in results:
            self.assertNotIn("error", result)
            self.assertTrue(result["tokens"])
        if line.num_prompts > MOST_COMPARED:
            self.assertEqual(len({result["prompt"] for result in results}),
                             line.num_prompts)
            return
        alone = [self.alone(line, model) for model in line.models]
        for result, (model, prompt) in zip(results, asked):
            self.assertEqual(result, alone[model][prompt])

    def alone(self, line, model):
        """The results of a model whose prompts go one at a time."""
        flags = [f"--challenges {line.num_prompts}"]
        if line.has("--enable-prompt-orchestration"):
            flags.append("--enable-prompt-orchestration")
        text = " ".join(["python run_rev.py", model, *flags])
        if text not in self.one_at_a_time:
            self.run_shell(text)
            files = self.take_directory(guide.Line(0, text))
            manifest = json.loads(files["manifest.json"])
            self.assertEqual(manifest["settings"]["batch_size"], 1)
            self.one_at_a_time[text] = [
                json.loads(result) for result in
                files["results.jsonl"].splitlines()]
        return self.one_at_a_time[text]

    def check_stated(self, line, text, results):
        """The arithmetic that the guide itself states."""
        if line.results == "Depends on model/prompt ratio":
            # 10 prompts on 3 models went to the first; fewer go to all.
            self.assertEqual(len(results), 10)
            few = self.run_line(guide.Line(line.line, text + " --challenges 2"))
            self.assertEqual(len({result["model"] for result in few}), 3)
            self.assertEqual(len({result["prompt"] for result in few}), 1)
            return
        times = re.fullmatch(
            r"(\d+) models \u00d7 (\d+) prompts = (\d+) operations",
            line.results)
        least = re.fullmatch(
            r"min\((\d+) models, (\d+) prompts\) = (\d+) operations",
            line.results)
        self.assertTrue(times or least, line.results)
        models, prompts, count = map(int, (times or least).groups())
        self.assertEqual((models, prompts),
                         (len(line.models), line.num_prompts))
        self.assertEqual(
            count, models * prompts if times else min(models, prompts))
        self.assertEqual(len(results), count)


def add_tests():
    """One test for each command line with run_rev.py."""
    for line in guide.run_rev_lines():
        check = (GuideTest.check_help if line.has("--help") else
                 GuideTest.check_line)

        def test(self, line=line, check=check):
            check(self, line)

        test.__doc__ = " ".join(line.words)
        setattr(GuideTest, f"test_line_{line.line:03}", test)


add_tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
