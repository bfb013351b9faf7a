"""Runs that end before their time: by signals, and on a disk that is full."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from revlm_process import MODEL, PROMPTS, ProgramTest
from worker_processes import workers

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Of a run directory; what may keep a run from going on.
FILES = ("manifest", "tensors", "ops", "captures", "results")


class SignalTest(ProgramTest):
    def start_long(self, folder):
        """A run that takes some seconds, once its first result is there."""
        (self.folder / "p.jsonl").write_text("".join(
            json.dumps({"prompt": prompt, "max_tokens": 2 + 60 * (i > 3)})
            + "\n" for i, prompt in enumerate(PROMPTS)))
        arguments = [MODEL, "--prompts", "p.jsonl"]
        self.command = ["run", *arguments, *self.tight(*arguments),
                        "--output-dir", folder]
        process = self.start(*self.command)
        journal = self.folder / folder / "ops.jsonl"
        while not (journal.exists() and b"\n" in journal.read_bytes()):
            self.assertIsNone(process.poll(), "ended before the first result")
            time.sleep(0.002)
        return process

    def check_resumes(self, folder):
        before = self.journal_keys(folder)
        self.revlm(*self.command)
        self.assertEqual(self.journal_keys(folder)[:len(before)], before)
        self.assertEqual(len(set(self.journal_keys(folder))), len(PROMPTS))
        self.revlm(*self.command[:-1], "whole")
        self.assertEqual(self.results(folder), self.results("whole"))

    def test_the_first_signal_keeps_what_is_finished(self):
        process = self.start_long("d")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(b"the same command resumes", err)
        self.assertTrue((self.folder / "d" / "ops.jsonl").read_bytes()
                        .endswith(b"\n"))
        last = (self.folder / "d" / "metrics.jsonl").read_text().splitlines()[-1]
        self.assertEqual(json.loads(last)["state"], "stopped")
        self.check_resumes("d")

    def test_the_same_signal_twice_at_once_is_the_first(self):
        process = self.start_long("d")
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGCONT):
            process.send_signal(number)
        time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(b"the same command resumes", err)
        self.check_resumes("d")

    def test_the_second_signal_ends_at_once(self):
        for attempt in range(5):
            folder = f"d{attempt}"
            process = self.start_long(folder)
            # Both wait for the process when it goes on, so that it has no time
            # to stop by itself; on a busy machine it may have.
            for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM,
                           signal.SIGCONT):
                process.send_signal(number)
            _, err = process.communicate(timeout=60)
            if process.returncode != 130:
                break
        self.assertEqual(process.returncode, 143, err)
        self.assertNotIn(b"the same command resumes", err)
        self.check_resumes(folder)

    def wait_for_worker(self, process):
        while not (found := workers(process.pid)):
            self.assertIsNone(process.poll(), "ended before its worker")
        return found[0]

    def test_a_silent_worker_holds_up_no_stop(self):
        for command in ("run", "plan"):
            process = self.start(command, MODEL, "--prompt", "One",
                                 "--max-tokens", 400)
            worker = self.wait_for_worker(process)
            os.kill(worker, signal.SIGSTOP)  # most often while it opens
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130, err)
            self.assertFalse(os.path.exists(f"/proc/{worker}"))


class FullDiskTest(ProgramTest):
    """A small file system of its own, which only root can have."""

    def mount(self, size_bytes):
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "revlm-test",
             str(self.disk)], capture_output=True, text=True)
        if mounted.returncode != 0:
            print("SKIPPED, no full disk is tested: mounting needs root: "
                  + mounted.stderr.strip(), file=sys.stderr)
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)],
                        check=True)

    def resize(self, size_bytes):
        subprocess.run(["mount", "-o", f"remount,size={size_bytes}",
                        str(self.disk)], check=True)

    def test_full_at_any_moment_nothing_is_lost(self):
        (self.folder / "p.txt").write_text("".join(p + "\n" for p in PROMPTS))
        command = ["run", MODEL, "--prompts", "p.txt", "--max-tokens", 12,
                   "--logprobs", 3, "--prompt-logprobs", "--capture", "last",
                   "--output-dir"]
        self.revlm(*command, "whole")
        whole = {path.name: path.read_bytes() for path in
                 (self.folder / "whole" / "captures").iterdir()}
        needed = sum(PAGE_BYTES * (1 + path.stat().st_size // PAGE_BYTES)
                     for path in (self.folder / "whole").rglob("*"))
        self.mount(needed)
        stops = set()
        num_full = 0
        for size in range(PAGE_BYTES, needed + 16 * PAGE_BYTES,
                          max(PAGE_BYTES, needed // 16 // PAGE_BYTES
                              * PAGE_BYTES)):
            self.resize(size)
            process = self.start(*command, "disk/d", "--json")
            out, err = process.communicate(timeout=120)
            self.assertIn(process.returncode, (0, 5), err)
            document = json.loads(out)
            kept = []
            if process.returncode == 5:
                num_full += 1
                problem = document.get("stopped_by") or document["error"]
                self.assertEqual(problem["code"], "unavailable")
                self.assertIn(b"No space left", err)
                stops |= {name for name in FILES
                          if name in problem["message"].split("disk/d/")[-1]}
                if (self.disk / "d" / "ops.jsonl").exists():
                    text = (self.disk / "d" / "ops.jsonl").read_bytes()
                    self.assertTrue(text == b"" or text.endswith(b"\n"))
                    kept = self.journal_keys("disk/d")
                manifest = self.disk / "d" / "manifest.json"
                if manifest.exists():
                    json.loads(manifest.read_text())
            self.resize(64 << 20)
            _, err = self.revlm(*command, "disk/d")
            self.assertEqual(self.journal_keys("disk/d")[:len(kept)], kept)
            self.assertEqual(len(set(self.journal_keys("disk/d"))),
                             len(self.journal_keys("disk/d")))
            self.assertEqual(self.results("disk/d"), self.results("whole"))
            self.assertEqual(
                {path.name: path.read_bytes() for path in
                 (self.disk / "d" / "captures").iterdir()}, whole)
            self.assertEqual(list(self.disk.rglob("*.tmp")), [])
            shutil.rmtree(self.disk / "d")
        # It was full in each part of a run.
        self.assertGreater(num_full, 5)
        self.assertTrue(stops & {"manifest", "tensors"}, stops)
        self.assertTrue(stops & {"ops", "captures"}, stops)
        self.assertIn("results", stops)


if __name__ == "__main__":
    unittest.main()
