"""Finds the smallest memory limit at which a command still completes.

  smallest_limit.py --weights FILE... [--eighths 1,2,3,4,6,8,10]
      [--timeout SECONDS] -- COMMAND...

The limits are eighths of the size of the weights, tried from the lowest up to
the first at which COMMAND ends well; each holds for its whole process, in a
memory control group of its own. Prints one JSON document: the tries, and
`smallest_eighths`, null when there was none.

Before each try the files of the weights leave the page cache: a page that
somebody else read before is charged to nobody, and a limit that such pages
evade would say nothing.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import peer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "memory"))

import memory_group

OUT_OF_MEMORY = -9  # how the kernel ends a process at its limit


def forget_pages(paths):
    """Drops the files from the page cache, where nobody has them mapped."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # a page not yet written stays
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def run_limited(command, limit_bytes, timeout_seconds):
    """What became of the command; `document` is the JSON that it printed."""
    with memory_group.MemoryGroup(limit_bytes) as group:
        start = time.monotonic()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=group.enter)
        try:
            out, errors = process.communicate(timeout=timeout_seconds)
            outcome = {0: "completed", OUT_OF_MEMORY: "killed"}.get(
                process.returncode, "failed")
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
            outcome = "timeout"
        seconds = time.monotonic() - start
        result = {"outcome": outcome, "limit_bytes": limit_bytes,
                  "peak_bytes": group.peak_bytes, "seconds": seconds}
    if process.returncode == peer.SKIPPED:
        sys.stderr.write(errors)
        sys.exit(peer.SKIPPED)
    if outcome == "completed":
        result["document"] = json.loads(out)
    elif outcome == "failed":
        result["error"] = errors[-2000:]
    return result


def find_smallest(command, weights, eighths, timeout_seconds):
    """The tries, the last of which completed if any did."""
    weights_bytes = sum(path.stat().st_size for path in weights)
    tries = []
    for count in sorted(eighths):
        forget_pages(weights)
        tries.append({"eighths": count, **run_limited(
            command, weights_bytes * count // 8, timeout_seconds)})
        if tries[-1]["outcome"] == "completed":
            break
    return {"weights_bytes": weights_bytes, "tries": tries,
            "smallest_eighths": tries[-1]["eighths"]
            if tries[-1]["outcome"] == "completed" else None}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=pathlib.Path, nargs="+",
                        required=True)
    parser.add_argument("--eighths", default="1,2,3,4,6,8,10",
                        type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    why_not = memory_group.available()
    if why_not:
        print(f"SKIPPED: {why_not}", file=sys.stderr)
        sys.exit(peer.SKIPPED)
    print(json.dumps(find_smallest(options.command, options.weights,
                                   options.eighths, options.timeout)))


if __name__ == "__main__":
    main()
