"""What the package does to its process, to those it starts, and to those that
are forked from it."""

import os
import pathlib
import re
import threading
import time
import unittest

import revlm
from package import MODEL, PackageTest, workers

PROMPTS = [f"Prompt number {i}" for i in range(24)]

# What a child is forked into: a call at work in another thread.
BEGIN = """
import os, signal, sys, threading, time, revlm
executor = revlm.ParallelExecutor(output_dir="d", max_tokens=40)
prompts = [f"Prompt number {i}" for i in range(24)]

def wait():
    while executor.get_status()["completed_tasks"] < 2:
        time.sleep(0.001)
"""

FORKED = BEGIN + """
call = threading.Thread(target=executor.process_prompts_parallel,
                        args=(sys.argv[1], prompts, 1))
call.start()
wait()
until, told = os.pipe()
child = os.fork()
if child == 0:
    os.close(told)
    os.read(until, 1)
    for some in ([], prompts):
        try:
            executor.process_prompts_parallel(sys.argv[1], some)
        except revlm.RevUsageError as error:
            assert "forked" in str(error), error
        else:
            os._exit(1)
    executor.get_status()
    executor.shutdown()
    with revlm.ParallelExecutor(max_tokens=1) as own:
        assert own.process_prompts_parallel(sys.argv[1], ["a"])[0].success
    sys.exit(0)
executor.shutdown()
call.join()
# The child lives, and what it has inherited keeps nobody out.
with revlm.ParallelExecutor(output_dir="d", max_tokens=40) as again:
    results = again.process_prompts_parallel(sys.argv[1], prompts)
assert all(result.success for result in results)
os.close(told)
print(os.waitpid(child, 0)[1])
"""

FORKED_BY_A_HANDLER = BEGIN + """
children = []

def fork(*_):
    children.append(os.fork())
    if children == [0]:
        sys.exit(0)

def signal_once_running():
    wait()
    os.kill(os.getpid(), signal.SIGUSR1)

signal.signal(signal.SIGUSR1, fork)
threading.Thread(target=signal_once_running).start()
results = executor.process_prompts_parallel(sys.argv[1], prompts, 1)
assert all(result.success for result in results)
print(os.waitpid(children[0], 0)[1])
"""


def pss_gb(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", rollup, re.MULTILINE)[1]) / 2**20


class WorkerTest(PackageTest):
    def while_running(self, look):
        """What `look` says while a worker answers prompts."""
        with revlm.ParallelExecutor(max_tokens=40) as executor:
            call = threading.Thread(target=executor.process_prompts_parallel,
                                    args=(MODEL, PROMPTS, 1))
            call.start()
            while executor.get_status()["completed_tasks"] < 1:
                time.sleep(0.001)
            seen = look(executor)
        call.join()
        return seen

    def test_workers_begin_with_the_environment_of_python(self):
        given = {b"ONEDNN_MAX_CPU_ISA": b"AVX2",
                 b"REVLM_TEST_MARK": b"\xff is not UTF-8"}
        for name, value in given.items():
            old = os.environb.get(name)
            os.environb[name] = value
            if old is None:
                self.addCleanup(os.environb.pop, name)
            else:
                self.addCleanup(os.environb.__setitem__, name, old)
        seen = self.while_running(lambda _: [
            pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            for pid in workers(os.getpid())])
        self.assertEqual(len(seen), 1)
        for name, value in os.environb.items():
            self.assertIn(name + b"=" + value, seen[0])

    def test_what_workers_hold_is_allocated(self):
        def look(executor):
            held = [pss_gb(pid) for pid in workers(os.getpid())]
            return (executor.get_status()["memory_status"], held,
                    pss_gb(os.getpid()))

        status, held, own = self.while_running(look)
        self.assertEqual(len(held), 1)
        self.assertGreater(held[0], 0.005)
        # Both are taken at nearly the same time.
        self.assertGreater(status["allocated_gb"], own + held[0] / 2)
        self.assertGreaterEqual(status["peak_gb"], status["allocated_gb"])
        self.assertLessEqual(status["available_gb"],
                             36 - status["allocated_gb"])


class ForkTest(PackageTest):
    def test_a_child_of_a_process_at_work_ends_and_keeps_nothing(self):
        self.assertEqual(self.output(FORKED, MODEL), "0\n")
        self.assertEqual(len(set(self.journal_keys("d"))), len(PROMPTS))

    def test_a_handler_may_fork_while_its_thread_waits_for_a_call(self):
        self.assertEqual(self.output(FORKED_BY_A_HANDLER, MODEL), "0\n")


if __name__ == "__main__":
    unittest.main()
