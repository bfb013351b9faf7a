#!/usr/bin/env python3
"""validate_parallel.py [MODEL...]: tries each promise of the parallel guide on
real models (those bundled, or the given ones) and prints a table.

Exit code: 0 when all hold, 1 when one does not.
"""

import argparse
import json
import signal
import sys
import tempfile

import find_revlm
import rev_runs

MIB = 1 << 20
PROMISES = []  # (text, function), in the order of the table
ADAPTIVE_PROMPTS = 200  # enough that trials pay
MOST_ROUNDS = 3  # of what is timed, when the machine is disturbed


def promise(text):
    def add(function):
        PROMISES.append((text, function))
        return function
    return add


def expect(holds, found):
    if not holds:
        raise AssertionError(found)


class Validation:
    """What the promises are tried on. Each names its own directories."""

    def __init__(self, models, folder):
        self.runs = rev_runs.Runs(folder)
        self.models = [f"{alias}={models[i % len(models)]}"
                       for i, alias in enumerate("abc")]
        self.model = self.models[0]
        self.slow_run = [self.model, "--challenges", 64, "--no-parallel",
                         "--no-resident"]  # there is time to stop it

    def prompts(self, name, priorities):
        """A file with one prompt for each priority."""
        path = self.runs.folder / name
        path.write_text("".join(
            json.dumps({"id": f"p{i}", "prompt": f"Number {i} is",
                        "priority": priority}) + "\n"
            for i, priority in enumerate(priorities)))
        return path

    def asked(self, name):
        """The models and ids of prompts in the results, in order."""
        results = map(json.loads, self.runs.results(name).splitlines())
        return [result["model"] + result["id"] for result in results]

    def same_as(self, plain, name, *arguments):
        """Runs once more, with other flags: the same bytes."""
        self.runs.run(name, *arguments)
        self.expect_same(plain, name, " ".join(map(str, arguments[-2:])))

    def expect_same(self, plain, name, flags):
        expect(self.runs.results(name) == self.runs.results(plain),
               f"other results with {flags}")

    def expect_settings(self, name, **expected):
        """The run was understood as it was meant."""
        path = self.runs.folder / name / "manifest.json"
        settings = json.loads(path.read_text())["settings"]
        for key, value in expected.items():
            expect(settings[key] == value,
                   f"{key} is {settings[key]}, asked {value}")


def check_mode(at, name, models, num_prompts, expected, *flags):
    prompts = at.prompts(f"{name}.jsonl", [0] * num_prompts)
    document = at.runs.run(name, *models, "--prompts", prompts, "--max-tokens",
                           1, *flags)
    asked = at.asked(name)
    expect(asked == expected.split(), f"asked {' '.join(asked)}")
    expect(document["operations"]["planned"] == len(asked),
           f"planned {document['operations']['planned']}")
    return f"{len(models)} x {num_prompts} -> {len(asked)}"


@promise("cross_product: every prompt on every model, in order")
def cross_product(at):
    return check_mode(at, "cross", at.models[:2], 3,
                      "ap0 ap1 ap2 bp0 bp1 bp2", "--parallel-mode",
                      "cross_product")


@promise("paired: corresponding prompts on corresponding models")
def paired(at):
    return check_mode(at, "paired", at.models[:2], 10, "ap0 bp1",
                      "--parallel-mode", "paired")


@promise("broadcast: all prompts on the first model, or the first on all")
def broadcast(at):
    flags = "--parallel-mode", "broadcast"
    return " and ".join((
        check_mode(at, "many", at.models, 4, "ap0 ap1 ap2 ap3", *flags),
        check_mode(at, "few", at.models, 2, "ap0 bp0 cp0", *flags)))


@promise("--challenges 100 with orchestration: as many prompts, all different")
def orchestration(at):
    at.runs.run("made", at.model, "--enable-prompt-orchestration",
                "--challenges", 100, "--max-tokens", 1)
    results = map(json.loads, at.runs.results("made").splitlines())
    texts = [result["prompt"] for result in results]
    expect(len(texts) == len(set(texts)) == 100,
           f"{len(texts)} prompts, {len(set(texts))} different")
    return "100 of 100"


@promise("priority: higher first, results in the order of the input")
def priority(at):
    path = at.prompts("priority.jsonl", [0, 7, 0, 9, -1])
    at.runs.run("priority", at.model, "--prompts", path, "--no-parallel",
                "--max-tokens", 1)
    expect(at.asked("priority") == [f"ap{i}" for i in range(5)],
           f"results {' '.join(at.asked('priority'))}")
    keys = {json.loads(line)["key"]: json.loads(line)["id"] for line in
            at.runs.results("priority").splitlines()}
    worked = " ".join(keys[key] for key in at.runs.recorded("priority"))
    expect(worked == "p3 p1 p0 p2 p4", f"worked on {worked}")
    return worked


