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
# Where a batch of all prompts does not finish in time, what parts of them are
# tried: one such batch is measured, and scaled.
BATCH_PARTS = {"accelerate": [2, 4], "llama.cpp": []}


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
    """One at a time, and the best of several ways to batch."""
    for batch in ([1, num_prompts] if not resident else [num_prompts]):
        key = [shape, f"{peer.name}, {'one by one' if batch == 1 else 'batch'}",
               "2W" if resident else "least", num_prompts, new_tokens]
        if bench.has(key):
            continue
        if batch == 1:
            tries = attempts(program, peer, peer.ways[:1], limits,
                             min(num_prompts, measure.ONE_BY_ONE), 1,
                             num_prompts, new_tokens, resident)
        else:
            for part in [1, *BATCH_PARTS[peer.name]]:
                size = -(-num_prompts // part)
                tries = attempts(program, peer, peer.ways, limits, size, size,
                                 num_prompts, new_tokens, resident)
                if tries:
                    break
        if not tries:
            continue
        best = min(tries, key=lambda tried: tried["seconds"])
        bench.keep({"key": key, "limit_bytes": best["limit_bytes"],
                    "version": best["version"], "way": best["way"],
                    "scaled_by": best["scaled_by"], "measured": [best]})


def attempts(program, peer, ways, limits, num_asked, batch, num_prompts,
             new_tokens, resident):
    """Each way that completes, in seconds of all prompts."""
    scale = num_prompts / num_asked
    tries = []
    for way in ways:
        found = peer.measure(program.token_ids(num_asked), new_tokens, batch,
                             way, limits, resident)
        if found:
            limit_bytes, tried = found
            tries.append({"limit_bytes": limit_bytes,
                          "way": " ".join(way), "batch": batch,
                          "scaled_by": scale,
                          "seconds": tried["document"]["seconds"] * scale,
                          "process_seconds": tried["seconds"],
                          "version": tried["document"]["version"],
                          "peak_bytes": tried["peak_bytes"]})
    return tries
