"""A long call leaves other threads and Ctrl-C at work, and loses nothing."""

import os
import pathlib
import signal
import threading
import time
import unittest

import revlm
from package import MODEL, OTHER_MODEL, PackageTest, workers

PROMPTS = [f"Prompt number {i}" for i in range(24)]
# Long enough that what interrupts it comes in its middle.
LONG = {"max_tokens": 40}

INTERRUPTED = """
import os, signal, sys, threading, time
import revlm
executor = revlm.ParallelExecutor(output_dir="d", max_tokens=40)
prompts = [f"Prompt number {i}" for i in range(24)]
at = []

def interrupt():
    while executor.get_status()["completed_tasks"] < 3:
        time.sleep(0.001)
    at.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
try:
    executor.process_prompts_parallel(sys.argv[1], prompts, batch_size=1)
except KeyboardInterrupt:
    print(time.monotonic() - at[0], len(open("d/ops.jsonl").readlines()))
    results = executor.process_prompts_parallel(sys.argv[1], prompts)
    assert [result.prompt for result in results] == prompts
    assert all(result.success for result in results)
    # Those that were finished are not asked again.
    print(sum(result.duration_seconds == 0 for result in results))
    # Nor counted twice.
    assert executor.get_status()["completed_tasks"] == len(prompts)
"""

LEFT_ALONE = """
import sys, revlm
executor = revlm.ParallelExecutor(output_dir="d", max_tokens=40)
executor.process_prompts_parallel(
    sys.argv[1], [f"Prompt number {i}" for i in range(24)], batch_size=1)
"""

# A daemon thread is not waited for by Python.
AT_EXIT = """
import sys, threading, time, revlm
executor = revlm.ParallelExecutor(output_dir="d", max_tokens=40)
threading.Thread(target=executor.process_prompts_parallel, daemon=True,
                 args=(sys.argv[1], ["Hello"] * 1000, 1)).start()
while executor.get_status()["completed_tasks"] < 2:
    time.sleep(0.001)
print("over")
"""


class InterruptTest(PackageTest):
    def start_left_alone(self):
        """A program at work, once some of its operations are finished."""
        process = self.python(LEFT_ALONE, MODEL)
        journal = self.folder / "d/ops.jsonl"
        while not journal.exists() or journal.read_bytes().count(b"\n") < 2:
            self.assertIsNone(process.poll())
            time.sleep(0.001)
        return process

    def test_ctrl_c_stops_soon_and_the_same_call_goes_on(self):
        first, second = self.output(INTERRUPTED, MODEL).splitlines()
        seconds, num_finished = float(first.split()[0]), int(first.split()[1])
        self.assertLess(seconds, 2)
        self.assertGreaterEqual(num_finished, 3)
        self.assertLess(num_finished, len(PROMPTS))
        self.assertEqual(int(second), num_finished)
        keys = self.journal_keys("d")
        self.assertEqual(len(keys), len(PROMPTS))
        self.assertEqual(len(set(keys)), len(PROMPTS))

    def test_ctrl_c_from_outside_ends_a_program_as_python_does(self):
        process = self.start_left_alone()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertTrue(err.rstrip().endswith("KeyboardInterrupt"), err)
        num_finished = len(self.journal_keys("d"))
        self.assertLess(num_finished, len(PROMPTS))
        self.output(LEFT_ALONE, MODEL)
        self.assertEqual(len(set(self.journal_keys("d"))), len(PROMPTS))
        self.assertEqual(len(self.journal_keys("d")), len(PROMPTS))

    def test_one_ctrl_c_is_enough_where_a_worker_does_not_answer(self):
        process = self.start_left_alone()
        [worker] = workers(process.pid)
        os.kill(worker, signal.SIGSTOP)
        at = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - at, 5)
        self.assertEqual(process.returncode, -signal.SIGINT, err)
        self.assertFalse(os.path.exists(f"/proc/{worker}"))
        self.output(LEFT_ALONE, MODEL)
        self.assertEqual(len(set(self.journal_keys("d"))), len(PROMPTS))

    def test_a_handler_that_does_not_raise_runs_and_stops_nothing(self):
        seen = []
        old = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
        self.addCleanup(signal.signal, signal.SIGUSR1, old)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        with revlm.ParallelExecutor(**LONG) as executor:
            results = executor.process_prompts_parallel(MODEL, PROMPTS,
                                                        batch_size=1)
        timer.join()
        self.assertEqual(seen, [1])
        self.assertTrue(all(result.success for result in results))

    def test_a_handler_may_shut_the_executor_down(self):
        executor = revlm.ParallelExecutor(**LONG)
        old = signal.signal(signal.SIGUSR1, lambda *_: executor.shutdown())
        self.addCleanup(signal.signal, signal.SIGUSR1, old)

        def signal_once_running():
            while executor.get_status()["completed_tasks"] < 1:
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)

        other = threading.Thread(target=signal_once_running)
        other.start()
        results = executor.process_prompts_parallel(MODEL, PROMPTS,
                                                    batch_size=1)
        other.join()
        self.assertEqual([result.prompt for result in results], PROMPTS)
        self.assertTrue(results[0].success)
        self.assertFalse(results[-1].success)

    def test_an_exit_with_a_call_at_work_is_clean(self):
        self.assertEqual(self.output(AT_EXIT, MODEL), "over\n")
        self.assertGreaterEqual(len(self.journal_keys("d")), 2)


