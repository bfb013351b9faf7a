"""Runs whole programs in memory control groups and takes their time."""

import json
import pathlib
import random
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

import smallest_limit

GIB = 1 << 30
PROMPT_TOKENS = 64
ONE_BY_ONE = 3  # prompts measured one at a time, then scaled
TIMEOUT_SECONDS = 3600


def words_of(tokenizer):
    """Words of plain letters that are one token with and without a space
    before them, which a vocabulary writes as U+0120 or U+2581."""
    vocabulary = json.loads(tokenizer.read_text())["model"]["vocab"]
    return sorted(
        token[1:] for token in vocabulary
        if token[0] in "\u0120\u2581" and token[1:] in vocabulary
        and token[1:].isascii() and token[1:].isalpha()
        and token[1:].islower())


def write_prompts(path, model, num_prompts):
    """Prompts of PROMPT_TOKENS tokens each; always the same."""
    chance = random.Random(1)
    words = words_of(model.directory / "tokenizer.json")
    with open(path, "w") as file:
        for i in range(num_prompts):
            text = " ".join(chance.choice(words) for _ in range(PROMPT_TOKENS))
            file.write(json.dumps({"id": f"p{i}", "prompt": text}) + "\n")


def make_checkpoint(folder, shape, name=None):
    """Its directory, `folder`/`name`; one that is there stays as it is."""
    directory = folder / (name or shape)
    subprocess.run([folder / "revlm_make_checkpoint", shape, directory],
                   check=True)
    return directory


class Program:
    """revlm on one model."""

    def __init__(self, build, model, folder):
        self.revlm = build / "cli" / "revlm"
        self.rates_program = build / "bench" / "revlm_rates"
        self.model = model
        self.folder = folder

    def rates(self):
        """C and B of this moment."""
        out = subprocess.run([self.rates_program, self.model.directory],
                             check=True, stdout=subprocess.PIPE).stdout
        return json.loads(out)

    def run(self, num_prompts, new_tokens, limit_bytes, first_prompt=None,
            flags=()):
        """Seconds of the whole process, and the peak that was charged."""
        prompts = self.folder / "prompts.jsonl"
        write_prompts(prompts, self.model, num_prompts)
        if first_prompt is not None:
            line = prompts.read_text().splitlines()[first_prompt]
            prompts.write_text(line + "\n")
        directory = self.folder / "run"
        shutil.rmtree(directory, ignore_errors=True)
        done = smallest_limit.run_limited(
            [str(part) for part in (
                self.revlm, "run", self.model.directory, "--prompts", prompts,
                "--no-special-tokens", "--max-tokens", new_tokens,
                "--parallel-memory-limit", repr(limit_bytes / GIB),
                "--output-dir", directory, "--json", "--quiet", *flags)],
            limit_bytes, TIMEOUT_SECONDS)
        if done["outcome"] != "completed":
            raise RuntimeError(f"revlm: {done}")
        check_answers(done["document"], new_tokens)
        return done["seconds"], done["peak_bytes"]

    def token_ids(self, num_prompts):
        """The prompts as the program reads them, for peers."""
        self.run(num_prompts, 0, 2 * self.model.weight_bytes)
        with open(self.folder / "run" / "results.jsonl") as file:
            return [json.loads(line)["prompt_token_ids"] for line in file]


def check_answers(document, new_tokens):
    """A figure counts only when the work was done."""
    for result in document["results"]:
        assert len(result["prompt_token_ids"]) == PROMPT_TOKENS, result["id"]
        stopped = result.get("finish_reason") == "stop"
        assert stopped or len(result["tokens"]) == new_tokens, result["id"]
