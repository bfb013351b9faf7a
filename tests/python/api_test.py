"""The package as the guide and its own documentation say."""

import copy
import dataclasses
import json
import os
import pathlib
import pickle
import subprocess
import unittest

import revlm
from revlm import _revlm
from package import ENDLESS, MODEL, OTHER_MODEL, PackageTest

RESULT_FIELDS = {"model", "prompt", "response", "success", "error", "attempts",
                 "duration_seconds", "logprobs", "op_key"}
STATISTICS = {"throughput", "duration_seconds", "models_processed",
              "prompts_processed", "operations", "succeeded", "failed",
              "retried", "peak_memory_gb"}


class MemoryTest(PackageTest):
    def test_the_default_configuration_holds_seventeen_processes(self):
        config = revlm.MemoryConfig()
        self.assertEqual((config.total_limit_gb, config.per_process_gb,
                          config.buffer_gb, config.max_processes),
                         (36.0, 2.0, 2.0, 17))
        self.assertEqual(revlm.MemoryConfig(8.0, 1.5).max_processes, 4)
        self.assertEqual(config, revlm.MemoryConfig(36, 2, 2))
        self.assertNotEqual(config, revlm.MemoryConfig(36, 2, 3))
        self.assertEqual(repr(config), "MemoryConfig(total_limit_gb=36.0, "
                         "per_process_gb=2.0, buffer_gb=2.0)")

    def test_a_configuration_is_a_value(self):
        config = revlm.MemoryConfig(8, 1.5, buffer_gb=0.5)
        for other in (pickle.loads(pickle.dumps(config)), copy.copy(config),
                      copy.deepcopy(config), eval(f"revlm.{config!r}"),
                      dataclasses.replace(config)):
            self.assertEqual(other, config)
            self.assertEqual(hash(other), hash(config))
            self.assertEqual(repr(other), repr(config))
            self.assertEqual(other.max_processes, 5)
        self.assertNotEqual(config, (8.0, 1.5, 0.5))
        with self.assertRaises(AttributeError):
            config.total_limit_gb = 9
        with self.assertRaises(TypeError):
            revlm.MemoryConfig("8")
        self.assertEqual(revlm.MemoryConfig.for_limit(36), revlm.MemoryConfig())
        # One that was not given figures has those of the default.
        bare = revlm.MemoryConfig.__new__(revlm.MemoryConfig)
        self.assertEqual(bare, revlm.MemoryConfig())

    def test_an_impossible_configuration_is_refused(self):
        for arguments in ((1.0,), (0, 2, 2), (36, -1, 2), (36, 2, -1),
                          (36, 35, 2), (float("nan"), 2, 2)):
            with self.assertRaises(revlm.RevUsageError):
                revlm.MemoryConfig(*arguments)
        for limit in (0, -1, float("inf")):
            with self.assertRaises(revlm.RevUsageError):
                revlm.BatchProcessor(memory_limit_gb=limit)
            with self.assertRaises(revlm.RevUsageError):
                revlm.MemoryMonitor(limit)

    def test_the_monitor_tells_what_there_is(self):
        monitor = revlm.MemoryMonitor(total_limit_gb=1.0)
        total_kib = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
        self.assertAlmostEqual(monitor.get_system_memory(),
                               total_kib / 2**20, places=3)
        before = monitor.snapshot()
        held = bytearray(os.urandom(2**20) * 64)
        after = monitor.snapshot()
        self.assertEqual(set(after), {
            "total_limit_gb", "allocated_gb", "available_gb", "peak_gb",
            "system_gb", "system_available_gb"})
        self.assertGreater(after["allocated_gb"] - before["allocated_gb"], .05)
        self.assertLess(monitor.get_available_memory(),
                        1.0 - len(held) / 2**30)
        self.assertGreater(monitor.get_available_memory(), 0.3)