class ThreadTest(PackageTest):
    def test_other_threads_go_on_while_a_call_works(self):
        executor = revlm.ParallelExecutor(**LONG)
        active = []

        def work():
            while executor.get_status()["active_tasks"] == 0:
                time.sleep(0.001)
            # With the lock held these would wait for the end of the call.
            sum(i for i in range(200000))
            active.append(executor.get_status()["active_tasks"])

        other = threading.Thread(target=work)
        other.start()
        executor.process_prompts_parallel(MODEL, PROMPTS, batch_size=1)
        other.join()
        self.assertGreater(active[0], 0)

    def test_the_status_is_told_while_a_call_works(self):
        executor = revlm.ParallelExecutor(**LONG)
        seen = []

        def call():
            results.extend(executor.process_prompts_parallel(
                MODEL, PROMPTS, batch_size=1))

        results = []
        caller = threading.Thread(target=call)
        caller.start()
        while caller.is_alive():
            seen.append(executor.get_status())
            time.sleep(0.002)
        caller.join()
        done = [status["completed_tasks"] for status in seen]
        self.assertEqual(done, sorted(done))
        self.assertGreater(len(set(done)), 5)
        for status in seen:
            self.assertIn(status["active_tasks"] + status["completed_tasks"],
                          (0, len(PROMPTS)))
            self.assertGreater(status["memory_status"]["allocated_gb"], 0)
            self.assertGreater(status["memory_status"]["available_gb"], 0)
        self.assertEqual(executor.get_status()["completed_tasks"], 24)

    def test_a_shutdown_from_another_thread_leaves_a_result_for_each(self):
        executor = revlm.ParallelExecutor(**LONG)
        results = []

        def call():
            results.extend(executor.process_prompts_parallel(
                MODEL, PROMPTS, batch_size=1))

        caller = threading.Thread(target=call)
        caller.start()
        while executor.get_status()["completed_tasks"] < 2:
            time.sleep(0.001)
        executor.shutdown()
        self.assertEqual(executor.get_status()["active_tasks"], 0)
        caller.join()
        self.assertEqual([result.prompt for result in results], PROMPTS)
        self.assertTrue(results[0].success)
        last = results[-1]
        self.assertFalse(last.success)
        self.assertEqual((last.attempts, last.op_key), (0, ""))
        self.assertTrue(last.error)

    def test_calls_from_many_threads_take_turns(self):
        executor = revlm.ParallelExecutor(max_tokens=2)
        answers = {}

        def call(model, prompt):
            answers[model, prompt] = executor.process_prompts_parallel(
                model, [prompt])[0]

        callers = [threading.Thread(target=call, args=(model, prompt))
                   for model in (MODEL, OTHER_MODEL) for prompt in "abc"]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.assertEqual(len(answers), 6)
        for (model, prompt), result in answers.items():
            self.assertEqual((result.model, result.prompt, result.success),
                             (model, prompt, True))


if __name__ == "__main__":
    unittest.main()
