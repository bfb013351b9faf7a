"""Metrics that a run keeps, and the view of it from inside and outside."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from revlm_process import MODEL, OTHER_MODEL, PROMPTS, REVLM, ProgramTest

STATE_OF_ENDED = {0: "finished", 130: "stopped", -9: "killed"}


class Terminal:
    """A process on a pseudo terminal, and what it has written there."""

    def __init__(self, arguments, folder, environment, columns=80, rows=24):
        self.ours, theirs = pty.openpty()
        self.resize(columns, rows)
        # A session of its own, or it could not read keys.
        self.process = subprocess.Popen(
            [REVLM, *map(str, arguments)], cwd=folder, stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={"TERM": "xterm", **environment})
        os.close(theirs)
        self.written = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self.ours, keys)

    def read(self, seconds):
        """True unless it ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.ours], [], [], left)[0]:
                break
            try:
                chunk = os.read(self.ours, 65536)
            except OSError:
                return False
            if not chunk:
                return False
            self.written += chunk
        return True

    def read_until(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.written):
            assert time.monotonic() < end, self.written[-4000:]
            if not self.read(0.2):
                break
        assert re.search(pattern, self.written), self.written[-4000:]

    def finish(self):
        while self.read(60):
            pass
        os.close(self.ours)
        return self.process.wait(timeout=60)

    def frames(self):
        """Each drawing of the screen as its lines."""
        text = self.written.decode().replace("\r\n", "\n")
        return [re.sub(r"\x1b\[[0-9;]*m", "", frame.split("\x1b[J")[0])
                .replace("\x1b[K", "").rstrip("\n").split("\n")
                for frame in text.split("\x1b[H")[1:]]


class MonitorTest(ProgramTest):
    def write_prompts(self, max_tokens):
        (self.folder / "p.jsonl").write_text("".join(
            json.dumps({"prompt": prompt, "max_tokens": max_tokens * (i > 3)
                        + 2}) + "\n" for i, prompt in enumerate(PROMPTS)))

    def start_long(self, folder):
        """A run that takes some seconds, once its first result is there."""
        self.write_prompts(480)
        arguments = [MODEL, "--prompts", "p.jsonl"]
        process = self.start("run", *arguments, *self.tight(*arguments),
                             "--output-dir", folder)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for(process, lambda: self.has_begun(folder))
        return process

    def wait_for(self, process, condition):
        while not condition():
            self.assertIsNone(process.poll(), "ended too soon")
            time.sleep(0.005)

    def has_begun(self, folder):
        journal = self.folder / folder / "ops.jsonl"
        return journal.exists() and b"\n" in journal.read_bytes()

    def samples(self, folder):
        text = (self.folder / folder / "metrics.jsonl").read_text()
        self.assertTrue(text.endswith("\n"))
        return [json.loads(line) for line in text.splitlines()]

    def status(self, *arguments, **options):
        out, err = self.revlm("monitor", *arguments, "--json", **options)
        self.assertEqual(out.count(b"\n"), 1)
        document = json.loads(out)
        self.assertEqual(document["schema"], "revlm.monitor/1")
        return document


