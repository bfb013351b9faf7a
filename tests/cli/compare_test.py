"""revlm compare, verify and explain: verdicts, exit codes, what is kept."""

import json
import os
import re
import signal
import time
import unittest

from revlm_process import MODEL, OTHER_MODEL, ProgramTest

DERIVED = 3  # what a fine-tune ends with
KEPT = ("verdicts.json", "evidence.jsonl", "prompts.jsonl")


class CompareTest(ProgramTest):
    def compare(self, *arguments, code, folder="d"):
        out, _ = self.revlm("compare", *arguments, "--json", "--output-dir",
                            folder, code=code)
        document = json.loads(out)
        self.assertEqual(document["exit_code"], code)
        return document

    def kept(self, folder):
        return {name: (self.folder / folder / name).read_bytes()
                for name in KEPT}

    def test_a_copy_is_the_same(self):
        self.copy_model("copy")
        found = self.compare(MODEL, "copy", "--challenges", "9", code=0)
        self.assertEqual(found["schema"], "revlm.compare/1")
        self.assertEqual(found["verdict"], "SAME")
        pair, = found["pairs"]
        self.assertEqual(pair["verdict"], "SAME")
        self.assertEqual(pair["error_bound"], 0)
        self.assertEqual(pair["weights"]["relation"], "same")
        self.assertEqual(pair["behaviour"]["scale"], "tokens")
        for direction in ("divergence", "mirror"):
            self.assertEqual(pair["behaviour"][direction]["nats"], 0)
        roots = {model["tensor_root"] for model in found["models"]}
        self.assertEqual(len(roots), 1)
        self.assertEqual(len(roots.pop()), 64)

    def test_a_fine_tune_behaves_otherwise(self):
        found = self.compare(MODEL, OTHER_MODEL, code=DERIVED)
        pair, = found["pairs"]
        self.assertEqual(pair["behaviour"]["closeness"], "different")
        self.assertGreater(pair["behaviour"]["divergence"]["lower"],
                           found["same_nats"])
        lines = [json.loads(line) for line in
                 (self.folder / "d" / "evidence.jsonl").read_text()
                 .splitlines()]
        self.assertEqual(len(lines), 50)
        self.assertEqual([line["prompt_idx"] for line in lines],
                         list(range(50)))
        mean = sum(line["nats"] for line in lines) / len(lines)
        self.assertAlmostEqual(mean, pair["behaviour"]["divergence"]["nats"])

    def test_the_same_bytes_for_any_limit_batch_and_threads(self):
        arguments = (MODEL, OTHER_MODEL, "--challenges", "12", "--exit-zero")
        self.compare(*arguments, code=0, folder="plain")
        for i, more in enumerate((["--threads", "1"], ["--threads", "3"],
                                  ["--parallel-batch-size", "1"],
                                  ["--parallel-memory-limit", "0.2"])):
            self.compare(*arguments, *more, code=0, folder=f"d{i}")
            self.assertEqual(self.kept(f"d{i}"), self.kept("plain"), more)

    def test_below_the_floor_nothing_is_done(self):
        _, err = self.revlm("compare", MODEL, OTHER_MODEL,
                            "--parallel-memory-limit", "0.01", "--output-dir",
                            "d", code=6)
        self.assertIn(b"the floor is", err)
        self.assertFalse((self.folder / "d").exists())

    def test_the_limit_holds(self):
        arguments = ("compare", MODEL, OTHER_MODEL, "--challenges", "200",
                     "--parallel-memory-limit")
        _, err = self.revlm(*arguments, "0.01", code=6)
        floor = int(re.search(rb"the floor is (\d+) bytes", err)[1])
        _, err = self.revlm(*arguments, "0.02", code=6)
        self.assertIn(b"the floor is %d bytes" % floor, err)
        limit = floor + (32 << 20)  # what comparing weights takes beside
        process = self.start(*arguments, repr(limit / 2**30))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, DERIVED, process.stderr.read())
        process.stdout.close()
        process.stderr.close()
        if not os.environ.get("REVLM_SANITIZE"):  # whose memory comes beside
            self.assertLess(usage.ru_maxrss * 1024, limit)

    def test_three_models_are_three_pairs(self):
        self.copy_model("copy")
        found = self.compare(f"a={MODEL}", "b=copy", f"c={OTHER_MODEL}",
                             "--challenges", "20",
                             code=DERIVED)
        self.assertEqual([(pair["a"], pair["b"]) for pair in found["pairs"]],
                         [("a", "b"), ("a", "c"), ("b", "c")])
        self.assertEqual(found["pairs"][0]["verdict"], "SAME")
        self.assertEqual(found["pairs"][1]["behaviour"],
                         found["pairs"][2]["behaviour"])

    def test_verdicts_as_exit_codes(self):
        self.copy_model("copy")
        few = ("--challenges", "3")
        for other, more, code in (
                ("copy", [], 0),
                ("copy", ["--fail-on", "different,undecided"], 0),
                (OTHER_MODEL, ["--exit-zero"], 0),
                (OTHER_MODEL, ["--fail-on", "derived,different,undecided"], 1),
                (OTHER_MODEL, ["--fail-on", "error"], 0)):
            self.revlm("compare", MODEL, other, *few, *more, code=code)
        for more, code in (([], 2), (["--fail-on", "error"], 1)):
            self.revlm("compare", MODEL, "nowhere", *more, code=code)
            # The document says what the process ends with.
            self.compare(MODEL, "nowhere", *more, code=code)

    def test_another_tokenizer_is_another_model(self):
        self.copy_model("lower")
        path = self.folder / "lower" / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        path.write_text(json.dumps(tokenizer, indent=3))
        few = ("--challenges", "2")
        self.compare(MODEL, "lower", *few, code=0, folder="laid out")
        tokenizer["normalizer"] = {"type": "Lowercase"}
        path.write_text(json.dumps(tokenizer))
        pair, = self.compare(MODEL, "lower", *few, code=DERIVED)["pairs"]
        self.assertIn("the same weights, with another tokenizer",
                      pair["reason"])
        self.assertEqual(pair["error_bound"], 0)
        self.assertEqual(pair["weights"]["tensors"]["settings"], ["tokenizer"])

    def test_prompts_that_a_model_fails_on_are_told(self):
        self.copy_model("nan")
        path = self.folder / "nan" / "model.safetensors"
        data = bytearray(path.read_bytes())
        size = int.from_bytes(data[:8], "little")
        name = "model.layers.3.mlp.down_proj.weight"
        first = json.loads(data[8:8 + size])[name]["data_offsets"][0]
        data[8 + size + first:8 + size + first + 4] = b"\xff\x7f\xff\x7f"
        path.write_bytes(data)
        out, err = self.revlm("compare", MODEL, "nan", "--challenges", "3",
                              "--json", "--output-dir", "d", code=DERIVED)
        pair, = json.loads(out)["pairs"]
        self.assertEqual(pair["behaviour"]["num_prompts"], 0)
        self.assertEqual(pair["behaviour"]["num_failed"], 3)
        self.assertIn("all of 3 prompts failed; nan: the model's output",
                      pair["behaviour"]["why_none"])
        self.assertIn(b"nan failed on 3 of 3 prompts", err)
        self.assertEqual(pair["weights"]["tensors"]["not_finite_in_b"], [name])
        self.assertIn("no numbers or infinite in " + name,
                      pair["weights"]["sentence"])
        out, _ = self.revlm("explain", "d")
        self.assertIn(b"not compared: all of 3 prompts failed", out)

    def test_verify_says_what_compare_says(self):
        self.copy_model("copy")
        out, _ = self.revlm("verify", "copy", "--against", MODEL, "--json",
                            "--challenges", "3")
        found = json.loads(out)
        self.assertEqual(found["schema"], "revlm.verify/1")
        self.assertEqual(found["verdict"], "SAME")
        self.assertEqual([model["alias"] for model in found["models"]],
                         ["aster-s0", "copy"])
        self.revlm("verify", "copy", code=2)

    def test_an_endpoint_is_refused_by_name(self):
        for target in ("http://localhost:1/v1#m", "e=https://host",
                       "openai:m"):
            _, err = self.revlm("verify", target, "--against", MODEL, code=2)
            self.assertIn(target.encode(), err)
            self.assertIn(b"endpoints cannot be asked yet", err)

    def test_explain_forms_the_verdicts_again(self):
        found = self.compare(f"a={MODEL}", f"b={OTHER_MODEL}",
                             code=DERIVED)
        out, _ = self.revlm("explain", "d", "--json")
        again = json.loads(out)
        self.assertEqual(again["pairs"], found["pairs"])
        out, _ = self.revlm("explain", "d", "b~a")
        text = out.decode()
        self.assertIn(f"a ~ b: {found['verdict']}", text)
        self.assertIn("KL(a||b)", text)
        self.revlm("explain", "d", "a~c", code=2)
        self.revlm("explain", "nowhere", code=2)
        # A verdict that does not follow from the evidence beside it.
        path = self.folder / "d" / "verdicts.json"
        stored = json.loads(path.read_text())
        stored["pairs"][0]["verdict"] = "SAME"
        path.write_text(json.dumps(stored))
        _, err = self.revlm("explain", "d", code=2)
        self.assertIn(b"does not follow from the evidence", err)

    def test_one_pair_explained_has_its_own_verdict(self):
        self.copy_model("copy")
        self.compare(f"a={MODEL}", f"b={OTHER_MODEL}", "c=copy", "--challenges",
                     "4", code=DERIVED)
        out, _ = self.revlm("explain", "d", "a~c", "--json")
        one = json.loads(out)
        self.assertEqual([pair["verdict"] for pair in one["pairs"]], ["SAME"])
        self.assertEqual(one["verdict"], "SAME")

    def test_latest_is_the_newest(self):
        self.copy_model("copy")
        self.revlm("compare", MODEL, "copy", "--challenges", "2")
        out, _ = self.revlm("explain", "--json")
        self.assertEqual(json.loads(out)["verdict"], "SAME")

    def test_a_directory_that_is_used_is_refused(self):
        (self.folder / "d").mkdir()
        (self.folder / "d" / "mine").write_text("")
        _, err = self.revlm("compare", MODEL, OTHER_MODEL, "--output-dir", "d",
                            code=2)
        self.assertIn(b"new or empty", err)
        self.assertEqual(os.listdir(self.folder / "d"), ["mine"])

    def test_a_comparison_that_was_ended_goes_on(self):
        self.copy_model("copy")
        command = ("compare", MODEL, "copy", OTHER_MODEL, "--challenges",
                   "100", "--enable-prompt-orchestration", "--threads", "1",
                   "--output-dir")
        self.revlm(*command, "whole", code=DERIVED)
        self.end_again_and_again(
            [*command, "d"], DERIVED,
            (signal.SIGINT, signal.SIGKILL, signal.SIGTERM))
        self.assertEqual(self.kept("d"), self.kept("whole"))
        self.assertEqual(sorted(os.listdir(self.folder / "d")), sorted(KEPT))

    def test_what_was_found_is_said_to_be_kept(self):
        process = self.start("compare", MODEL, OTHER_MODEL, "--challenges",
                             "3000", "--threads", "1")
        # The weights take a part of a second, the prompts many.
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        said = re.search(rb"kept in (\S+), and the same command goes on", err)
        folder = self.folder / said[1].decode()
        self.assertTrue((folder / "unfinished" / "weights-0.kept").exists())
        _, err = self.revlm("explain", str(folder), code=2)
        self.assertIn(b"not finished", err)

    def test_text_names_pair_verdict_and_directory(self):
        self.copy_model("copy")
        out, err = self.revlm("compare", MODEL, "copy", "--challenges", "2",
                              "--output-dir", "d")
        text = out.decode()
        self.assertIn("aster-s0 ~ copy", text)
        self.assertIn("SAME", text)
        self.assertIn("1 pair: 1 SAME, 0 DERIVED, 0 DIFFERENT, 0 UNDECIDED",
                      text)
        self.assertIn("revlm explain d", text)
        self.assertIn(b"weights to read", err)  # what it costs, before
        for stream in (out, err):
            self.assertNotIn(b"\x1b", stream)
            self.assertNotIn(b"\r", stream)

    def test_prompts_of_ones_own(self):
        (self.folder / "p.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
        self.compare(MODEL, OTHER_MODEL, "--prompts", "p.txt", "--exit-zero",
                     code=0)
        asked = [json.loads(line)["prompt"] for line in
                 (self.folder / "d" / "prompts.jsonl").read_text().splitlines()]
        self.assertEqual(sorted(asked),
                         ["five", "four", "one", "three", "two"])
        self.revlm("compare", MODEL, OTHER_MODEL, "--prompts", "p.txt",
                   "--challenges", "3", code=2)

    def test_weights_alone(self):
        self.copy_model("copy")
        found = self.compare(MODEL, "copy", "--challenges", "0", code=0)
        self.assertIsNone(found["pairs"][0]["behaviour"])

    def test_meaningless_rules_are_refused(self):
        for flag, value in (("--alpha", "0"), ("--alpha", "1"),
                            ("--alpha", "nan"), ("--epsilon", "0"),
                            ("--epsilon", "0.1"), ("--challenges", "-1")):
            _, err = self.revlm("compare", MODEL, OTHER_MODEL, flag, value,
                                code=2)
            self.assertIn(f"{flag}: found {value}, allowed".encode(), err)
        _, err = self.revlm("compare", MODEL, code=2)
        self.assertIn(b"name another one", err)


if __name__ == "__main__":
    unittest.main()
