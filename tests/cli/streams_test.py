"""What the program writes where: streams, formats, exit codes, errors."""

import json
import os
import pty
import select
import subprocess
import unittest

from revlm_process import MODEL, OTHER_MODEL, REVLM, ProgramTest


class StreamsTest(ProgramTest):
    def test_json_is_exactly_one_document_on_stdout(self):
        out, _ = self.revlm("run", MODEL, "--prompt", "Hello", "--prompt", "1 2",
                            "--max-tokens", 4, "--logprobs", 2, "--json")
        document = json.loads(out)
        self.assertEqual(document["schema"], "revlm.run/1")
        self.assertIsNone(document["verdict"])
        self.assertEqual(document["exit_code"], 0)
        self.assertEqual(len(document["results"]), 2)
        self.assertEqual(document["results"][0]["prompt"], "Hello")
        self.assertEqual(len(document["results"][0]["tokens"]), 4)
        alternatives = document["results"][0]["tokens"][0]["alternatives"]
        self.assertEqual(len(alternatives), 2)
        self.assertEqual(document["operations"],
                         {"planned": 2, "finished": 2, "failed": 0,
                          "resumed": 0, "retried": 0})
        run_dir = self.folder / document["run_dir"]
        self.assertTrue((run_dir / "manifest.json").exists())
        self.assertEqual(out.count(b"\n"), 1)

    def test_json_errors_are_documents_too(self):
        for arguments in (["run", "no/such/model", "--json"],
                          ["run", MODEL, "--max-tokens", "x", "--json"],
                          ["inspect", "no/such/model", "--json"]):
            out, err = self.revlm(*arguments, code=2)
            document = json.loads(out)
            self.assertEqual(document["exit_code"], 2)
            self.assertTrue(document["error"]["message"])
            self.assertIn(document["schema"].split("/")[0],
                          ("revlm.run", "revlm.inspect"))
            self.assertTrue(err)

    def test_off_a_terminal_no_byte_moves_the_cursor(self):
        for extra in ([], ["--json"], ["-v"], ["-q"], ["--display", "plain"]):
            for locale in ("C", "C.UTF-8"):
                out, err = self.revlm("run", MODEL, "--challenges", 12,
                                      "--max-tokens", 2, *extra,
                                      env={"LC_ALL": locale})
                self.assertNotIn(b"\x1b", out + err)
                self.assertNotIn(b"\r", out + err)

    def test_text_answers_name_what_is_there(self):
        out, err = self.revlm("run", MODEL, "--prompt", "Hello",
                              "--max-tokens", 3, "--output-dir", "d")
        text = out.decode()
        self.assertIn("model   aster-s0  HF directory, llama, 1.4 M, BF16",
                      text)
        self.assertIn(
            "plan    1 model x 1 prompt = 1 operation (cross_product)\n", text)
        self.assertIn("RUN OK  1 of 1 operation, 0 failed", text)
        self.assertIn("results  d/results.jsonl", text)
        self.assertIn("Hello", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)
        self.assertNotIn("RUN OK", err.decode())

    def test_a_c_locale_gets_ascii_only(self):
        prompts = ["--prompt", "Gr\u00fc\u00dfe \u4e2d\u56fd \U0001f600",
                   "--prompt", "a\x1b[31mred\u202ereverse"]
        out, err = self.revlm("run", MODEL, *prompts, "--max-tokens", 2,
                              env={"LC_ALL": "C"})
        self.assertTrue((out + err).isascii())
        self.assertIn(b"Gr\\xfc", out)
        self.assertNotIn(b"\x1b", out)
        out, _ = self.revlm("run", MODEL, *prompts, "--max-tokens", 2)
        self.assertIn("Gr\u00fc\u00dfe \u4e2d\u56fd", out.decode())
        self.assertNotIn(b"\x1b", out)
        self.assertNotIn("\u202e", out.decode())

    def test_quiet_prints_the_directory_only(self):
        out, err = self.revlm("run", MODEL, "--prompt", "Hello",
                              "--max-tokens", 1, "--output-dir", "d", "-q")
        self.assertEqual(out, b"d\n")
        self.assertEqual(err, b"")

    def test_verbose_says_how_it_computes(self):
        _, err = self.revlm("run", MODEL, "--prompt", "Hello",
                            "--max-tokens", 1, "-v")
        self.assertIn(b"2 of 2 slabs stay in memory", err)
        arguments = [MODEL, "--prompt", "Hello", "--max-tokens", 1]
        _, err = self.revlm("run", *arguments, "-v", *self.tight(*arguments))
        self.assertNotIn(b"2 of 2 slabs stay in memory", err)

    def on_terminal(self, *arguments, env=None):
        """What a terminal gets on both streams."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [REVLM, *map(str, arguments)], cwd=self.folder, stdout=theirs,
            stderr=theirs, stdin=subprocess.DEVNULL,
            env={**self.environment, "TERM": "xterm", **(env or {})})
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 120)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            if not chunk:
                break
            written += chunk
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        return written

    def test_a_terminal_gets_a_bar_and_color_unless_it_must_not(self):
        run = ["run", MODEL, "--prompt", "Hello", "--max-tokens", 2]
        written = self.on_terminal(*run)
        self.assertIn(b"aster-s0  [", written)
        self.assertIn(b"\r\x1b[K", written)
        self.assertIn(b"\x1b[1;32mRUN OK\x1b[0m", written)
        for no_color in (["--no-color"], []):
            written = self.on_terminal(
                *run, *no_color, env={} if no_color else {"NO_COLOR": "1"})
            self.assertIn(b"RUN OK", written)
            self.assertNotIn(b"\x1b[1;32m", written)
        for env in ({"TERM": "dumb"}, {"CI": "true", "NO_COLOR": "1"}):
            written = self.on_terminal(*run, env=env)
            self.assertNotIn(b"\x1b", written)
            self.assertIn(b"aster-s0: 0 of 1 operations", written)

    def to(self, stdout, *arguments, **options):
        return subprocess.run(
            [REVLM, *map(str, arguments)], cwd=self.folder, stdout=stdout,
            stderr=subprocess.PIPE, env=self.environment, **options)

    # Less than a buffer of stdout, and more.
    ANSWERS = (["run", MODEL, "--prompt", "Hello", "--max-tokens", 1],
               ["prompts", "--challenges", 5, "--json"],
               ["prompts", "--challenges", 1000, "--json"],
               ["prompts", "--challenges", 1000],
               ["run", "--help"])

    def test_a_full_or_missing_stdout_is_a_failure(self):
        for arguments in self.ANSWERS:
            with open("/dev/full", "wb") as full:
                process = self.to(full, *arguments)
            self.assertEqual(process.returncode, 5, arguments)
            self.assertIn(b"writing to stdout: No space", process.stderr)
            process = self.to(None, *arguments, preexec_fn=lambda: os.close(1))
            self.assertEqual(process.returncode, 5, arguments)
            self.assertIn(b"writing to stdout: Bad file", process.stderr)

    def test_a_reader_that_went_away_is_no_failure(self):
        for arguments in self.ANSWERS[:-1]:  # help dies of SIGPIPE
            reader, writer = os.pipe()
            os.close(reader)
            process = self.to(writer, *arguments)
            os.close(writer)
            self.assertEqual(process.returncode, 0, arguments)


class UsageTest(ProgramTest):
    def test_whole_numbers_are_decimal_and_within_their_range(self):
        most = str(2**64 - 1)
        for seed, read in (("0", 0), ("010", 10), (most, 2**64 - 1)):
            for env, arguments in (({}, ["--seed", seed]),
                                   ({"REV_SEED": seed}, [])):
                out, _ = self.revlm("prompts", *arguments, "--json", env=env)
                self.assertEqual(json.loads(out)["seed"], read)
        for seed in ("18446744073709551616", "-1", "0x10", "1e3", "1.5", "+1",
                     " 1", "1 ", "x"):
            for env, arguments in (({}, [f"--seed={seed}"]),
                                   ({"REV_SEED": seed}, [])):
                _, err = self.revlm("prompts", *arguments, code=2, env=env)
                self.assertIn(f"found {seed}, allowed is a whole number from "
                              f"0 to {most}".encode(), err)
        for command in (["prompts"], ["compare", MODEL, MODEL], ["run", MODEL]):
            for flag in ("--seed", "--challenges"):
                _, err = self.revlm(*command, flag, "", code=2)
                self.assertIn(flag.encode(), err)
                self.assertIn(b"found nothing", err)
        for command, allowed in ((["prompts"], b"1 to 10000"),
                                 (["compare", MODEL, MODEL], b"0 to 10000")):
            for count in ("99999999999", "10001", "-1"):
                _, err = self.revlm(*command, f"--challenges={count}", code=2)
                self.assertIn(b"--challenges", err)
                self.assertIn(allowed, err)
        _, err = self.revlm("run", MODEL, "--max-tokens", "99999999999", code=2)
        self.assertIn(b"to 2147483647", err)

    def test_help_and_version_are_results(self):
        for arguments in (["--help"], ["run", "--help"], ["inspect", "--help"],
                          ["enroll", "--help"], ["identify", "--help"],
                          ["ls", "--help"]):
            out, err = self.revlm(*arguments)
            self.assertEqual(err, b"")
            for line in out.decode().splitlines():
                self.assertLessEqual(len(line), 80, line)
        out, _ = self.revlm("--version")
        self.assertRegex(out.decode(), r"^revlm \d+\.\d+\.\d+\n$")
        self.assertEqual(self.revlm("run", "--version")[0], out)

    def test_help_of_run_lists_every_flag(self):
        out, _ = self.revlm("run", "--help")
        for flag in ("--prompts", "--prompt", "--challenges", "--max-tokens",
                     "--output-dir", "--json", "--temperature", "--top-k",
                     "--top-p", "--seed", "--logprobs", "--prompt-logprobs",
                     "--capture", "--dtype", "--threads", "--no-special-tokens",
                     "--parallel-memory-limit", "--parallel-per-process",
                     "--parallel-workers", "--max-retries",
                     "--enable-circuit-breaker",
                     "--memory-strict", "--display", "--quiet", "--verbose",
                     "--no-color"):
            self.assertIn(flag, out.decode())

    def test_nothing_asked_is_answered_by_help_and_is_no_success(self):
        out, err = self.revlm(code=2)
        self.assertEqual(out, b"")
        self.assertEqual(err, self.revlm("--help")[0])

    def test_earlier_spellings_are_read_and_not_shown(self):
        shown = self.revlm("run", "--help")[0].decode().split()
        for flag in ("--memory-limit", "--output"):
            self.assertNotIn(flag, shown)
        self.revlm("run", MODEL, "--prompt", "Hello", "--max-tokens", 1,
                   "--memory-limit", 0.5, "--output", "d")
        manifest = json.loads((self.folder / "d/manifest.json").read_text())
        self.assertEqual(manifest["settings"]["memory_limit_bytes"], 1 << 29)
        # The name that is shown is the one that is spoken of.
        self.assertIn("--parallel-memory-limit: found -1",
                      self.error("run", MODEL, "--memory-limit=-1"))

    def error(self, *arguments, code=2, **options):
        out, err = self.revlm(*arguments, code=code, **options)
        self.assertEqual(out, b"")
        text = err.decode()
        self.assertTrue(text.startswith("revlm: "), text)
        self.assertLessEqual(text.count("\n"), 4, text)
        return text

    def test_slips_get_a_suggestion(self):
        self.assertIn("did you mean --max-tokens?",
                      self.error("run", MODEL, "--max-token", 3))
        self.assertIn("did you mean --temperature?",
                      self.error(MODEL, "--temprature=3"))
        self.assertIn("did you mean revlm inspect?",
                      self.error("inspcet", MODEL))
        self.assertIn("did you mean --hash?",
                      self.error("inspect", MODEL, "--hahs"))

    def test_usage_errors_are_2_and_say_what_is_allowed(self):
        self.error("run")
        self.assertIn("no/such", self.error("run", "no/such"))
        self.assertIn("{last,mean,all}",
                      self.error("run", MODEL, "--capture", "first"))
        self.assertIn("allowed is 0 to",
                      self.error("run", MODEL, "--max-tokens", "-3"))
        for flag in ("--parallel-memory-limit", "--parallel-per-process"):
            for amount in ("-1", "0", "nan", "-inf", "inf", "1e7", "1e300"):
                self.assertIn("allowed is more than 0 and at most 1000000 GiB",
                              self.error("run", MODEL, f"{flag}={amount}"))
            self.assertIn("allowed is 1 to",
                          self.error("run", MODEL, flag, "1e-12"))
            self.error("run", MODEL, flag, "much")
        self.assertIn("64", self.error("run", MODEL, "--challenges", 1000))
        self.assertIn("cannot be combined",
                      self.error("run", MODEL, "--challenges", 3, "--prompt",
                                 "x"))
        self.assertFalse((self.folder / "rev-runs").exists())

    def test_prompt_file_errors_name_file_and_line(self):
        (self.folder / "p.jsonl").write_text('{"prompt": "a"}\n{"prmpt": 1}\n')
        self.assertIn("p.jsonl, line 2", self.error("run", MODEL, "--prompts",
                                                    "p.jsonl"))
        self.error("run", MODEL, "--prompts", "absent.txt")

    def test_a_model_without_a_command_is_run(self):
        out, _ = self.revlm(MODEL, "--prompt", "Hello", "--max-tokens", 1)
        self.assertIn(b"RUN OK", out)

    def test_a_prompt_is_one_argument_whatever_it_holds(self):
        texts = ["[a, b]", "a,b c", "-x", "{}", "'quoted'"]
        flags = [f"--prompt={text}" for text in texts]
        out, _ = self.revlm("run", *flags, "--prompt", "last", MODEL,
                            "--max-tokens", 1, "--json")
        self.assertEqual([r["prompt"] for r in json.loads(out)["results"]],
                         texts + ["last"])

    def test_flags_are_read_from_the_environment(self):
        out, _ = self.revlm(
            "run", MODEL, "--prompt", "Hello", "--json",
            env={"REV_MAX_TOKENS": "3", "REV_LOGPROBS": "1"})
        result = json.loads(out)["results"][0]
        self.assertEqual(len(result["tokens"]), 3)
        self.assertEqual(len(result["tokens"][0]["alternatives"]), 1)
        out, _ = self.revlm(
            "run", MODEL, "--prompt", "Hello", "--json", "--max-tokens", 2,
            env={"REV_MAX_TOKENS": "3"})
        self.assertEqual(len(json.loads(out)["results"][0]["tokens"]), 2)
        out, err = self.revlm(
            "run", MODEL, "--max-tokens", 1,
            env={"REV_QUIET": "1", "REV_PROMPT": "one prompt",
                 "REV_OUTPUT_DIR": "d"})
        self.assertEqual((out, err), (b"d\n", b""))
        self.assertIn(b'"prompt":"one prompt"', self.results("d"))


class ResultsTest(ProgramTest):
    def test_every_prompt_on_every_model(self):
        out, _ = self.revlm("run", f"a={MODEL}", OTHER_MODEL, "--prompt", "x",
                            "--prompt", "y", "--max-tokens", 2, "--json")
        results = json.loads(out)["results"]
        self.assertEqual([(r["model"], r["prompt"]) for r in results],
                         [("a", "x"), ("a", "y"), ("aster-s0-ft-quotes", "x"),
                          ("aster-s0-ft-quotes", "y")])

    def test_the_plan_says_how_many_models_at_once_and_why(self):
        arguments = [MODEL, OTHER_MODEL, "--prompt", "x", "--max-tokens", 200,
                     "--threads", 2]

        def at_once(*more):
            out, _ = self.revlm("plan", *arguments, *more, "--json")
            plan = json.loads(out)
            return plan, [c["num_workers"] for c in plan["at_once"]]

        plan, compared = at_once()
        self.assertEqual((plan["num_workers"], compared), (2, [1, 2]))
        seconds = [c["predicted_seconds"] for c in plan["at_once"]]
        self.assertLess(seconds[1], 0.9 * seconds[0])
        one, compared = at_once("--parallel-workers", 1)
        self.assertEqual((one["num_workers"], compared), (1, []))
        self.assertLess(plan["predicted_seconds"], one["predicted_seconds"])
        self.assertEqual(plan["floor_bytes"], one["floor_bytes"])
        for cap in (["--no-parallel"], ["--parallel-batch-size", 1],
                    ["--parallel-memory-limit", 0.5,
                     "--parallel-per-process", 0.3],
                    ["--parallel-memory-limit",
                     repr(plan["floor_bytes"] / 2**30)]):
            plan, compared = at_once(*cap)
            self.assertEqual((plan["num_workers"], compared), (1, [1]), cap)
        out, _ = self.revlm("plan", *arguments)
        self.assertRegex(out.decode(), r"(?m)^at once 1: about \S+ s, 2: about")

    def test_models_at_once_are_capped_by_what_each_begins_with(self):
        arguments = [MODEL, OTHER_MODEL, "--prompt", "x", "--max-tokens", 1,
                     "--parallel-memory-limit", 0.5, "--json"]
        for lease, at_once in ((None, 2), (0.2, 2), (0.3, 1), (0.46, 1)):
            flags = [] if lease is None else ["--parallel-per-process", lease]
            out, _ = self.revlm("plan", *arguments, *flags)
            self.assertEqual(json.loads(out)["max_models_at_once"], at_once)
        out, err = self.revlm("run", *arguments, "--parallel-per-process", 0.47,
                              "--output-dir", "d", code=6)
        self.assertIn("--parallel-per-process", err.decode())
        self.assertEqual(json.loads(out)["exit_code"], 6)
        # It is a setting: it changes no result and no plan.
        self.revlm("run", *arguments, "--output-dir", "d")
        out, _ = self.revlm("run", *arguments, "--parallel-per-process", 0.3,
                            "--output-dir", "d")
        self.assertEqual(json.loads(out)["operations"]["resumed"], 2)
        manifest = json.loads((self.folder / "d/manifest.json").read_text())
        self.assertEqual(manifest["settings"]["per_process_bytes"], 2 << 30)

    def test_failed_operations_are_results_and_exit_5(self):
        (self.folder / "p.jsonl").write_text(
            json.dumps({"prompt": "fine"}) + "\n" +
            json.dumps({"prompt": "word " * 2000, "id": "long"}) + "\n" +
            json.dumps({"prompt": "", "id": "empty"}) + "\n")
        out, _ = self.revlm("run", MODEL, "--prompts", "p.jsonl", "--json",
                            "--max-tokens", 2, "--no-special-tokens", code=5)
        document = json.loads(out)
        self.assertEqual(document["exit_code"], 5)
        self.assertEqual(document["operations"]["failed"], 2)
        fine, too_long, empty = document["results"]
        self.assertEqual(len(fine["tokens"]), 2)
        for failed in (too_long, empty):
            self.assertEqual(failed["error"]["code"], "invalid_argument")
            self.assertNotIn("tokens", failed)

    def test_logprobs_of_the_prompt_and_captures_are_kept(self):
        out, _ = self.revlm("run", MODEL, "--prompt", "one two three",
                            "--max-tokens", 1, "--prompt-logprobs", "--capture",
                            "all", "--json", "--output-dir", "d")
        result = json.loads(out)["results"][0]
        positions = len(result["prompt_token_ids"])
        self.assertEqual(len(result["prompt_tokens"]), positions - 1)
        capture = (self.folder / "d" / result["capture"]).read_bytes()
        length = int.from_bytes(capture[:8], "little")
        header = json.loads(capture[8:8 + length])
        self.assertEqual(header["hidden"]["dtype"], "F32")
        self.assertEqual(header["hidden"]["shape"], [7, positions, 128])
        self.assertEqual(len(capture), 8 + length + 7 * positions * 128 * 4)
        self.assertEqual(result["capture"],
                         f"captures/aster-s0-{result['key']}.safetensors")

    def test_a_prompt_is_only_scored_with_no_new_tokens(self):
        out, _ = self.revlm("run", MODEL, "--prompt", "one two three",
                            "--max-tokens", 0, "--prompt-logprobs", "--json")
        result = json.loads(out)["results"][0]
        self.assertEqual(result["tokens"], [])
        self.assertTrue(result["prompt_tokens"])

    def test_special_tokens_can_be_left_out(self):
        config = self.folder / "model" / "tokenizer_config.json"
        self.copy_model("model")
        described = json.loads(config.read_text())
        described["add_bos_token"] = True
        config.write_text(json.dumps(described))
        run = ["run", "model", "--prompt", "Hello", "--max-tokens", 1, "--json"]
        with_bos = json.loads(self.revlm(*run)[0])["results"][0]
        without = json.loads(
            self.revlm(*run, "--no-special-tokens")[0])["results"][0]
        self.assertEqual(with_bos["prompt_token_ids"],
                         [0] + without["prompt_token_ids"])

    def test_inspect_describes_and_hashes(self):
        out, _ = self.revlm("inspect", MODEL, "--json")
        report = json.loads(out)
        self.assertEqual(report["schema"], "revlm.inspect/1")
        self.assertEqual(report["num_layers"], 6)
        self.assertEqual(report["context_length"], 512)
        self.assertEqual(report["dtypes"][0]["dtype"], "BF16")
        self.assertIsNone(report["cannot_run"])
        self.assertIsNone(report["tensor_root"])
        self.assertGreater(report["memory"]["streaming_bytes"], 0)
        total = sum(g["bytes_each"] * (1 if g["first_layer"] is None else
                                       g["last_layer"] - g["first_layer"] + 1)
                    for g in report["layers"])
        self.assertEqual(total, report["weight_bytes"])
        out, _ = self.revlm("inspect", MODEL, "--hash", "--json")
        hashed = json.loads(out)
        sums = subprocess.run(["sha256sum", *sorted(map(str, MODEL.iterdir()))],
                              capture_output=True, check=True).stdout.decode()
        for file in hashed["files"]:
            self.assertIn(f"{file['sha256']}  {MODEL / file['name']}\n", sums)
        self.assertEqual(len(hashed["tensors"]), hashed["num_tensors"])
        # A run takes the same digests while it reads the weights.
        self.revlm("run", MODEL, "--prompt", "x", "--max-tokens", 1,
                   "--output-dir", "d", env={"HOME": str(self.folder / "new")})
        tensors = json.loads(
            (self.folder / "d" / "tensors-aster-s0.json").read_text())
        self.assertEqual(tensors["tensor_root"], hashed["tensor_root"])
        self.assertEqual(tensors["tensors"], hashed["tensors"])
        text, _ = self.revlm("inspect", MODEL)
        self.assertIn(b"supported", text)

    def test_inspect_describes_what_cannot_be_run(self):
        self.copy_model("model")
        config = self.folder / "model" / "config.json"
        described = json.loads(config.read_text())
        described["model_type"] = "unheard_of"
        described["architectures"] = ["UnheardOfForCausalLM"]
        config.write_text(json.dumps(described))
        out, _ = self.revlm("inspect", "model")
        self.assertIn(b"unheard_of (UnheardOfForCausalLM), cannot be run", out)
        _, err = self.revlm("run", "model", code=2)
        self.assertIn(b"unheard_of", err)


if __name__ == "__main__":
    unittest.main()