@promise("the same results for every batch size, and one at a time")
def batch_sizes(at):
    arguments = [at.model, "--challenges", 10]
    at.runs.run("plain", *arguments)
    at.expect_settings("plain", batch_size=None, keep_weights=True)
    for size in (1, 2, 3, 7, 10):
        at.same_as("plain", f"batch{size}", *arguments,
                   "--parallel-batch-size", size)
        at.expect_settings(f"batch{size}", batch_size=size)
    at.same_as("plain", "one", *arguments, "--no-parallel", "--no-resident")
    at.expect_settings("one", batch_size=1, keep_weights=False)
    return "1, 2, 3, 7, 10 together"


@promise("the same results under adaptive parallelism")
def adaptive(at):
    arguments = [at.model, "--enable-prompt-orchestration", "--challenges",
                 ADAPTIVE_PROMPTS, "--max-tokens", 1]
    small_parts = ["--no-resident", "--parallel-batch-size", 2]
    at.runs.run("fixed", *arguments)
    at.expect_settings("fixed", adaptive=False)
    counts = []
    # The second has done all before it may decide anything.
    for interval in (2, ADAPTIVE_PROMPTS):
        name = f"interval{interval}"
        at.same_as("fixed", name, *arguments, *small_parts,
                   "--parallel-adaptive", "--adaptation-interval", interval)
        at.expect_settings(name, adaptive=True, adaptation_interval=interval)
        counts.append(check_decisions(at, name))
    expect(counts[0] > 0 == counts[1], f"{counts} decisions")
    return f"{ADAPTIVE_PROMPTS} operations, {counts[0]} decisions"


def check_decisions(at, name):
    """Each says why, and follows the one before. Returns how many there are."""
    decisions = at.runs.lines(name, "adaptive.jsonl")
    before = 0
    for decision in decisions:
        expect(before < decision["num_finished"] < ADAPTIVE_PROMPTS and
               " -> " in decision["reason"], f"decided {decision}")
        before = decision["num_finished"]
    return len(decisions)


@promise("a worker that is killed: each operation once, the same results")
def killed_worker(at):
    arguments = [at.model, "--challenges", 16, "--no-parallel",
                 "--no-resident"]
    at.runs.run("unguarded", *arguments)
    process = at.runs.start_run("killed", *arguments, "--max-retries", 0)
    expect(at.runs.wait_for_record("killed", process) and
           at.runs.kill_worker("killed", process), "it ended too early")
    document = json.loads(at.runs.finish(process)[0])
    keys = at.runs.recorded("killed")
    expect(len(set(keys)) == len(keys) == 16, f"{len(keys)} of 16 recorded")
    expect(document["operations"]["failed"] == 0, "some failed")
    at.expect_same("unguarded", "killed", "a worker killed")
    return "16 of 16 operations"


@promise("retries and a circuit breaker, as they were asked for")
def fault_tolerance(at):
    arguments = [at.model, "--challenges", 1, "--max-tokens", 64,
                 "--no-resident"]
    at.runs.run("undisturbed", *arguments)
    # Its only prompt is alone: without a retry, one death is its end.
    for retries, has_breaker, code in ((0, True, 5), (1, False, 0)):
        name = f"retries{retries}"
        flags = ["--enable-circuit-breaker"] if has_breaker else []
        process = at.runs.start_run(name, *arguments, *flags, "--max-retries",
                                    retries)
        expect(at.runs.kill_worker(name, process), "it ended too early")
        document = json.loads(at.runs.finish(process, code)[0])
        at.expect_settings(name, max_retries=retries,
                           circuit_breaker=has_breaker)
        if code != 0:
            (result,) = document["results"]
            expect("killed by signal 9" in result["error"]["message"],
                   result["error"]["message"])
        else:
            at.expect_same("undisturbed", name, "one retry")
    return "killed once: failed without a retry, not with one"


@promise("--debug and --parallel-monitor: only stderr says more")
def monitoring(at):
    for flag in ("--debug", "--parallel-monitor"):
        process = at.runs.start(
            "run", at.model, "--max-tokens", 1, flag, "--json", "--output-dir",
            at.runs.folder / flag.strip("-"))
        out, err = at.runs.finish(process)
        json.loads(out)
        expect(err and "\x1b" not in err, f"{flag}: stderr {err!r}")
    return "one document on stdout"


@promise("10 prompts together: 4 times as fast as one at a time, streamed")
def ten_together(at):
    return check_speed(at, 4, "--challenges", 10)


