"""The arithmetic of a run: how many bytes a pass reads and multiplies, and the
least time that a disk and a processor of given speed can do it in."""

import dataclasses
import json
import pathlib

@dataclasses.dataclass(frozen=True)
class Model:
    """A checkpoint with bf16 weights, by the tensors of its files."""
    directory: pathlib.Path
    weight_bytes: int      # all tensors
    layer_parameters: int  # of matrices that every row goes through
    head_parameters: int   # of the head, that scored rows go through
    kv_token_bytes: int    # keys and values of a token, all layers

    @property
    def pass_bytes(self):
        return 2 * (self.layer_parameters + self.head_parameters)


def read_model(directory):
    weights = layers = head = embedding = 0
    for path in sorted(directory.glob("*.safetensors")):
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            weights += end - begin
            if len(tensor["shape"]) < 2:
                continue
            count = tensor["shape"][0] * tensor["shape"][1]
            if ".layers." in name:
                layers += count
            elif name in ("lm_head.weight", "embed_out.weight"):
                head += count
            else:
                embedding += count
    return Model(directory, weights, layers, head or embedding,
                 kv_token_bytes(directory / "config.json"))


def kv_token_bytes(path):
    config = json.loads(path.read_text())
    num_heads = config["num_attention_heads"]
    width = config["hidden_size"] // num_heads * config.get(
        "num_key_value_heads", num_heads)
    return config["num_hidden_layers"] * 2 * width * 2


@dataclasses.dataclass(frozen=True)
class Work:
    """What is asked: each prompt once, then `new_tokens` for each."""
    num_prompts: int
    prompt_tokens: int
    new_tokens: int

    @property
    def num_passes(self):  # the first new token comes of the prompt's pass
        return max(1, self.new_tokens)

    def flops(self, model):
        rows = self.num_prompts * (
            self.prompt_tokens + max(0, self.new_tokens - 1))
        scored = self.num_prompts * self.new_tokens
        return 2 * (rows * model.layer_parameters +
                    scored * model.head_parameters)

    def read_bytes(self, model, limit_bytes):
        """What no schedule can avoid reading: every weight once; and for each
        further pass, which takes all weights, keys and values, as much of
        them as the limit cannot hold. (Sequences in groups take the weights
        more often and are no better off.)"""
        one_pass = model.pass_bytes
        if self.new_tokens == 0:
            one_pass -= 2 * model.head_parameters
        length = self.prompt_tokens + self.new_tokens // 2  # on average
        kept = self.num_prompts * length * model.kv_token_bytes
        return one_pass + (self.num_passes - 1) * max(
            0, one_pass + kept - limit_bytes)


def bound_seconds(model, work, limit_bytes, rates):
    """max(bytes / B, FLOPs / C)."""
    return max(work.read_bytes(model, limit_bytes) /
               rates["read_bytes_per_second"],
               work.flops(model) / rates["flops_per_second"])