class MetricsTest(MonitorTest):
    def test_a_run_keeps_samples_and_says_how_it_ended(self):
        self.write_prompts(8)
        self.revlm("run", f"a={MODEL}", f"b={OTHER_MODEL}", "--prompts",
                   "p.jsonl", "--output-dir", "d")
        samples = self.samples("d")
        last = samples[-1]
        for sample in samples:
            self.assertEqual(sample["schema"], "revlm.metrics/1")
            self.assertRegex(sample["time"], r"^\d{4}-.*Z$")
        self.assertEqual(samples[0]["state"], "running")
        self.assertEqual(last["state"], "finished")
        self.assertEqual(last["operations"],
                         {"planned": 32, "done": 32, "failed": 0, "retried": 0,
                          "resumed": 0})
        self.assertEqual([(m["alias"], m["done"], m["state"])
                          for m in last["models"]],
                         [("a", 16, "done"), ("b", 16, "done")])
        for model in last["models"]:
            self.assertGreater(model["operations_per_second"], 0)
            self.assertGreater(model["p50_seconds"], 0)
            self.assertGreaterEqual(model["p95_seconds"], model["p50_seconds"])
        memory = last["memory"]
        self.assertGreater(memory["limit_bytes"], 0)
        self.assertGreater(memory["planned_bytes"], 1 << 20)
        self.assertGreater(memory["private_bytes"], 1 << 20)
        self.assertGreater(memory["mapped_bytes"], 1 << 20)
        self.assertEqual(memory["pss_bytes"],
                         memory["private_bytes"] + memory["mapped_bytes"])
        text = (self.folder / "d" / "metrics.prom").read_text()
        values = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        self.assertEqual(values['rev_ops_total{model="a",outcome="ok"}'], 16)
        self.assertEqual(values['rev_op_duration_seconds_count{model="b"}'], 16)
        self.assertEqual(values["rev_queue_depth"], 0)
        self.assertEqual(values['rev_memory_bytes{kind="limit"}'],
                         memory["limit_bytes"])

    def test_samples_come_about_once_a_second(self):
        process = self.start_long("d")
        began = time.monotonic()
        while process.poll() is None and time.monotonic() < began + 4:
            time.sleep(0.05)
        self.stop(process)
        process.wait()
        samples = self.samples("d")
        seconds = samples[-1]["seconds"]
        self.assertLessEqual(len(samples), seconds + 2)
        self.assertGreaterEqual(len(samples), seconds / 2)
        done = [s["operations"]["done"] for s in samples]
        self.assertEqual(done, sorted(done))

    def test_metrics_that_cannot_be_written_are_a_notice(self):
        self.write_prompts(6)
        command = ["run", MODEL, "--prompts", "p.jsonl", "--output-dir", "d"]
        self.revlm(*command)
        whole = self.results("d")
        # As a killed start leaves it, but for the places of the metrics.
        folder = self.folder / "d"
        (folder / "results.jsonl").unlink()
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["state"] = "running"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        lines = (folder / "ops.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "ops.jsonl").write_bytes(b"".join(lines[:5]))
        for name in ("metrics.jsonl", "metrics.prom"):
            (folder / name).unlink()
            (folder / name).mkdir()
        document = self.status("d")
        self.assertEqual(document["state"], "killed")
        self.assertEqual(document["operations"]["done"], 5)
        self.assertEqual(document["operations"]["planned"], len(PROMPTS))
        out, err = self.revlm(*command, "--json")
        self.assertEqual(json.loads(out)["operations"]["resumed"], 5)
        self.assertEqual(err.count(b"the run goes on without its metrics"), 1)
        self.assertEqual(self.results("d"), whole)
        # The view does without them.
        document = self.status("d")
        self.assertEqual(document["state"], "finished")
        self.assertEqual(document["operations"]["done"], len(PROMPTS))

    def test_debug_tells_memory_at_each_plan_and_sample(self):
        _, err = self.revlm("run", MODEL, "--prompt", "x", "--max-tokens", 2,
                            "--debug")
        lines = [line for line in err.decode().splitlines()
                 if line.startswith("memory: ")]
        self.assertGreaterEqual(len(lines), 3, err)
        for line in lines:
            self.assertRegex(
                line, r"^memory: planned \d+ bytes, held \d+ \(program \d+.*\),"
                r" PSS \d+ \(private \d+, mapped \d+\), limit \d+, reserve \d+")
        self.assertIn(b"slabs stay in memory", err)
        _, err = self.revlm("run", MODEL, "--prompt", "x", "--max-tokens", 2,
                            "-v")
        self.assertNotIn(b"memory: ", err)


class OtherTerminalTest(MonitorTest):
    def test_stopped_killed_and_running_runs_are_told_apart(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            folder = f"d{number}"
            process = self.start_long(folder)
            document = self.status(folder)
            self.assertEqual(document["state"], "running")
            self.assertIsNone(document["stopped_by"])
            if number == signal.SIGKILL:
                process.kill()
            else:
                self.stop(process, number)
            self.assertEqual(process.wait(), code)
            document = self.status(folder)
            self.assertEqual(document["state"], STATE_OF_ENDED[code])
            self.assertEqual(document["operations"]["done"],
                             len(self.journal_keys(folder)))
            self.assertEqual(document["stopped_by"] is None, code != 130)
            text, _ = self.revlm("monitor", folder, "--once")
            self.assertIn(b"the same command resumes it", text)
            self.assertIn(STATE_OF_ENDED[code].encode(), text)

    def test_a_run_that_has_not_begun(self):
        (self.folder / "d").mkdir()
        document = self.status("d")
        self.assertEqual(document["state"], "not_begun")
        out, _ = self.revlm("monitor", "d", "--once")
        self.assertIn(b"has not begun", out)
        (self.folder / "d" / "other").write_text("x")
        _, err = self.revlm("monitor", "d", code=2)
        self.assertIn(b"other", err)
        out, err = self.revlm("monitor", "absent", "--json", code=2)
        self.assertEqual(json.loads(out)["error"]["code"], "not_found")
        _, err = self.revlm("monitor", code=2)
        self.assertIn(b"rev-runs/latest", err)

    def test_latest_is_the_newest(self):
        run = ["run", MODEL, "--prompt", "x", "--max-tokens", 1, "--quiet"]
        self.revlm(*run)
        out, _ = self.revlm(*run)
        for arguments in (["latest"], [], ["rev-runs/latest/"]):
            out, _ = self.revlm("monitor", *arguments, "--json")
            self.assertEqual(
                (self.folder / json.loads(out)["run_dir"]).resolve(),
                (self.folder / "rev-runs" / "latest").resolve())
        out, _ = self.revlm("monitor", "--quiet")
        self.assertRegex(out.decode(), r"^rev-runs/\d{8}T\d{6}Z-[0-9a-f]{4}\n$")

    def test_looking_disturbs_no_start(self):
        """Whoever looks never holds what a starting run needs."""
        run = ["run", MODEL, "--prompt", "x", "--max-tokens", 1,
               "--output-dir", "d"]
        self.revlm(*run)
        watcher = subprocess.Popen(
            ["sh", "-c", 'while :; do "$0" monitor d --json; done', REVLM],
            cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL,
            start_new_session=True)
        try:
            for _ in range(20):
                self.revlm(*run)
        finally:
            os.killpg(watcher.pid, signal.SIGKILL)
            watcher.wait()

    def test_the_live_view_follows_resizes_and_q_leaves_the_run_alone(self):
        process = self.start_long("d")
        view = Terminal(["monitor", "d"], self.folder, self.environment)
        view.read_until(rb"aster-s0")
        view.resize(50, 8)
        seen = len(view.frames())
        while len(view.frames()) < seen + 3:
            self.assertIsNone(process.poll(), "ended too soon")
            view.read(0.2)
        for line in view.frames()[-2]:
            self.assertLessEqual(len(line), 50, line)
        self.assertLess(len(view.frames()[-2]), 8)
        view.resize(200, 60)
        view.press(b"q")
        self.assertEqual(view.finish(), 0)
        self.assertIsNone(process.poll())
        for frame in view.frames():
            self.assertLess(len(frame), 24)
            self.assertTrue(frame[0].startswith("REV d  running"), frame)
            for line in frame:
                self.assertLessEqual(len(line), 80, line)

    def test_the_live_view_ends_with_the_run_and_with_ctrl_c(self):
        process = self.start_long("d")
        view = Terminal(["monitor", "d"], self.folder, self.environment)
        other = Terminal(["monitor", "d"], self.folder, self.environment)
        other.read_until(rb"aster-s0")
        other.press(b"\x03")
        self.assertEqual(other.finish(), 130)
        view.read_until(rb"aster-s0")
        process.kill()
        process.wait()
        self.assertEqual(view.finish(), 0)
        self.assertIn("REV d  killed", view.frames()[-1][0])

    def test_off_a_terminal_lines_are_plain(self):
        process = self.start_long("d")
        began = time.monotonic()
        view = self.start("monitor", "d", env={"LC_ALL": "C"})
        first = view.stdout.readline()
        process.kill()
        out, err = view.communicate(timeout=60)
        out = first + out
        self.assertEqual(view.returncode, 0)
        self.assertEqual(err, b"")
        self.assertTrue(out.isascii())
        for byte in (b"\x1b", b"\r"):
            self.assertNotIn(byte, out)
        lines = out.decode().splitlines()
        self.assertRegex(lines[0], r"^d: running, \d+ of 16 operations, ")
        self.assertRegex(lines[-1], r"^d: killed, \d+ of 16 operations, ")
        self.assertLessEqual(len(lines),
                             2 + (time.monotonic() - began) / 12)


class OwnTerminalTest(MonitorTest):
    def test_a_run_shows_itself(self):
        run = ["run", MODEL, "--challenges", 12, "--max-tokens", 4,
               "--parallel-monitor", "--output-dir"]
        view = Terminal([*run, "d"], self.folder, self.environment)
        self.assertEqual(view.finish(), 0)
        self.assertIn("REV d  finished", view.frames()[-1][0])
        self.assertIn("12/12", "\n".join(view.frames()[-1]))
        self.assertIn(b"RUN OK", view.written.split(b"\x1b[J")[-1])
        self.assertIn(b"\x1b[1;32mfinished\x1b[0m", view.written)
        view = Terminal([*run, "e"], self.folder,
                        {**self.environment, "NO_COLOR": "1", "LC_ALL": "C"})
        self.assertEqual(view.finish(), 0)
        self.assertNotIn(b"\x1b[1;32m", view.written)
        self.assertTrue(view.written.isascii())
        self.assertEqual(self.results("d"), self.results("e"))

    def test_a_dumb_terminal_gets_lines(self):
        view = Terminal(["run", MODEL, "--prompt", "x", "--parallel-monitor"],
                        self.folder, {**self.environment, "TERM": "dumb"})
        self.assertEqual(view.finish(), 0)
        self.assertNotIn(b"\x1b", view.written)
        self.assertIn(b": finished, 1 of 1 operation, ", view.written)

    def test_off_a_terminal_it_is_lines_on_stderr(self):
        self.write_prompts(6)
        out, err = self.revlm("run", MODEL, "--prompts", "p.jsonl",
                              "--parallel-monitor", "--json")
        self.assertEqual(len(json.loads(out)["results"]), len(PROMPTS))
        for byte in (b"\x1b", b"\r"):
            self.assertNotIn(byte, err)
        lines = err.decode().splitlines()
        self.assertRegex(lines[-1], r": finished, 16 of 16 operations, ")
        out, err = self.revlm("run", MODEL, "--prompt", "x", "--quiet",
                              "--parallel-monitor")
        self.assertEqual(err, b"")


if __name__ == "__main__":
    unittest.main()
