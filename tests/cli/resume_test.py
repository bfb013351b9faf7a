"""Runs that are stopped, killed, repeated and changed; results that are not."""

import json
import os
import random
import resource
import signal
import time
import unittest

from revlm_process import MODEL, PROMPTS, ProgramTest


class ResumeTest(ProgramTest):
    def write_prompts(self, prompts, name="p.txt"):
        (self.folder / name).write_text("".join(p + "\n" for p in prompts))

    def wait_for_line(self, process, folder):
        """Until the first result is journaled."""
        journal = self.folder / folder / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll(), "ended before the first result")
            time.sleep(0.002)

    def run_in(self, folder, *arguments, **options):
        return self.revlm("run", MODEL, "--prompts", "p.txt", "--output-dir",
                          folder, *arguments, **options)

    def test_killed_at_random_moments_nothing_is_lost_or_repeated(self):
        # Each start answers in groups, so that there is something to lose.
        (self.folder / "p.jsonl").write_text("".join(
            json.dumps({"prompt": prompt, "max_tokens": 1 + 12 * i}) + "\n"
            for i, prompt in enumerate(PROMPTS)))
        arguments = [MODEL, "--prompts", "p.jsonl", "--temperature", 0.8]
        command = ["run", *arguments, *self.tight(*arguments), "--output-dir"]
        self.revlm(*command, "whole")
        began = time.monotonic()
        self.revlm(*command, "timed")
        seconds = time.monotonic() - began
        chance = random.Random(20261123)
        kept = []
        for attempt in range(100):
            process = self.start(*command, "killed")
            if attempt == 0:  # in the middle for certain
                self.wait_for_line(process, "killed")
            else:
                time.sleep(chance.uniform(0, seconds))
            process.kill()
            _, err = process.communicate()
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL, err)
            keys = self.journal_keys("killed")
            self.assertEqual(keys[:len(kept)], kept)
            kept = keys
            if attempt == 0:
                self.assertLess(len(kept), len(PROMPTS))
        else:
            self.revlm(*command, "killed")
        self.assertEqual(self.results("killed"), self.results("whole"))
        keys = self.journal_keys("killed")
        self.assertEqual(len(keys), len(PROMPTS))
        self.assertEqual(len(set(keys)), len(PROMPTS))
        self.assertEqual(
            [p for p in (self.folder / "killed").iterdir()
             if p.suffix == ".tmp"], [])

    def interrupt(self, number, code):
        (self.folder / "p.jsonl").write_text("".join(
            json.dumps({"prompt": prompt, "max_tokens": 4 + 160 * (i > 3)})
            + "\n" for i, prompt in enumerate(PROMPTS)))
        folder = f"stopped-{number}"
        arguments = [MODEL, "--prompts", "p.jsonl"]
        command = ["run", *arguments, *self.tight(*arguments),
                   "--parallel-batch-size", 4, "--output-dir", folder]
        process = self.start(*command)
        self.wait_for_line(process, folder)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, err)
        self.assertIn(b"the same command resumes", err)
        self.assertFalse((self.folder / folder / "results.jsonl").exists())
        before = self.journal_keys(folder)
        out, err = self.revlm(*command, "--json")
        self.assertIn(b"resuming", err)
        self.assertEqual(json.loads(out)["operations"]["resumed"], len(before))
        self.assertEqual(self.journal_keys(folder)[:len(before)], before)
        self.assertEqual(len(set(self.journal_keys(folder))), len(PROMPTS))
        self.assertEqual(len(self.journal_keys(folder)), len(PROMPTS))

    def test_interrupted_runs_resume(self):
        self.interrupt(signal.SIGINT, 130)
        self.interrupt(signal.SIGTERM, 143)

    def test_json_of_an_interrupted_run_says_so(self):
        self.write_prompts(PROMPTS)
        arguments = [MODEL, "--prompts", "p.txt", "--max-tokens", 120,
                     "--no-parallel"]
        process = self.start("run", *arguments, *self.tight(*arguments),
                             "--json")
        while not list(self.folder.glob("rev-runs/*/manifest.json")):
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        document = json.loads(out)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(document["exit_code"], 130)
        self.assertEqual(document["stopped_by"]["code"], "cancelled")

    def test_a_second_process_is_refused(self):
        self.write_prompts(PROMPTS)
        arguments = [MODEL, "--prompts", "p.txt", "--max-tokens", 480]
        process = self.start("run", *arguments, *self.tight(*arguments),
                             "--output-dir", "d")
        while not (self.folder / "d" / "manifest.json").exists():
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        _, err = self.run_in("d", "--max-tokens", 480, code=2)
        process.kill()
        process.communicate()
        self.assertIn(b"another process is using it", err)

    def test_a_finished_run_is_shown_again_and_not_run(self):
        self.write_prompts(PROMPTS[:3])
        self.run_in("d", "--max-tokens", 2)
        results = self.results("d")
        journal = (self.folder / "d" / "ops.jsonl").read_bytes()
        out, err = self.run_in("d", "--max-tokens", 2, "--json")
        self.assertIn(b"is finished", err)
        self.assertEqual(json.loads(out)["operations"]["resumed"], 3)
        self.assertEqual(self.results("d"), results)
        self.assertEqual((self.folder / "d" / "ops.jsonl").read_bytes(),
                         journal)
        (self.folder / "d" / "results.jsonl").unlink()
        self.run_in("d", "--max-tokens", 2)
        self.assertEqual(self.results("d"), results)
        self.assertEqual((self.folder / "d" / "ops.jsonl").read_bytes(),
                         journal)

    def test_another_plan_is_refused_and_the_field_named(self):
        self.write_prompts(PROMPTS[:3])
        self.run_in("d", "--max-tokens", 2)
        for change, field in (
                (["--max-tokens", 3], b"max_tokens: 2 there, 3 asked"),
                (["--max-tokens", 2, "--seed", 5], b"seed: 0 there, 5 asked"),
                (["--max-tokens", 2, "--dtype", "f32"],
                 b"dtype: \"auto\" there, \"f32\" asked")):
            _, err = self.run_in("d", *change, code=2)
            self.assertIn(field, err)
        self.write_prompts(PROMPTS[:4])
        _, err = self.run_in("d", "--max-tokens", 2, code=2)
        self.assertIn(b"num_prompts: 3 there, 4 asked", err)

    def test_an_unfinished_latest_is_resumed(self):
        self.write_prompts(PROMPTS)
        command = ["run", MODEL, "--prompts", "p.txt", "--max-tokens", 4]
        self.revlm(*command)
        (first,) = [p for p in (self.folder / "rev-runs").iterdir()
                    if not p.is_symlink()]
        self.revlm(*command)  # finished: a new one
        self.assertEqual(len(list((self.folder / "rev-runs").iterdir())), 3)
        latest = (self.folder / "rev-runs" / "latest").resolve()
        self.assertNotEqual(latest, first)
        # As a killed start leaves it.
        whole = (latest / "results.jsonl").read_bytes()
        (latest / "results.jsonl").unlink()
        manifest = json.loads((latest / "manifest.json").read_text())
        manifest["state"] = "running"
        (latest / "manifest.json").write_text(json.dumps(manifest))
        lines = (latest / "ops.jsonl").read_bytes().splitlines(keepends=True)
        (latest / "ops.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:40])
        _, err = self.revlm(*command)
        self.assertIn(b"5 of 16 operations are done", err)
        self.assertEqual((latest / "results.jsonl").read_bytes(), whole)
        journal = (latest / "ops.jsonl").read_bytes().splitlines(keepends=True)
        self.assertEqual(journal[:5], lines[:5])
        self.assertEqual(len(journal), 16)
        for line in journal:
            json.loads(line)

    def test_changed_weights_are_noticed(self):
        self.copy_model("model")
        self.write_prompts(PROMPTS[:4])
        command = ["run", "model", "--prompts", "p.txt", "--max-tokens", 2,
                   "--output-dir", "d"]
        self.revlm(*command)
        folder = self.folder / "d"
        lines = (folder / "ops.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "ops.jsonl").write_bytes(b"".join(lines[:2]))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["state"] = "running"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        # Only touched: the same weights, read once more to be sure.
        weights = self.folder / "model" / "model.safetensors"
        os.utime(weights)
        self.revlm(*command)
        (folder / "ops.jsonl").write_bytes(b"".join(lines[:2]))
        (folder / "manifest.json").write_text(json.dumps(manifest))
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        _, err = self.revlm(*command, code=2)
        self.assertIn(b"weights in", err)
        self.assertIn(b"changed since the run began", err)
        self.assertEqual((folder / "ops.jsonl").read_bytes(),
                         b"".join(lines[:2]))

    def test_weights_changed_after_a_finished_run_are_noticed(self):
        self.copy_model("model")
        command = ["run", "model", "--prompt", "one", "--max-tokens", 1,
                   "--output-dir", "d"]
        self.revlm(*command)
        weights = self.folder / "model" / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        _, err = self.revlm(*command, code=2)
        self.assertIn(b"weights in", err)
        content[-1] ^= 1
        weights.write_bytes(content)  # the same bytes in a newer file
        self.revlm(*command)

    def test_a_full_disk_stops_cleanly_and_resumes(self):
        self.write_prompts(PROMPTS)
        self.run_in("whole", "--max-tokens", 8, "--logprobs", 5)
        size = (self.folder / "whole" / "ops.jsonl").stat().st_size

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

        out, err = self.run_in("full", "--max-tokens", 8, "--logprobs", 5,
                               "--json", code=5, preexec_fn=limit)
        document = json.loads(out)
        self.assertEqual(document["stopped_by"]["code"], "unavailable")
        self.assertIn(b"the same command resumes", err)
        kept = self.journal_keys("full")
        self.assertEqual(len(kept), document["operations"]["finished"])
        self.assertLess(len(kept), len(PROMPTS))
        self.assertTrue((self.folder / "full" / "ops.jsonl").read_bytes()
                        .endswith(b"\n"))
        self.run_in("full", "--max-tokens", 8, "--logprobs", 5)
        self.assertEqual(self.journal_keys("full")[:len(kept)], kept)
        self.assertEqual(self.results("full"), self.results("whole"))

    def test_the_cache_spares_reading_for_digests(self):
        run = ["run", MODEL, "--prompt", "x", "--max-tokens", 1, "--output-dir"]
        self.revlm(*run, "first")
        (entry,) = (self.folder / "home/.cache/revlm/digests").iterdir()
        self.revlm(*run, "second")
        roots = [json.loads((self.folder / folder / "manifest.json")
                            .read_text())["models"][0]["tensor_root"]
                 for folder in ("first", "second")]
        self.assertEqual(roots[0], roots[1])
        self.assertEqual(len(roots[0]), 64)
        # What is not in the cache's entry is not believed.
        kept = json.loads(entry.read_text())
        self.assertEqual(kept["tensor_root"], roots[0])
        entry.write_text("{damaged")
        self.revlm(*run, "third")
        self.assertEqual(json.loads(entry.read_text()), kept)


if __name__ == "__main__":
    unittest.main()
