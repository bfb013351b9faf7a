"""Rows of the table for programs that others wrote (bench/peers).

accelerate runs at the smallest limit at which it completes, llama.cpp at the
limits that revlm is given; each one prompt at a time and with what proves its
best way of batching among those listed here.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS_FOLDER = ROOT / "bench" / "peers"
sys.path.insert(0, str(PEERS_FOLDER))

import measure
import smallest_limit

TIMEOUT_SECONDS = 600
# {name: (environment, script, [arguments])}; batches are of at most so many.
WAYS = {
    "accelerate": ("transformers", "accelerate_offload.py", [[]]),
    "llama.cpp": ("llama_cpp", "llama_cpp_mmap.py", [
        ["--n-batch", "2048", "--n-ubatch", "512", "--kv-unified"],
        ["--n-batch", "8192", "--n-ubatch", "2048", "--kv-unified"]]),
}
ACCELERATE_EIGHTHS = [2, 3, 4, 6, 8, 10]


class Peer:
    def __init__(self, name, build, model, folder):
        self.name = name
        environment, script, self.ways = WAYS[name]
        self.python = build / "peers" / environment / "bin" / "python"
        self.script = PEERS_FOLDER / script
        self.folder = folder
        self.weights = sorted(model.directory.glob("*.safetensors"))
        self.model = model.directory
        if name == "llama.cpp":
            self.model = model.directory.parent / (model.directory.name + ".gguf")
            self.weights = [self.model]

    def missing(self):
        """Why it cannot be run, or None."""
        if not self.python.exists():
            return f"{self.python} is absent; bench/peers/setup.sh makes it"
        if not self.model.exists():
            return f"{self.model} is absent; bench/peers/to_gguf.py makes it"
        return None

    def command(self, prompts, new_tokens, batch, way, resident):
        return [str(part) for part in (
            self.python, self.script, self.model, "--prompts", prompts,
            "--max-tokens", new_tokens, "--batch", batch, *way,
            *(["--resident"] if resident else []))]

    def measure(self, token_ids, new_tokens, batch, way, limits, resident):
        """The first limit at which it completes: (limit, seconds, peak)."""
        prompts = self.folder / "peer-prompts.jsonl"
        prompts.write_text("".join(
            json.dumps({"prompt_token_ids": ids}) + "\n" for ids in token_ids))
        command = self.command(prompts, new_tokens, batch, way, resident)
        for limit_bytes in limits:
            smallest_limit.forget_pages(self.weights)
            tried = smallest_limit.run_limited(command, limit_bytes,
                                               TIMEOUT_SECONDS)
            if tried["outcome"] == "completed":
                return limit_bytes, tried
            print(f"{self.name} with {limit_bytes / 2**20:.0f} MiB: "
                  f"{tried['outcome']} {tried.get('error', '')[-200:]}",
                  file=sys.stderr)
            if tried["outcome"] == "timeout":
                break  # it fits, and is slower than anyone waits for
        return None


def run(bench, shape, program, name):
    """Measures a peer's rows for the numbers of prompts that are asked for."""
    peer = Peer(name, bench.options.build, program.model, bench.folder)
    if peer.missing():
        print(f"{name} on {shape} SKIPPED: {peer.missing()}", file=sys.stderr)
        return
    weights = program.model.weight_bytes
    eighths = ACCELERATE_EIGHTHS if name == "accelerate" else [2]
    limits = [weights * count // 8 for count in eighths]
    for new_tokens in bench.options.new_tokens:
        for num_prompts in bench.options.prompts:
            row(bench, shape, program, peer, limits, num_prompts, new_tokens)
            if name == "llama.cpp":
                row(bench, shape, program, peer, [2 * weights], num_prompts,
                    new_tokens, resident=True)


def row(bench, shape, program, peer, limits, num_prompts, new_tokens,
        resident=False):
    """Batches of one and of all; of several ways to batch the best counts."""
    for batch in ([1, num_prompts] if not resident else [num_prompts]):
        key = [shape, f"{peer.name}, {'one by one' if batch == 1 else 'batch'}",
               "2W" if resident else "least", num_prompts, new_tokens]
        if bench.has(key):
            continue
        asked = program.token_ids(
            min(num_prompts, measure.ONE_BY_ONE) if batch == 1 else num_prompts)
        scale = num_prompts / len(asked)
        tries = []
        for way in (peer.ways[:1] if batch == 1 else peer.ways):
            found = peer.measure(asked, new_tokens, batch, way, limits,
                                 resident)
            if found:
                tries.append({"limit_bytes": found[0],
                              "way": " ".join(way),
                              "seconds": found[1]["document"]["seconds"] *
                              scale,
                              "process_seconds": found[1]["seconds"],
                              "version": found[1]["document"]["version"],
                              "peak_bytes": found[1]["peak_bytes"]})
        if not tries:
            continue
        best = min(tries, key=lambda tried: tried["seconds"])
        bench.keep({"key": key, "limit_bytes": best["limit_bytes"],
                    "version": best["version"], "way": best["way"],
                    "scaled_by": scale, "measured": [best]})
