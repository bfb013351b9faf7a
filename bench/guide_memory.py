#!/usr/bin/env python3
"""The memory table of the parallel guide, predicted: what models of its sizes
take one prompt at a time in 4 GB, and together in the memory that it states.

The cost model is that of docs/method-engine.md, without keys and values on
disk, which would only be faster. Without --read and --flops the rates are those
of the machine in that document. `--check CHECKPOINT` compares it with what
`revlm plan` says of a checkpoint.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import subprocess

import cost

ROOT = pathlib.Path(__file__).resolve().parents[1]
GIB = 1 << 30
MIB = 1 << 20
PROMPT_TOKENS = 64
NEW_TOKENS = 32
PROGRAM_BYTES = 66 * MIB
PASS_SECONDS = 2e-3  # besides the work
HALF_SPEED_ROWS = 16
MEMORY_BYTES_PER_SECOND = 2e10
RING_BYTES = 64 * MIB
MAX_ROWS = 16384  # of a pass
SEQUENTIAL_GIB = 4


@dataclasses.dataclass(frozen=True)
class Shape:
    """A model by its matrices; weights of two bytes."""
    name: str
    num_layers: int
    hidden: int
    inner: int
    kv_width: int
    vocabulary: int

    @property
    def layer_parameters(self):
        return self.num_layers * self.hidden * (
            2 * self.hidden + 2 * self.kv_width + 3 * self.inner)

    @property
    def head_parameters(self):
        return self.hidden * self.vocabulary

    @property
    def pass_bytes(self):
        return 2 * (self.layer_parameters + self.head_parameters)

    @property
    def sequence_kv_bytes(self):
        return (PROMPT_TOKENS + NEW_TOKENS) * self.num_layers * 4 * self.kv_width

    @property
    def row_bytes(self):  # about, of its activations between two stages
        return 2 * (2 * self.hidden + 2 * self.kv_width + self.inner)


# Of each size, the guide's memory and speed-up, and the shape of a model.
TABLE = (("7B", 6, 8, "3-4x",
          Shape("Llama-2-7B", 32, 4096, 11008, 4096, 32000)),
         ("34B", 12, 16, "4-6x",
          Shape("CodeLlama-34B", 48, 8192, 22016, 1024, 32000)),
         ("70B", 20, 24, "6-8x",
          Shape("Llama-2-70B", 80, 8192, 28672, 1024, 32000)),
         ("405B", 30, 36, "8-10x",
          Shape("Llama-3.1-405B", 126, 16384, 53248, 1024, 128256)))


def pass_seconds(shape, rates, rows, head_rows, pinned_bytes):
    flops = 2 * ((rows + HALF_SPEED_ROWS) * shape.layer_parameters +
                 (head_rows + HALF_SPEED_ROWS) * shape.head_parameters)
    streamed = max(0, shape.pass_bytes - pinned_bytes)
    return PASS_SECONDS + max(
        streamed / rates["read_bytes_per_second"],
        flops / rates["flops_per_second"],
        shape.pass_bytes / MEMORY_BYTES_PER_SECOND)


def seconds_in_groups(shape, rates, limit_bytes, num_prompts, num_groups,
                      keeps_weights):
    """Of prompts that decode in equal groups; None: they do not fit."""
    group = math.ceil(num_prompts / num_groups)
    rows = min(MAX_ROWS, group * PROMPT_TOKENS)
    free = (limit_bytes - min(2 * GIB, limit_bytes // 16) - PROGRAM_BYTES -
            RING_BYTES - group * shape.sequence_kv_bytes)
    rows = min(rows, int(free / 2 / shape.row_bytes))
    if rows < PROMPT_TOKENS:
        return None
    pinned = (min(shape.pass_bytes, free - rows * shape.row_bytes)
              if keeps_weights else 0)
    num_prompt_passes = math.ceil(group * PROMPT_TOKENS / rows)
    seconds = pinned / rates["read_bytes_per_second"]  # in the first pass
    seconds += num_groups * num_prompt_passes * pass_seconds(
        shape, rates, group * PROMPT_TOKENS / num_prompt_passes,
        group / num_prompt_passes, pinned)
    return seconds + num_groups * (NEW_TOKENS - 1) * pass_seconds(
        shape, rates, group, group, pinned)


def together(shape, rates, limit_bytes, num_prompts):
    """Seconds in the fastest number of groups, and that number."""
    return min((seconds, num_groups) for num_groups in
               {math.ceil(num_prompts / size) for size in
                range(1, num_prompts + 1)}
               if (seconds := seconds_in_groups(
                   shape, rates, limit_bytes, num_prompts, num_groups, True)))


def one_at_a_time(shape, rates, num_prompts):
    """Streaming: every pass reads all weights."""
    return seconds_in_groups(shape, rates, SEQUENTIAL_GIB * GIB, num_prompts,
                             num_prompts, False)


def duration(seconds):
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def render(rates, counts):
    print(f"At {rates['read_bytes_per_second'] / 1e9:.1f} GB/s and "
          f"{rates['flops_per_second'] / 1e9:.0f} GFLOP/s, {PROMPT_TOKENS} "
          f"tokens in and {NEW_TOKENS} out:\n")
    print("| size | as | weights | prompts | one at a time, "
          f"{SEQUENTIAL_GIB} GB | together, memory | seconds | groups | "
          "speed-up | guide |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for size, least, most, guide, shape in TABLE:
        for num_prompts in counts:
            alone = one_at_a_time(shape, rates, num_prompts)
            for limit in (least, most):
                seconds, num_groups = together(shape, rates, limit * GIB,
                                               num_prompts)
                print(f"| {size} | {shape.name} | "
                      f"{shape.pass_bytes / 1e9:.0f} GB | {num_prompts} | "
                      f"{duration(alone)} | {limit} GB | {duration(seconds)} | "
                      f"{num_groups} | {alone / seconds:.0f}x | {guide} |")


def check(options):
    """Prints the prediction beside that of `revlm plan`."""
    config = json.loads((options.check / "config.json").read_text())
    heads = config["num_attention_heads"]
    shape = Shape(options.check.name, config["num_hidden_layers"],
                  config["hidden_size"], config["intermediate_size"],
                  config["hidden_size"] // heads *
                  config.get("num_key_value_heads", heads),
                  config["vocab_size"])
    weights = cost.read_model(options.check).pass_bytes
    assert abs(weights - shape.pass_bytes) < weights / 100, "not of this kind"
    for num_prompts in options.prompts:
        flags = [f"--prompt={'a ' * (PROMPT_TOKENS - 1)}a"] * num_prompts
        for part in (1 / 4, 1 / 2, 2):
            limit = int(part * weights)
            plan = json.loads(subprocess.run(
                [options.build / "cli" / "revlm", "plan", options.check,
                 *flags, "--no-special-tokens", "--max-tokens",
                 str(NEW_TOKENS), "--parallel-memory-limit",
                 repr(limit / GIB), "--json"],
                check=True, stdout=subprocess.PIPE).stdout)
            model = plan["models"][0]
            seconds, _ = together(shape, model, limit, num_prompts)
            print(f"{num_prompts} prompts at W*{part}: revlm plan "
                  f"{model['predicted_seconds']:.1f} s, here {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--read", type=float, default=2.4, help="GB/s")
    parser.add_argument("--flops", type=float, default=410, help="GFLOP/s")
    parser.add_argument("--prompts", nargs="+", type=int, default=[10, 100])
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    if options.check:
        check(options)
    else:
        render({"read_bytes_per_second": options.read * 1e9,
                "flops_per_second": options.flops * 1e9}, options.prompts)


if __name__ == "__main__":
    main()
