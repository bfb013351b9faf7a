"""Workers that die, models that are damaged, prompts that fail: each operation is
recorded once, with its true outcome, and the others go on.

  worker_test.py [REVLM]              6 kills, as ctest does
  worker_test.py [REVLM] --kills 200  what is promised; --seed S for others
  worker_test.py REVLM KillTest       these alone, with these options or none
"""

import argparse
import dataclasses
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for name in ("cli", "memory"):
    sys.path.insert(0, str(ROOT / "tests" / name))
os.environ.setdefault("REVLM", str(ROOT / "build" / "cli" / "revlm"))

import checkpoints
import revlm_process
from revlm_process import MODEL, PROMPTS

OPTIONS = argparse.Namespace(kills=6, seed=1)
# Done in parts: deaths fall into the midst of them.
ADAPTIVE = ["--parallel-adaptive", "--adaptation-interval", 1,
            "--parallel-batch-size", 4]
SHAPE = checkpoints.Shape(
    family="llama", dtype="BF16", vocab_size=1024, hidden_size=256,
    intermediate_size=768, num_layers=4, num_heads=4, num_kv_heads=2,
    head_dim=64, is_tied=True)


class FaultTest(revlm_process.ProgramTest):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(OPTIONS.seed)

    def tearDown(self):
        self.assertEqual(self.processes(), [], "orphans")
        self.assertEqual([*self.folder.rglob("*.tmp")], [])
        super().tearDown()

    def processes(self):
        """Those that work in this test's folder."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.path.samefile(path / "cwd", self.folder):
                    found.append(int(path.name))
            except OSError:
                pass  # it has ended, or is not ours
        return found

    def workers(self, process):
        return [pid for pid in self.processes() if pid != process.pid]

    def make_models(self, names="abc", shape=SHAPE):
        for i, name in enumerate(names):
            checkpoints.make(self.folder / name, shape, i)
        return list(names)

    def write_prompts(self, count, max_tokens=8):
        with open(self.folder / "p.jsonl", "w") as file:
            for i in range(count):
                file.write(json.dumps({
                    "id": f"p{i}", "max_tokens": 1 + i % max_tokens,
                    "prompt": f"{PROMPTS[i % len(PROMPTS)]} {i}"}) + "\n")

    def outcomes(self, folder):
        """{model: [error code or None]} in the order of the results."""
        found = {}
        for line in self.results(folder).splitlines():
            result = json.loads(line)
            found.setdefault(result["model"], []).append(
                result.get("error", {}).get("code"))
        return found

    def check_recorded_once(self, folder):
        records = [json.loads(line) for line in
                   (self.folder / folder / "ops.jsonl").read_text()
                   .splitlines()]
        results = [json.loads(line) for line in
                   self.results(folder).splitlines()]
        recorded = {(r["model"], r["key"]): r["result"] for r in records}
        self.assertEqual(len(recorded), len(records))
        self.assertEqual(len(results), len(records))
        for result in results:
            self.assertEqual(recorded[result["model"], result["key"]], result)

    def samples(self, folder):
        text = (self.folder / folder / "metrics.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


class KillTest(FaultTest):
    def test_workers_killed_at_random_lose_nothing(self):
        models = self.make_models()
        self.write_prompts(20, max_tokens=24)
        self.command = ["run", *models, "--prompts", "p.jsonl",
                        "--temperature", 0.8, "--no-resident", "--output-dir"]
        began = time.monotonic()
        self.revlm(*self.command, "whole")
        self.seconds = time.monotonic() - began
        kills = run = 0
        while kills < OPTIONS.kills:
            self.assertLess(run, 10 + OPTIONS.kills, "runs end unkilled")
            kills += self.run_killed(f"run-{run}", OPTIONS.kills - kills,
                                     1 + run % 3, *ADAPTIVE * (run % 2))
            run += 1
        print(f"{kills} kills in {run} runs of {self.seconds:.1f} s")

    def run_killed(self, folder, max_kills, num_workers, *more):
        """How often it was killed: never too often for its retries."""
        max_kills = min(max_kills, 8)
        process = self.start(*self.command, folder, "--parallel-workers",
                             num_workers, "--max-retries", max_kills,
                             "--json", *more)
        kills = 0
        while process.poll() is None and kills < max_kills:
            time.sleep(self.chance.uniform(0.02, self.seconds / 3))
            workers = self.workers(process)
            if not workers:
                continue
            try:
                os.kill(self.chance.choice(workers), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        out, err = process.communicate(timeout=revlm_process.TIMEOUT_SECONDS)
        failed = [result for result in json.loads(out)["results"]
                  if "error" in result]
        self.assertEqual((process.returncode, failed), (0, []), err.decode())
        self.assertEqual(self.results(folder), self.results("whole"))
        self.check_recorded_once(folder)
        self.assertEqual(
            [model["tensor_root"] for model in json.loads(out)["models"]],
            [json.loads((self.folder / f"whole/tensors-{name}.json")
                        .read_text())["tensor_root"] for name in "abc"])
        self.assertEqual(
            set(os.listdir(self.folder / folder)) - {"adaptive.jsonl"},
            set(os.listdir(self.folder / "whole")))
        shutil.rmtree(self.folder / folder)
        return kills

    def test_a_run_that_is_killed_takes_its_workers_along(self):
        models = self.make_models()
        self.write_prompts(20, max_tokens=200)
        process = self.start("run", *models, "--prompts", "p.jsonl",
                             "--output-dir", "d", "--parallel-workers", 3)
        while len(self.workers(process)) < 3:
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        process.kill()
        process.communicate()
        for _ in range(1000):
            if not self.processes():
                return
            time.sleep(0.01)
        self.fail("workers live on")

    def test_interrupted_with_several_workers_it_resumes(self):
        models = self.make_models()
        self.write_prompts(20, max_tokens=100)
        command = ["run", *models, "--prompts", "p.jsonl",
                   "--parallel-batch-size", 5, "--parallel-workers", 3,
                   "--output-dir"]
        for signals in (1, 2):
            folder = f"d{signals}"
            process = self.start(*command, folder)
            while len(self.workers(process)) < 3:
                self.assertIsNone(process.poll())
                time.sleep(0.002)
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
                time.sleep(0.15)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130, err)
            self.assertEqual(self.processes(), [])
            if signals == 1:  # whole groups of each model
                recorded = [json.loads(line)["model"] for line in (
                    self.folder / folder / "ops.jsonl").read_text()
                    .splitlines()]
                self.assertEqual([recorded.count(m) % 5 for m in models],
                                 [0, 0, 0])
            self.revlm(*command, folder)
            self.check_recorded_once(folder)
            self.assertEqual(self.results(folder), self.results("d1"))


class SilenceTest(FaultTest):
    def cpu_seconds(self, pid):
        fields = (pathlib.Path("/proc") / str(pid) / "stat").read_text()
        user, system = fields.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def test_samples_go_on_while_a_worker_says_nothing(self):
        self.make_models("a")
        self.write_prompts(20, max_tokens=60)
        command = ["run", "a", "--prompts", "p.jsonl", "--output-dir"]
        self.revlm(*command, "whole")
        process = self.start(*command, "d")
        self.addCleanup(process.kill)
        while not (self.folder / "d" / "metrics.jsonl").exists():
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        (worker,) = self.workers(process)
        os.kill(worker, signal.SIGSTOP)
        num_before = len(self.samples("d"))
        cpu_before = self.cpu_seconds(process.pid)
        time.sleep(5)
        # Others may keep this machine busy.
        self.assertLess(self.cpu_seconds(process.pid) - cpu_before, 1)
        silent = self.samples("d")[num_before:]
        self.assertGreaterEqual(len(silent), 3)
        self.assertLessEqual(len(silent), 6)
        for sample in silent:
            self.assertEqual(sample["state"], "running")
            self.assertEqual(sample["workers"], 1)
            # Sanitizers map so much that it is measured too rarely.
            if not os.environ["REVLM_SANITIZE"]:
                self.assertGreater(sample["models"][0]["memory_bytes"], 0)
            memory = sample["memory"]
            self.assertGreater(memory["held_bytes"], 0)
            self.assertLessEqual(
                memory["held_bytes"],
                memory["limit_bytes"] - memory["reserve_bytes"])
        os.kill(worker, signal.SIGCONT)
        _, err = process.communicate(timeout=revlm_process.TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertEqual(self.results("d"), self.results("whole"))


class ModelTest(FaultTest):
    def test_a_model_cut_short_while_it_runs_fails_alone(self):
        models = self.make_models()
        self.write_prompts(20, max_tokens=60)
        command = ["run", *models, "--prompts", "p.jsonl", "--no-resident",
                   "--output-dir"]
        self.revlm(*command, "whole")
        process = self.start(*command, "cut")
        journal = self.folder / "cut" / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        os.truncate(self.folder / "a" / "model.safetensors", 100_000)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5, err.decode())
        outcomes = self.outcomes("cut")
        self.assertEqual(set(outcomes["a"]), {None, "corrupt"})
        self.assertEqual(outcomes["b"] + outcomes["c"], 40 * [None])
        self.check_recorded_once("cut")
        whole = self.results("whole").splitlines()
        for cut, line in zip(self.results("cut").splitlines(), whole):
            if b'"error"' not in cut:
                self.assertEqual(cut, line)
        manifest = json.loads((self.folder / "cut/manifest.json").read_text())
        self.assertEqual(manifest["state"], "finished")

    def test_other_weights_in_place_of_a_model_are_not_run(self):
        self.make_models("ab")
        self.write_prompts(20, max_tokens=60)
        command = ["run", "a", "--prompts", "p.jsonl", "--no-resident",
                   "--output-dir"]
        self.revlm(*command, "whole")
        process = self.start(*command, "d")
        self.addCleanup(process.kill)
        journal = self.folder / "d" / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        os.replace(self.folder / "b" / "model.safetensors",
                   self.folder / "a" / "model.safetensors")
        for worker in self.workers(process):
            os.kill(worker, signal.SIGKILL)
        _, err = process.communicate(timeout=revlm_process.TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 5, err.decode())
        self.assertEqual(set(self.outcomes("d")["a"]), {None, "corrupt"})
        whole = self.results("whole").splitlines()
        for line, of_whole in zip(self.results("d").splitlines(), whole):
            if b'"error"' not in line:
                self.assertEqual(line, of_whole)
        self.check_recorded_once("d")

    def poke_nan(self, model, tensor, index):
        """Makes one element of a tensor of BF16 no number."""
        path = self.folder / model / "model.safetensors"
        content = bytearray(path.read_bytes())
        header = int.from_bytes(content[:8], "little")
        begin = json.loads(content[8:8 + header])[tensor]["data_offsets"][0]
        begin += 8 + header + 2 * index
        content[begin:begin + 2] = b"\xc0\x7f"
        path.write_bytes(content)

    def test_weights_that_are_no_numbers_fail_their_model_alone(self):
        models = self.make_models()
        self.write_prompts(6)
        self.poke_nan("b", "model.norm.weight", 0)
        self.revlm("run", *models, "--prompts", "p.jsonl", "--output-dir", "d",
                   code=5)
        outcomes = self.outcomes("d")
        self.assertEqual(outcomes["a"] + outcomes["c"], 12 * [None])
        self.assertEqual(len(outcomes["b"]), 6)
        self.assertNotIn(None, outcomes["b"])
        self.check_recorded_once("d")

    def test_models_that_cannot_be_opened_fail_alone(self):
        self.make_models("abc")
        (self.folder / "b" / "config.json").write_text("{")
        models = ["a", "b", f"{self.folder}/none", "c", f"e={MODEL}"]
        self.write_prompts(4)
        command = ["run", *models, "--prompts", "p.jsonl", "--output-dir", "d"]
        _, err = self.revlm(*command, code=5)
        self.assertIn(b"cannot be opened", err)
        self.assertEqual(self.outcomes("d"), {
            "a": 4 * [None], "b": 4 * ["corrupt"], "none": 4 * ["not_found"],
            "c": 4 * [None], "e": 4 * [None]})
        self.check_recorded_once("d")
        before = self.results("d")
        self.revlm(*command, code=5)  # finished: nothing is run again
        self.assertEqual(self.results("d"), before)
        # A single one is an error, and so are all.
        self.revlm("run", "b", "--prompts", "p.jsonl", code=2)
        self.revlm("run", "b", "./none", "--prompts", "p.jsonl", code=2)

    def begin_and_interrupt(self, command, folder):
        """Returns the journal: of some operations, not of all."""
        process = self.start(*command)
        self.addCleanup(process.kill)
        journal = folder / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        return journal

    def test_a_worker_that_cannot_write_stops_the_run(self):
        self.make_models("a")
        self.write_prompts(20, max_tokens=100)
        command = ["run", "a", "--prompts", "p.jsonl",
                   "--parallel-batch-size", 4, "--output-dir", "d"]
        self.begin_and_interrupt(command, self.folder / "d")
        in_place = self.folder / "d" / "tensors-a.json"
        in_place.mkdir()
        _, err = self.revlm(*command, code=5)
        self.assertIn(b"tensors-a.json", err)
        manifest = json.loads((self.folder / "d/manifest.json").read_text())
        self.assertEqual(manifest["state"], "running")
        in_place.rmdir()
        self.revlm(*command)
        self.assertEqual(self.outcomes("d"), {"a": 20 * [None]})
        self.check_recorded_once("d")

    def test_a_run_waits_for_a_model_that_is_away(self):
        self.make_models("ab")
        models = ["a", "./b"]
        self.write_prompts(20, max_tokens=100)
        for more in ([], ["--output-dir", "d"]):
            command = ["run", *models, "--prompts", "p.jsonl",
                       "--parallel-batch-size", 4, *more]
            folder = self.folder / (more[1] if more else "rev-runs/latest")
            journal = self.begin_and_interrupt(command, folder)
            before = journal.read_bytes()
            (self.folder / "b").rename(self.folder / "away")
            _, err = self.revlm(*command, code=2)
            self.assertIn(b"b cannot be opened now", err)
            self.assertEqual(journal.read_bytes(), before)
            (self.folder / "away").rename(self.folder / "b")
            self.revlm(*command)
            self.assertTrue(journal.read_bytes().startswith(before))
            self.check_recorded_once(folder)
        runs = [path for path in (self.folder / "rev-runs").iterdir()
                if not path.is_symlink()]
        self.assertEqual(len(runs), 1)

    def test_a_prompt_that_fails_in_a_pass_leaves_its_neighbours_alone(self):
        # Not tied: the head says other tokens without a NaN.
        shape = dataclasses.replace(SHAPE, is_tied=False)
        self.make_models("a", shape)
        self.write_prompts(9)
        command = ["run", "a", "--prompts", "p.jsonl", "--output-dir"]
        self.revlm(*command, "whole")
        whole = [json.loads(line)
                 for line in self.results("whole").splitlines()]
        others = {token for result in whole[:4] + whole[5:]
                  for token in (*result["prompt_token_ids"],
                                *(made["id"] for made in result["tokens"]))}
        token = next(token for token in whole[4]["prompt_token_ids"]
                     if token not in others)
        self.poke_nan("a", "model.embed_tokens.weight",
                      token * shape.hidden_size)
        for folder, more in (("d", []), ("parts", ADAPTIVE),
                             ("alone", ["--no-parallel"])):
            out, _ = self.revlm(*command, folder, "--json", *more, code=5)
            results = [json.loads(line)
                       for line in self.results(folder).splitlines()]
            self.assertEqual(results[4]["error"]["code"], "corrupt")
            self.assertIn("not a number", results[4]["error"]["message"])
            self.assertEqual(results[:4] + results[5:], whole[:4] + whole[5:])
            self.assertEqual(json.loads(out)["operations"]["retried"], 0)
            self.check_recorded_once(folder)

    def test_an_operation_may_take_longer_than_a_second(self):
        self.make_models("a")
        prompts = [{"id": "short", "prompt": "Apples", "max_tokens": 2},
                   {"id": "long", "prompt": "Bridges", "max_tokens": 240}]
        (self.folder / "p.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in prompts))
        process = self.start("run", "a", "--prompts", "p.jsonl",
                             "--no-resident", "--enable-circuit-breaker",
                             "--max-retries", 0, "--output-dir", "d")
        self.addCleanup(process.kill)
        journal = self.folder / "d" / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        # In the midst of the long one: slow on any machine.
        (worker,) = self.workers(process)
        os.kill(worker, signal.SIGSTOP)
        time.sleep(1.1)
        os.kill(worker, signal.SIGCONT)
        _, err = process.communicate(timeout=revlm_process.TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertEqual(self.outcomes("d"), {"a": 2 * [None]})
        long = [json.loads(line) for line in
                (self.folder / "d/ops.jsonl").read_text().splitlines()][-1]
        self.assertEqual(long["result"]["id"], "long")
        self.assertEqual(len(long["result"]["tokens"]), 240)
        self.assertNotIn("attempts", long)  # it was one
        self.assertGreater(long["seconds"], 1)
        self.check_recorded_once("d")

    def check_refused_below_floor(self, command):
        """The floor is that of all; below it nothing is begun, at it all goes
        well. Returns the floor."""
        floor = self.floor_bytes(*command[1:])
        document, err = self.revlm(
            *command, "--output-dir", "d", "--json", "--parallel-memory-limit",
            repr((floor - 1) / 2**30), code=6)
        error = json.loads(document)["error"]
        self.assertEqual(error["code"], "budget_exceeded")
        self.assertIn(f"the floor is {floor} bytes", error["message"])
        self.assertIn(f"the floor is {floor} bytes", err.decode())
        self.assertFalse((self.folder / "d").exists())
        self.revlm(*command, "--output-dir", "d", "--parallel-memory-limit",
                   repr(floor / 2**30))
        for codes in self.outcomes("d").values():
            self.assertEqual(set(codes), {None})
        self.check_recorded_once("d")
        return floor

    def test_a_prompt_that_never_fits_the_limit_refuses_the_run(self):
        self.make_models("a")
        words = [{"id": "short", "prompt": "Apples", "max_tokens": 2},
                 {"id": "long", "prompt": "Bridges", "max_tokens": 250}]
        floors = []
        for prompts in (words[:1], words):
            (self.folder / "p.jsonl").write_text(
                "".join(json.dumps(line) + "\n" for line in prompts))
            floors.append(self.floor_bytes("a", "--prompts", "p.jsonl"))
        self.assertLess(floors[0], floors[1])  # the long one is what it takes
        self.assertEqual(self.check_refused_below_floor(
            ["run", "a", "--prompts", "p.jsonl"]), floors[1])

    def test_a_model_that_never_fits_the_limit_refuses_the_run(self):
        self.make_models("a")
        wide = dataclasses.replace(SHAPE, hidden_size=1024, num_heads=16,
                                   num_layers=1)
        checkpoints.make(self.folder / "wide", wide, 7)
        self.write_prompts(3)
        prompts = ["--prompts", "p.jsonl"]
        alone = self.floor_bytes("a", *prompts)
        both = self.check_refused_below_floor(["run", "a", "wide", *prompts])
        self.assertLess(alone, both - (1 << 20))  # it would fit

    def test_prompts_that_cannot_be_answered_fail_in_their_place(self):
        lines = [{"id": f"p{i}", "prompt": text, "max_tokens": 3}
                 for i, text in enumerate(PROMPTS[:7])]
        lines[3]["prompt"] = "word " * 5000  # fits into no context
        (self.folder / "p.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines))
        self.revlm("run", MODEL, "--prompts", "p.jsonl", "--output-dir", "d",
                   code=5)
        (codes,) = self.outcomes("d").values()
        self.assertEqual(codes, 3 * [None] + ["invalid_argument"] + 3 * [None])
        self.check_recorded_once("d")


class SameBytesTest(FaultTest):
    def test_any_number_of_workers_gives_the_same_bytes(self):
        models = self.make_models()
        self.write_prompts(5)
        for mode in ("cross_product", "paired", "broadcast"):
            found = set()
            for workers in (1, 2, 8, None):  # none: as the plan says
                folder = f"{mode}-{workers}"
                asked = ["--parallel-workers", workers] if workers else []
                self.revlm("run", *models, "--prompts", "p.jsonl",
                           "--parallel-mode", mode, *asked,
                           "--output-dir", folder)
                self.check_recorded_once(folder)
                found.add(self.results(folder))
            self.assertEqual(len(found), 1, mode)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("revlm", nargs="?", type=pathlib.Path,
                        default=os.environ["REVLM"])
    parser.add_argument("--kills", type=int, default=OPTIONS.kills)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    parser.add_argument("tests", nargs="*")
    parser.parse_intermixed_args(namespace=OPTIONS)
    revlm_process.REVLM = str(OPTIONS.revlm.resolve())
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(argv=[*sys.argv[:1], *OPTIONS.tests])


if __name__ == "__main__":
    main()
