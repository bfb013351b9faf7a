"""Runs that tune themselves: same results, a log of each change, memory given
back."""

import json
import random
import sys
import unittest

from revlm_process import MODEL, PROMPTS, ROOT, ProgramTest

sys.path.insert(0, str(ROOT / "tests" / "memory"))
import checkpoints  # noqa: E402

ADAPTIVE = ["--parallel-adaptive", "--adaptation-interval", 5]


class AdaptiveTest(ProgramTest):
    def decisions(self, folder):
        path = self.folder / folder / "adaptive.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_modes_give_the_same_bytes_for_any_workers_and_adaptive(self):
        models = [f"tiny{i}" for i in range(9)]
        for i, model in enumerate(models):
            checkpoints.make(self.folder / model, checkpoints.TINY, i)
        words = checkpoints.prompt_of(checkpoints.TINY, 41, random.Random(2)).split()
        flags = [f"--prompt={word} {i}" for i, word in enumerate(words[:40])]
        # So many parts, each of one prompt, that trials pay.
        small_parts = ["--parallel-adaptive", "--adaptation-interval", 1,
                       "--parallel-batch-size", 1, "--no-resident"]
        for mode in ("cross_product", "paired", "broadcast"):
            run = ["run", *models, *flags, "--max-tokens", 1,
                   "--parallel-mode", mode, "--output-dir"]
            self.revlm(*run, mode)
            for workers in (1, 2, 8):
                for adaptive in ([], small_parts):
                    folder = f"{mode}-{workers}-{len(adaptive)}"
                    self.revlm(*run, folder, "--parallel-workers", workers,
                               *adaptive)
                    self.assertEqual(self.results(folder), self.results(mode),
                                     folder)
                    if mode == "cross_product":  # others are soon done
                        self.assertEqual(bool(self.decisions(folder)),
                                         bool(adaptive), folder)

    def long_run(self):
        """Arguments of a run of many groups, on a model that costs little."""
        checkpoints.make(self.folder / "tiny", checkpoints.TINY, 1)
        words = checkpoints.prompt_of(checkpoints.TINY, 1500, random.Random(1)).split()
        (self.folder / "p.txt").write_text("".join(
            f"{word} {i}\n" for i, word in enumerate(words)))
        return ["run", "tiny", "--prompts", "p.txt", "--max-tokens", 2,
                "--parallel-batch-size", 8]

    def test_a_long_run_is_tuned_in_the_open(self):
        run = self.long_run()
        self.revlm(*run, "--output-dir", "fixed")
        _, err = self.revlm(*run, "--output-dir", "adaptive", "-v", *ADAPTIVE,
                            "--display", "plain")
        self.assertEqual(self.results("adaptive"), self.results("fixed"))
        keys = self.journal_keys("adaptive")
        self.assertEqual(len(keys), 1500)
        self.assertEqual(len(set(keys)), 1500)
        # The plan is told once, not with each part.
        self.assertEqual(err.decode().count(" bytes planned of "), 1)
        decisions = self.decisions("adaptive")
        self.assertTrue(decisions)
        before = 0
        for decision in decisions:
            self.assertEqual(decision["schema"], "revlm.decision/1")
            self.assertEqual(decision["model"], "tiny")
            self.assertGreater(decision["num_finished"], before)
            self.assertIn(" -> ", decision["reason"])
            self.assertIn(decision["reason"], err.decode())
            before = decision["num_finished"]

    def test_it_goes_on_where_it_was_stopped(self):
        run = self.long_run() + ["--output-dir", "d"]
        self.revlm(*run)
        expected = self.results("d")
        journal = self.folder / "d" / "ops.jsonl"
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join(lines[:700]))
        (self.folder / "d" / "results.jsonl").unlink()
        self.revlm(*run, *ADAPTIVE)
        self.assertEqual(self.results("d"), expected)

    def test_the_published_spelling_means_the_same(self):
        flags = [f"--prompt={text}" for text in PROMPTS[:3]]
        for i, flag in enumerate(("--parallel-adaptive",
                                  "--enable-adaptive-parallel")):
            self.revlm("run", MODEL, *flags, "--max-tokens", 1, flag,
                       "--output-dir", f"d{i}")
            manifest = json.loads(
                (self.folder / f"d{i}" / "manifest.json").read_text())
            self.assertTrue(manifest["settings"]["adaptive"])
        out, _ = self.revlm("run", "--help")
        self.assertIn(b"--parallel-adaptive", out)
        self.assertIn(b"--adaptation-interval N", out)
        self.assertNotIn(b"--enable-adaptive-parallel", out)

    def test_what_cannot_be_meant_is_refused(self):
        for flags in (["--adaptation-interval", 0],
                      ["--adaptation-interval", -3],
                      ["--parallel-adaptive", "--no-parallel"]):
            self.revlm("run", MODEL, "--prompt", "Hello", *flags, code=2)


if __name__ == "__main__":
    unittest.main()