@promise("100 prompts together: 6.7 times as fast")
def hundred_together(at):
    return check_speed(at, 6.7, "--challenges", 100,
                       "--enable-prompt-orchestration")


def check_speed(at, least, *flags):
    """The fastest of each counts: what else runs here only makes it slower."""
    alone, together = [], []
    for i in range(MOST_ROUNDS):
        for name, found, more in (
                ("alone", alone, ("--no-parallel", "--no-resident")),
                ("together", together, ())):
            document = at.runs.run(f"{least}{name}{i}", at.model, *flags, *more)
            found.append(document["seconds"])
        ratio = min(alone) / min(together)
        if ratio >= least:
            break
    found = f"{min(alone):.2f} s / {min(together):.2f} s = {ratio:.1f}"
    expect(ratio >= least, found)
    return found


@promise("memory stays below the limit, seen from outside")
def memory(at):
    arguments = [at.model, "--challenges", 64]
    limit = at.runs.floor_bytes(*arguments)
    process = at.runs.start_run("tight", *arguments,
                                *rev_runs.limit_flags(limit))
    peak, num_samples = rev_runs.watch(process)
    document = json.loads(at.runs.finish(process)[0])
    told = document["peak_memory_bytes"]
    found = (f"{max(peak, told) / MIB:.1f} of {limit / MIB:.1f} MiB, "
             f"{num_samples} samples")
    expect(num_samples >= 20 and 0 < peak <= limit and told <= limit, found)
    at.runs.run("ample", *arguments)
    expect(at.runs.results("tight") == at.runs.results("ample"),
           "other results than in ample memory")
    return found


@promise("a limit below the floor is refused before anything is loaded")
def floor(at):
    limit = at.runs.floor_bytes(at.model) - 1
    document = at.runs.run("refused", at.model, *rev_runs.limit_flags(limit),
                           code=6)
    message = document["error"]["message"]
    expect(f"the floor is {limit + 1} bytes" in message, message)
    expect(not (at.runs.folder / "refused").exists(), "a run was begun")
    return f"exit code 6 at {limit} bytes"


@promise("36 GB may be asked for on any machine")
def default_limit(at):
    document = at.runs.run("default", at.model, "--max-tokens", 1,
                           "--parallel-memory-limit", "36.0")
    limit = document["memory_limit_bytes"]
    expect(0 < limit <= 36 * rev_runs.GIB, f"a limit of {limit} bytes")
    return f"{limit / rev_runs.GIB:.1f} GiB used here"


@promise("a run that is stopped or killed goes on, with the same results")
def resume(at):
    arguments = at.slow_run
    at.runs.run("whole", *arguments)
    kept = []
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        name = number.name
        process = at.runs.start_run(name, *arguments)
        expect(at.runs.wait_for_record(name, process), "it ended too early")
        process.send_signal(number)
        at.runs.finish(process, code)
        document = at.runs.run(name, *arguments)
        resumed = document["operations"]["resumed"]
        expect(0 < resumed < 64, f"{resumed} of 64 resumed")
        expect(len(set(at.runs.recorded(name))) ==
               len(at.runs.recorded(name)) == 64, "an operation ran twice")
        expect(at.runs.results(name) == at.runs.results("whole"),
               "other results than uninterrupted")
        kept.append(f"{resumed} kept after {name}")
    return ", ".join(kept)


@promise("two programs do not work in one directory")
def one_holder(at):
    first = at.runs.start_run("held", *at.slow_run)
    try:
        expect(at.runs.wait_for_record("held", first), "it ended too early")
        first.send_signal(signal.SIGSTOP)  # it holds on, and does not end
        document = at.runs.run("held", *at.slow_run, code=2)
    finally:
        first.send_signal(signal.SIGINT)
        first.send_signal(signal.SIGCONT)
        first.wait()
    at.runs.finish(first, 130)
    return f"exit code {document['exit_code']} for the second"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    models = parser.parse_args().models or find_revlm.bundled_models()
    num_failed = 0
    with tempfile.TemporaryDirectory(prefix="revlm-validate-") as folder:
        at = Validation(models, folder)
        print(f"{'':7} {'PROMISE':67} FOUND")
        for text, check in PROMISES:
            try:
                outcome, found = "ok", check(at)
            except (AssertionError, OSError, ValueError, KeyError) as problem:
                outcome, found = "FAILED", str(problem) or repr(problem)
                num_failed += 1
            print(f"{outcome:7} {text:67} {found}", flush=True)
    print(f"\n{len(PROMISES) - num_failed} of {len(PROMISES)} promises hold")
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
