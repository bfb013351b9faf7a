#!/usr/bin/env python3
"""Leave-one-out identification of models with known ancestry.

Every model of the zoo is enrolled. Then each is identified twice: without
itself, where the answer is its lineage, or unknown when it has no relative
there; and without all its relatives, where the answer is unknown. Beside them
models of random weights, of every architecture, for which it is unknown. Of
models of 8 layers and more, rounded and shortened copies are made and identified
by the whole fingerprint and by the light probe, with the time that each took.

The zoo is a folder with models/ and zoo.jsonl (name, base), and perhaps null/,
independent trainings of one shape. Exit code 1 when an answer is wrong.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
UNKNOWN = 4


class Program:
    def __init__(self, revlm, folder):
        self.revlm = revlm
        self.folder = folder
        self.library = folder / "library.sqlite"

    def call(self, *arguments):
        started = time.monotonic()
        done = subprocess.run(
            [self.revlm, *map(str, arguments), "--library", self.library,
             "--json", "--display", "none"], capture_output=True)
        if done.returncode not in (0, UNKNOWN):
            sys.exit(f"{arguments}: {done.stderr.decode()}")
        return {**json.loads(done.stdout),
                "seconds": time.monotonic() - started}

    def enroll(self, directory, name, family):
        return self.call("enroll", directory, "--name", name, "--family",
                         family)

    def identify(self, target, without, *more):
        flags = [f"--except={name}" for name in without]
        return self.call("identify", target, *flags, "--no-sighting", *more)


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def root_of(name, base_of):
    while base_of[name]:
        name = base_of[name]
    return name


def read_tensors(path):
    """The names and shapes of a packed safetensors file."""
    data = subprocess.run(["zstd", "-dcq", path], capture_output=True,
                          check=True).stdout
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: tensor["shape"] for name, tensor in header.items()}


def write_random_model(case, directory, tokenizer, seed):
    """A model of the shape of a golden case, with another vocabulary and
    weights that were never trained."""
    config = json.loads((case / "config.json").read_text())
    vocab_size = len(json.loads(tokenizer)["model"]["vocab"])
    draw = random.Random(seed)
    header, parts, offset = {}, [], 0
    for name, shape in read_tensors(case / "model.safetensors.zst").items():
        shape = [vocab_size if n == config["vocab_size"] else n for n in shape]
        count = 1
        for n in shape:
            count *= n
        is_norm = len(shape) == 1 and name.endswith("weight")
        values = [1.0 if is_norm else draw.gauss(0, 0.02)
                  for _ in range(count)]
        parts.append(struct.pack(f"<{count}f", *values))
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [offset, offset + 4 * count]}
        offset += 4 * count
    config["vocab_size"] = vocab_size
    text = json.dumps(header).encode()
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "tokenizer.json").write_text(tokenizer)
    (directory / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + b"".join(parts))


def write_changed_model(source, directory, dropped, kept_bits):
    """A copy without the layers `dropped`, each BF16 number cut to its first
    `kept_bits` bits."""
    data = (source / "model.safetensors").read_bytes()
    length, = struct.unpack("<Q", data[:8])
    tensors = json.loads(data[8:8 + length])
    tensors.pop("__metadata__", None)
    config = json.loads((source / "config.json").read_text())
    left = [layer for layer in range(config["num_hidden_layers"])
            if layer not in dropped]
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        words = name.split(".")
        if "layers" in words:
            number = words.index("layers") + 1
            if int(words[number]) in dropped:
                continue
            words[number] = str(left.index(int(words[number])))
        begin, end = tensor["data_offsets"]
        part = data[8 + length + begin:8 + length + end]
        size = len(part)
        mask = struct.pack("<H", (0xffff << (16 - kept_bits)) & 0xffff)
        part = int.from_bytes(part, "little") & int.from_bytes(
            mask * (size // 2), "little")
        parts.append(part.to_bytes(size, "little"))
        header[".".join(words)] = {**tensor,
                                   "data_offsets": [offset, offset + size]}
        offset += size
    config["num_hidden_layers"] = len(left)
    text = json.dumps(header).encode()
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(config))
    shutil.copy(source / "tokenizer.json", directory)
    (directory / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + b"".join(parts))


class Table:
    def __init__(self):
        self.num_right = self.num_rows = 0
        print(f"{'TARGET':<20} {'KIND':<11} {'WITHOUT':<10} {'EXPECTED':<10} "
              f"{'FOUND':<20} {'z':>6} {'NEEDED':>6} {'CKA':>5} {'SECONDS':>7}")

    def add(self, target, kind, without, expected, answer):
        match = answer["match"]
        found = match["family"] if match else "unknown"
        best = answer["candidates"][0] if answer["candidates"] else {}
        z = (best.get("weights") or {}).get("z", 0)
        cka = max([(c["states"] or {}).get("mean_cka", 0)
                   for c in answer["candidates"]] or [0])
        right = found == expected
        self.num_rows += 1
        self.num_right += right
        print(f"{target:<20} {kind:<11} {without:<10} {expected:<10} "
              f"{match['name'] if match else 'unknown':<20} {z:>6.2f} "
              f"{answer['z_needed']:>6.2f} {cka:>5.3f} "
              f"{answer['seconds']:>7.2f}"
              f"{'' if right else '  WRONG'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--zoo", default=os.environ.get("REV_ZOO"),
                        help="default: $REV_ZOO")
    parser.add_argument("--revlm", default=ROOT / "build/cli/revlm")
    parser.add_argument("--light", action="store_true",
                        help="identify by the light probe, too")
    options = parser.parse_args()
    if not options.zoo:
        sys.exit("zoo_identify.py: say where the zoo is: REV_ZOO or --zoo")
    zoo = pathlib.Path(options.zoo)
    entries = read_lines(zoo / "zoo.jsonl")
    base_of = {entry["name"]: entry["base"] for entry in entries}
    relatives = {}
    for name in base_of:
        relatives.setdefault(root_of(name, base_of), []).append(name)
    with tempfile.TemporaryDirectory(prefix="revlm-zoo-") as made:
        program = Program(options.revlm, pathlib.Path(made))
        for entry in entries:
            program.enroll(zoo / "models" / entry["name"], entry["name"],
                           root_of(entry["name"], base_of))
        table = Table()
        for entry in entries:
            name, kind = entry["name"], entry["kind"]
            root = root_of(name, base_of)
            family = relatives[root]
            expected = root if len(family) > 1 else "unknown"
            table.add(name, kind, "itself", expected,
                      program.identify(f"ref:{name}", [name]))
            if len(family) > 1:
                table.add(name, kind, "relatives", "unknown",
                          program.identify(f"ref:{name}", family))
            if options.light:
                table.add(name, "light", "itself", expected,
                          program.identify(zoo / "models" / name, [name],
                                           "--light"))
        identify_deep_models(zoo, entries, program, table)
        identify_strangers(zoo, program, table)
        left_out = program.identify(f"ref:{entries[0]['name']}",
                                    [])["left_out"]
    print(f"{table.num_right} of {table.num_rows} right; of "
          f"{left_out['num_trials']} references without their family "
          f"{left_out['num_false_matches']} matched another")
    sys.exit(0 if table.num_right == table.num_rows else 1)


def identify_deep_models(zoo, entries, program, table):
    """Changed copies of models of 8 layers and more, by both probes."""
    for entry in entries:
        source = zoo / "models" / entry["name"]
        config = json.loads((source / "config.json").read_text())
        num_layers = config.get("num_hidden_layers", 0)
        if num_layers < 8 or entry["base"] or entry["dtype"] != "bfloat16":
            continue
        for kind, dropped, kept_bits in (
                ("rounded", (), 12), ("shortened", (2, num_layers - 3), 16),
                ("both", (2, num_layers - 3), 12)):
            copy = program.folder / f"{entry['name']}-{kind}"
            write_changed_model(source, copy, dropped, kept_bits)
            for probe, flags in (("deep", ()), ("light", ("--light",))):
                table.add(copy.name, probe, "nothing", entry["name"],
                          program.identify(copy, [], *flags))


def identify_strangers(zoo, program, table):
    """What is related to no model of the zoo."""
    for path in sorted((zoo / "null" / "models").glob("*")):
        copy = program.folder / path.name
        shutil.copytree(path, copy)
        if not (copy / "tokenizer.json").exists():
            shutil.copy(zoo / "null" / "tokenizer.json", copy)
        table.add(path.name, "null", "nothing", "unknown",
                  program.identify(copy, []))
        # Later ones must not be found in it either.
        program.enroll(copy, path.name, path.name)
        shutil.rmtree(copy)
    tokenizer = next((zoo / "models" / entry / "tokenizer.json").read_text()
                     for entry in sorted(os.listdir(zoo / "models"))
                     if entry.startswith("aster"))
    cases = sorted((ROOT / "tests/data/golden/arch").glob("*"))
    for seed, case in enumerate(cases):
        directory = program.folder / f"random-{case.name}"
        write_random_model(case, directory, tokenizer, seed)
        table.add(case.name[:20], "random", "nothing", "unknown",
                  program.identify(directory, []))


if __name__ == "__main__":
    main()
