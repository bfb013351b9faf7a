"""What the peers of the benchmark share: their command line, the greedy
generation that is timed, and the JSON document about it.

Every peer gets the same token ids, makes the same number of new tokens from
each prompt whatever they are, and is timed from the first prompt to the last
token: imports and the loading of the model are told apart. A peer brings

  load(options, prompts)  -> model, not timed as generation
  model.prefill(prompts)  -> the next token of each prompt
  model.decode(tokens)    -> the next token after these, one per prompt
"""

import argparse
import contextlib
import json
import os
import pathlib
import sys
import time

SKIPPED = 77


def require(*modules):
    """Ends the program unless all can be imported."""
    for name in modules:
        try:
            __import__(name)
        except ImportError as error:
            print(f"SKIPPED: {error}; bench/peers/setup.sh makes the "
                  "environments that the peers run in", file=sys.stderr)
            sys.exit(SKIPPED)


def parser(about):
    made = argparse.ArgumentParser(description=about)
    made.add_argument("model", type=pathlib.Path)
    made.add_argument("--prompts", type=pathlib.Path, required=True,
                      help='JSON Lines of {"prompt_token_ids": [...]}')
    made.add_argument("--max-tokens", type=int, required=True, metavar="N",
                      help="new tokens per prompt; 0: the prompts only")
    made.add_argument("--batch", type=int, required=True, metavar="B",
                      help="prompts that are generated from together")
    made.add_argument("--threads", type=int, metavar="T",
                      default=len(os.sched_getaffinity(0)))
    return made


def read_prompts(path):
    with open(path) as file:
        return [json.loads(line)["prompt_token_ids"]
                for line in file if line.strip()]


def anonymous_bytes():
    """Memory of this process that is no page of a file."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) << 10


@contextlib.contextmanager
def stdout_kept():
    """Nobody but us writes to stdout, not even a library's native code."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def run(name, version, options, load):
    """Generates from all prompts and prints the document."""
    imports_bytes = anonymous_bytes()
    prompts = read_prompts(options.prompts)
    with stdout_kept():
        start = time.monotonic()
        model = load(options, prompts)
        loaded = time.monotonic()
        tokens, prefill_seconds = _generate(model, prompts, options)
        seconds = time.monotonic() - loaded
    print(json.dumps({
        "peer": name, "version": version, "batch": options.batch,
        "threads": options.threads, "num_prompts": len(prompts),
        "imports_bytes": imports_bytes,
        "load_seconds": loaded - start, "prefill_seconds": prefill_seconds,
        "seconds": seconds, "prompt_tokens": sum(map(len, prompts)),
        "new_tokens": sum(map(len, tokens)), "tokens": tokens}))


def _generate(model, prompts, options):
    """(new tokens of each prompt, seconds of prefill)."""
    answers = []
    prefill_seconds = 0
    for first in range(0, len(prompts), options.batch):
        batch = prompts[first:first + options.batch]
        start = time.monotonic()
        step = model.prefill(batch)
        prefill_seconds += time.monotonic() - start
        steps = [step][:options.max_tokens]
        while len(steps) < options.max_tokens:
            step = model.decode(step)
            steps.append(step)
        answers += ([list(answer) for answer in zip(*steps)] if steps
                    else [[] for _ in batch])
    return answers, prefill_seconds