class ExecutorTest(PackageTest):
    def test_results_are_in_input_order_with_every_field(self):
        prompts = ["Zebras", "Apples", "Mice", "Zebras"]
        with revlm.ParallelExecutor(max_tokens=3) as executor:
            results = executor.process_prompts_parallel(
                pathlib.Path(MODEL), iter(prompts), batch_size=2)
        self.assertEqual([result.prompt for result in results], prompts)
        for result in results:
            self.assertIsInstance(result, dict)
            self.assertEqual(set(result), RESULT_FIELDS)
            self.assertEqual(json.loads(json.dumps(result)), result)
            for name in RESULT_FIELDS:
                self.assertEqual(getattr(result, name), result[name])
            self.assertEqual(result["model"], MODEL)
            self.assertIs(result["success"], True)
            self.assertIsNone(result["error"])
            self.assertEqual(result["attempts"], 1)
            self.assertGreater(result["duration_seconds"], 0)
            self.assertEqual(len(result["logprobs"]), 3)
            self.assertLess(max(result["logprobs"]), 0)
        self.assertEqual(len({result.op_key for result in results}), 4)

    def test_answers_are_those_of_the_program(self):
        prompts = ["The first thing", "def main(argv):"]
        subprocess.run([os.environ["REVLM"], "run", MODEL, "--output-dir", "d",
                        "--quiet"] + [f"--prompt={text}" for text in prompts],
                       check=True, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in
                 (self.folder / "d/results.jsonl").read_text().splitlines()]
        for batch_size in (None, 1):
            results = revlm.parallel_process_prompts(MODEL, prompts,
                                                     batch_size=batch_size)
            self.assertEqual([result["op_key"] for result in results],
                             [line["key"] for line in lines])
            self.assertEqual([result["response"] for result in results],
                             [line["text"] for line in lines])

    def test_a_failed_operation_is_a_result_in_its_place(self):
        processor = revlm.BatchProcessor(max_tokens=2)
        batch = processor.process_batch([MODEL, OTHER_MODEL],
                                        ["One", ENDLESS, "Three"])
        self.assertEqual([result["success"] for result in batch["results"]],
                         [True, False, True] * 2)
        failed = batch["results"][1]
        self.assertEqual(set(failed), RESULT_FIELDS)
        self.assertEqual(failed["prompt"], ENDLESS)
        self.assertEqual(failed["response"], "")
        self.assertEqual(failed["logprobs"], [])
        self.assertIn("tokens", failed["error"])
        statistics = batch["statistics"]
        self.assertEqual([statistics[name] for name in
                          ("operations", "succeeded", "failed", "retried")],
                         [6, 4, 2, 0])
        self.assertAlmostEqual(
            statistics["throughput"] * statistics["duration_seconds"], 4)
        status = processor.executor.get_status()
        self.assertEqual(status["completed_tasks"], 6)
        self.assertEqual(status["failed_tasks"], 2)

    def test_each_mode_asks_what_the_guide_says(self):
        with revlm.BatchProcessor(max_tokens=1) as processor:
            for mode, prompts, expected in (
                    ("cross_product", "abc", "0a 0b 0c 1a 1b 1c"),
                    ("paired", "abc", "0a 1b"),
                    ("broadcast", "abc", "0a 0b 0c"),
                    ("broadcast", "a", "0a 1a")):
                batch = processor.process_batch([MODEL, OTHER_MODEL],
                                                list(prompts), mode=mode)
                asked = [f"{[MODEL, OTHER_MODEL].index(r.model)}{r.prompt}"
                         for r in batch["results"]]
                self.assertEqual(asked, expected.split(), mode)
                statistics = batch["statistics"]
                self.assertEqual(set(statistics), STATISTICS)
                self.assertEqual(statistics["operations"], len(asked))
                self.assertEqual(statistics["models_processed"],
                                 len({name[0] for name in asked}))
                self.assertEqual(statistics["prompts_processed"],
                                 len({name[1] for name in asked}))
                self.assertGreater(statistics["peak_memory_gb"], 0.01)
                self.assertEqual(
                    len((self.folder / batch["run_dir"] / "results.jsonl")
                        .read_text().splitlines()), len(asked))
            with self.assertRaises(revlm.RevUsageError):
                processor.process_batch([MODEL], ["a"], mode="sideways")

    def test_the_one_shot_helpers_give_results_in_order(self):
        results = revlm.parallel_process_models([MODEL, OTHER_MODEL],
                                                ["a", "b"], max_tokens=1)
        self.assertEqual([(r.model, r.prompt) for r in results],
                         [(MODEL, "a"), (MODEL, "b"),
                          (OTHER_MODEL, "a"), (OTHER_MODEL, "b")])
        self.assertEqual(revlm.parallel_process_prompts(MODEL, []), [])
        self.assertEqual(sorted(os.listdir("rev-runs"))[-1], "latest")

    def test_an_output_dir_holds_one_run_that_is_never_done_twice(self):
        executor = revlm.ParallelExecutor(output_dir="d", max_tokens=2)
        first = executor.process_prompts_parallel(MODEL, ["a", "b"])
        again = executor.process_prompts_parallel(MODEL, ["a", "b"])
        self.assertEqual([r.op_key for r in first], [r.op_key for r in again])
        self.assertEqual(again[0].duration_seconds, 0)
        self.assertEqual(len(self.journal_keys("d")), 2)
        self.assertEqual(executor.get_status()["completed_tasks"], 2)
        with self.assertRaisesRegex(revlm.RevUsageError, "of another plan"):
            executor.process_prompts_parallel(MODEL, ["c"])
        self.assertFalse((self.folder / "rev-runs").exists())

    def test_what_an_earlier_call_did_is_not_counted_again(self):
        prompts = ["a", ENDLESS, "b"]
        first, again = [], []
        for found in (first, again):
            with revlm.ParallelExecutor(output_dir="d",
                                        max_tokens=2) as executor:
                batch = executor.process([MODEL], prompts)
                statistics, status = batch["statistics"], executor.get_status()
            found += [statistics["throughput"] > 0, status["completed_tasks"],
                      status["failed_tasks"]]
            self.assertEqual([statistics[name] for name in
                              ("operations", "succeeded", "failed")], [3, 2, 1])
            # What cannot be asked is never tried.
            self.assertEqual([r.attempts for r in batch["results"]], [1, 0, 1])
        self.assertEqual(first, [True, 3, 1])
        self.assertEqual(again, [False, 0, 0])

    def test_sampling_is_asked_for_by_keywords(self):
        def answer(**options):
            return revlm.parallel_process_prompts(MODEL, ["Once"],
                                                  **options)[0].response

        greedy = answer()
        self.assertEqual(answer(temperature=5.0, top_k=1), greedy)
        self.assertNotEqual(answer(temperature=5.0, seed=1), greedy)
        self.assertEqual(answer(temperature=5.0, seed=1),
                         answer(temperature=5.0, seed=1))

    def test_workers_retries_and_the_breaker_are_the_runs(self):
        def ask(**options):
            return revlm.BatchProcessor(max_tokens=2, **options).process_batch(
                [MODEL, OTHER_MODEL], ["One", "Two"])

        batch = ask(workers=2, max_retries=1, circuit_breaker=True)
        manifest = pathlib.Path(batch["run_dir"]) / "manifest.json"
        settings = json.loads(manifest.read_text())["settings"]
        self.assertEqual((settings["workers"], settings["max_retries"],
                          settings["circuit_breaker"]), (2, 1, True))
        self.assertEqual([r.response for r in batch["results"]],
                         [r.response for r in ask()["results"]])
        for name, value in (("workers", 0), ("max_retries", -1)):
            with self.assertRaisesRegex(revlm.RevUsageError, f"^{name}: "):
                ask(**{name: value})

    def test_an_executor_that_is_shut_down_refuses(self):
        executor = revlm.ParallelExecutor()
        executor.shutdown()
        executor.shutdown()
        self.assertTrue(executor.get_status()["is_shut_down"])
        for prompts in (["a"], []):
            with self.assertRaisesRegex(revlm.RevUsageError, "shut down"):
                executor.process_prompts_parallel(MODEL, prompts)

    def test_an_adaptive_executor_works_and_says_what_it_has_room_for(self):
        with revlm.AdaptiveParallelExecutor(adaptation_interval=2,
                                            max_tokens=1) as executor:
            self.assertIsInstance(executor, revlm.ParallelExecutor)
            self.assertEqual(executor.adaptation_interval, 2)
            self.assertEqual(executor.max_workers, 17)
            self.assertGreaterEqual(executor.optimal_workers, 1)
            self.assertLessEqual(executor.optimal_workers, 17)
            results = executor.process_prompts_parallel(MODEL, list("abcdef"))
            self.assertEqual([r.prompt for r in results], list("abcdef"))
        with self.assertRaises(revlm.RevUsageError):
            revlm.AdaptiveParallelExecutor(adaptation_interval=0)

    def test_runs_are_adaptive_when_asked(self):
        found = []
        for executor in (revlm.ParallelExecutor(max_tokens=1),
                         revlm.ParallelExecutor(max_tokens=1, adaptive=True),
                         revlm.AdaptiveParallelExecutor(max_tokens=1)):
            with executor:
                run_dir = executor.process([MODEL], list("abc"))["run_dir"]
            manifest = json.loads(
                pathlib.Path(run_dir, "manifest.json").read_text())
            found.append(manifest["settings"]["adaptive"])
        self.assertEqual(found, [False, True, True])
        with self.assertRaises(revlm.RevUsageError):
            revlm.ParallelExecutor(adaptive="often")


class ErrorTest(PackageTest):
    def test_exceptions_mirror_the_exit_codes_of_the_program(self):
        cases = [
            (revlm.RevUsageError, "./no/such/model", ["Hello"], {}, []),
            (revlm.RevUsageError, MODEL, ["Hello"], {"max_tokens": -1},
             ["--max-tokens=-1"]),
            (revlm.RevMemoryError, MODEL, ["Hello"],
             {"config": revlm.MemoryConfig(0.01, 0.001, 0.001)},
             ["--parallel-memory-limit=0.009"]),
        ]
        for kind, model, prompts, options, flags in cases:
            with self.assertRaises(kind) as raised:
                revlm.ParallelExecutor(**options).process_prompts_parallel(
                    model, prompts)
            program = subprocess.run(
                [os.environ["REVLM"], "run", model, "--prompt", prompts[0],
                 *flags], capture_output=True, text=True)
            self.assertEqual(raised.exception.exit_code, program.returncode)
            self.assertIsInstance(raised.exception, revlm.RevError)
        self.assertEqual([kind.exit_code for kind in (
            revlm.RevError, revlm.RevUsageError, revlm.RevStoppedError,
            revlm.RevMemoryError, revlm.RevEndpointError)], [70, 2, 5, 6, 7])

    def test_what_is_no_list_is_refused(self):
        executor = revlm.ParallelExecutor()
        with self.assertRaisesRegex(revlm.RevUsageError, "prompts"):
            executor.process_prompts_parallel(MODEL, "Hello")
        with self.assertRaisesRegex(revlm.RevUsageError, "model_paths"):
            executor.process(MODEL, ["Hello"])
        with self.assertRaises(TypeError):
            executor.process_prompts_parallel(MODEL, [1])
        with self.assertRaises(TypeError):
            revlm.BatchProcessor(no_such_option=1)

    def test_what_is_out_of_range_is_refused_by_name(self):
        for name, value in (("max_tokens", 2**40), ("max_tokens", "many"),
                            ("seed", -1), ("temperature", None),
                            ("priority", 0.5), ("workers", "two"),
                            ("max_retries", 2**40),
                            ("circuit_breaker", "no")):
            with self.assertRaisesRegex(revlm.RevUsageError, name):
                revlm.ParallelExecutor(**{name: value})
        for name, value in (("top_p", 2.0), ("top_k", -1), ("temperature", -1),
                            ("max_tokens", -1), ("batch_size", 0)):
            with self.assertRaisesRegex(revlm.RevUsageError, f"^{name}: "):
                revlm.parallel_process_prompts(MODEL, ["a"], **{name: value})
        for value in (2**40, -2**40, "two", 1.5):
            with self.assertRaisesRegex(ValueError, "^batch_size: "):
                revlm.parallel_process_prompts(MODEL, ["a"], batch_size=value)

    def test_messages_speak_of_arguments_and_not_of_flags(self):
        with self.assertRaisesRegex(revlm.RevMemoryError, "total_limit_gb"):
            revlm.ParallelExecutor(revlm.MemoryConfig(
                0.01, 0.001, 0.001)).process_prompts_parallel(MODEL, ["a"])
        revlm.parallel_process_prompts(MODEL, ["a"], output_dir="d")
        with self.assertRaisesRegex(revlm.RevUsageError,
                                    "^(?!.*--).*output_dir"):
            revlm.parallel_process_prompts(MODEL, ["b"], output_dir="d")

    def test_no_prompts_are_no_results_of_a_model_that_is_there(self):
        executor = revlm.ParallelExecutor()
        for prompts in (["a"], []):
            for models in (["./no/such/model"], []):
                with self.assertRaises(revlm.RevUsageError):
                    executor.process(models, prompts)
        batch = executor.process([MODEL], [])
        self.assertEqual((batch["results"], batch["run_dir"]), ([], ""))
        self.assertFalse((self.folder / "rev-runs").exists())

    def test_an_executor_of_the_extension_has_something_inside(self):
        for kind in (_revlm.Executor, _revlm.AdaptiveExecutor):
            derived = type("Derived", (kind,), {})
            for make in (kind, derived, lambda: kind.__new__(kind),
                         lambda: derived.__new__(derived),
                         lambda: object.__new__(kind)):
                with self.assertRaises(TypeError):
                    make()


class GuestTest(PackageTest):
    def test_a_call_prints_nothing(self):
        script = ("import revlm, sys; "
                  "revlm.parallel_process_prompts(sys.argv[1], ['a'])")
        process = self.python(script, MODEL)
        self.assertEqual(process.communicate(timeout=300), ("", ""))
        self.assertEqual(process.returncode, 0)

    def test_notices_go_to_logging(self):
        with self.assertLogs("revlm", "DEBUG") as logs:
            revlm.parallel_process_prompts(MODEL, ["a"], memory_limit_gb=9e5)
        self.assertTrue(any("GiB asked" in record.getMessage()
                            for record in logs.records), logs.output)

    def test_importing_takes_less_than_a_tenth_of_a_second(self):
        script = ("import time; begin = time.perf_counter(); import revlm; "
                  "print(time.perf_counter() - begin); import sys; "
                  "assert 'numpy' not in sys.modules")
        self.assertLess(min(float(self.output(script)) for _ in range(7)), 0.1)

    def test_no_descriptor_or_thread_is_left(self):
        def open_files():
            return len(os.listdir("/proc/self/fd"))

        def threads():
            return len(os.listdir("/proc/self/task"))

        revlm.parallel_process_prompts(MODEL, ["a"])
        before = open_files(), threads()
        for _ in range(3):
            revlm.parallel_process_prompts(MODEL, ["a", "b"])
        self.assertEqual((open_files(), threads()), before)


if __name__ == "__main__":
    unittest.main()
