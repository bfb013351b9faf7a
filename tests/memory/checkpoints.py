"""Makes Hugging Face directories of random shapes and weights.

The weights mean nothing, but are finite and small, so that results are as
sensitive to every bit as those of a real model. A shape and a seed always give
the same bytes.
"""

import dataclasses
import json
import os
import pathlib
import random
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]
# By the size of the vocabulary that they need.
TOKENIZERS = {
    2048: ROOT / "tests" / "data" / "zoo" / "asterl-s0" / "tokenizer.json",
    1024: ROOT / "tests" / "data" / "zoo" / "cedar-s0" / "tokenizer.json",
}
FAMILIES = ("llama", "gpt_neox", "gpt2", "qwen2", "qwen3", "mistral")
DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
MAX_POSITIONS = 256


@dataclasses.dataclass(frozen=True)
class Shape:
    family: str
    dtype: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    is_tied: bool
    sliding_window: int = None

    def __str__(self):
        tied = " tied" if self.is_tied else ""
        return (f"{self.family} {self.dtype} {self.num_layers}x"
                f"{self.hidden_size}x{self.intermediate_size} "
                f"v{self.vocab_size} h{self.num_heads}/{self.num_kv_heads}"
                f"x{self.head_dim}{tied}")

    @property
    def element_bytes(self):
        return 4 if self.dtype == "F32" else 2

    @property
    def weight_bytes(self):
        return self.element_bytes * sum(
            count_of(dims) for _, dims in self.tensors())

    def tensors(self):
        """(name, dimensions) in the order of the file."""
        if self.family == "gpt2":
            return self._gpt2_tensors()
        if self.family == "gpt_neox":
            return self._gpt_neox_tensors()
        return self._llama_tensors()

    def _llama_tensors(self):
        width, inner = self.hidden_size, self.intermediate_size
        queries = self.num_heads * self.head_dim
        keys = self.num_kv_heads * self.head_dim
        found = [("model.embed_tokens.weight", (self.vocab_size, width))]
        for i in range(self.num_layers):
            at = f"model.layers.{i}."
            for name, rows in (("q", queries), ("k", keys), ("v", keys)):
                found.append((f"{at}self_attn.{name}_proj.weight",
                              (rows, width)))
                if self.family == "qwen2":
                    found.append((f"{at}self_attn.{name}_proj.bias", (rows,)))
                if self.family == "qwen3" and name != "v":
                    found.append((f"{at}self_attn.{name}_norm.weight",
                                  (self.head_dim,)))
            found += [
                (f"{at}self_attn.o_proj.weight", (width, queries)),
                (f"{at}mlp.gate_proj.weight", (inner, width)),
                (f"{at}mlp.up_proj.weight", (inner, width)),
                (f"{at}mlp.down_proj.weight", (width, inner)),
                (f"{at}input_layernorm.weight", (width,)),
                (f"{at}post_attention_layernorm.weight", (width,)),
            ]
        found.append(("model.norm.weight", (width,)))
        if not self.is_tied:
            found.append(("lm_head.weight", (self.vocab_size, width)))
        return found

    def _gpt_neox_tensors(self):
        width, inner = self.hidden_size, self.intermediate_size
        found = [("gpt_neox.embed_in.weight", (self.vocab_size, width))]
        for i in range(self.num_layers):
            at = f"gpt_neox.layers.{i}."
            found += norm(at + "input_layernorm", width)
            found += norm(at + "post_attention_layernorm", width)
            found += linear(at + "attention.query_key_value", 3 * width, width)
            found += linear(at + "attention.dense", width, width)
            found += linear(at + "mlp.dense_h_to_4h", inner, width)
            found += linear(at + "mlp.dense_4h_to_h", width, inner)
        found += norm("gpt_neox.final_layer_norm", width)
        return found + [("embed_out.weight", (self.vocab_size, width))]

    def _gpt2_tensors(self):  # weights lie [in, out]
        width, inner = self.hidden_size, self.intermediate_size
        found = [("transformer.wte.weight", (self.vocab_size, width)),
                 ("transformer.wpe.weight", (MAX_POSITIONS, width))]
        for i in range(self.num_layers):
            at = f"transformer.h.{i}."
            found += norm(at + "ln_1", width) + norm(at + "ln_2", width)
            for name, inputs, outputs in (
                    ("attn.c_attn", width, 3 * width),
                    ("attn.c_proj", width, width),
                    ("mlp.c_fc", width, inner), ("mlp.c_proj", inner, width)):
                found += [(f"{at}{name}.weight", (inputs, outputs)),
                          (f"{at}{name}.bias", (outputs,))]
        return found + norm("transformer.ln_f", width)

    def config(self):
        common = {"model_type": self.family, "dtype": DTYPES[self.dtype],
                  "vocab_size": self.vocab_size,
                  "tie_word_embeddings": self.is_tied}
        if self.family == "gpt2":
            return {**common, "architectures": ["GPT2LMHeadModel"],
                    "n_embd": self.hidden_size, "n_head": self.num_heads,
                    "n_inner": self.intermediate_size,
                    "n_layer": self.num_layers, "n_positions": MAX_POSITIONS,
                    "activation_function": "gelu_new",
                    "layer_norm_epsilon": 1e-5}
        common |= {"hidden_size": self.hidden_size,
                   "intermediate_size": self.intermediate_size,
                   "num_hidden_layers": self.num_layers,
                   "num_attention_heads": self.num_heads,
                   "max_position_embeddings": MAX_POSITIONS}
        if self.family == "gpt_neox":
            return {**common, "architectures": ["GPTNeoXForCausalLM"],
                    "attention_bias": True, "hidden_act": "gelu",
                    "layer_norm_eps": 1e-5, "use_parallel_residual": True,
                    "rope_theta": 10000.0, "rotary_pct": 0.25}
        name = self.family.capitalize() + "ForCausalLM"
        return {**common, "architectures": [name], "hidden_act": "silu",
                "num_key_value_heads": self.num_kv_heads,
                "head_dim": self.head_dim, "rms_norm_eps": 1e-6,
                "rope_theta": 10000.0, "sliding_window": self.sliding_window}


# Whose operations cost next to nothing.
TINY = Shape(
    family="llama", dtype="F32", vocab_size=1024, hidden_size=64,
    intermediate_size=128, num_layers=1, num_heads=4, num_kv_heads=4,
    head_dim=16, is_tied=True)


def count_of(dims):
    return dims[0] * dims[1] if len(dims) == 2 else dims[0]


def linear(name, outputs, inputs):
    return [(name + ".weight", (outputs, inputs)), (name + ".bias", (outputs,))]


def norm(name, width):
    return [(name + ".weight", (width,)), (name + ".bias", (width,))]


def random_shape(chance, family, min_bytes, max_bytes):
    """A shape whose weights take between `min_bytes` and `max_bytes`."""
    while True:
        shape = _any_shape(chance, family)
        if min_bytes <= shape.weight_bytes <= max_bytes:
            return shape


def _any_shape(chance, family):
    head_dim = chance.choice((16, 24, 32, 64))
    num_heads = chance.randint(-(-64 // head_dim), 768 // head_dim)
    hidden_size = num_heads * head_dim
    num_kv_heads = num_heads
    if family not in ("gpt2", "gpt_neox"):
        num_kv_heads = chance.choice(
            [n for n in range(1, num_heads + 1) if num_heads % n == 0])
        if family != "qwen2":  # heads need not fill the hidden size
            hidden_size = 8 * chance.randint(8, 96)
    is_tied = family == "gpt2" or (
        family != "gpt_neox" and chance.random() < 0.5)
    return Shape(
        family=family, dtype=chance.choice(list(DTYPES)),
        vocab_size=chance.choice((1024, 2048, chance.randint(1024, 4096))),
        hidden_size=hidden_size,
        intermediate_size=chance.randint(2 * hidden_size, 4 * hidden_size),
        num_layers=chance.randint(1, 8), num_heads=num_heads,
        num_kv_heads=num_kv_heads, head_dim=head_dim, is_tied=is_tied,
        sliding_window=chance.choice((None, 40))
        if family == "mistral" else None)


def tokenizer_of(shape):
    return TOKENIZERS[max(n for n in TOKENIZERS if n <= shape.vocab_size)]


# What becomes of the byte that holds the sign and most of the exponent.
# Weights: magnitudes within 1/128 and 1/32. Norms: within 1/2 and 2.
WEIGHTS = {"F16": bytes((b & 0x83) | 0x20 | (b & 0x04) for b in range(256)),
           "F32": bytes((b & 0x80) | 0x3c for b in range(256))}
WEIGHTS["BF16"] = WEIGHTS["F32"]
NORMS = {"F16": bytes(0x38 | (b & 0x07) for b in range(256)),
         "F32": bytes(256 * [0x3f])}
NORMS["BF16"] = NORMS["F32"]


def tensor_bytes(shape, name, dims, chance):
    size = shape.element_bytes
    content = bytearray(chance.randbytes(size * count_of(dims)))
    is_norm = len(dims) == 1 and name.endswith(".weight")
    table = (NORMS if is_norm else WEIGHTS)[shape.dtype]
    content[size - 1::size] = content[size - 1::size].translate(table)
    return content


def make(directory, shape, seed):
    """Writes `directory`, and leaves its weights out of the page cache."""
    directory.mkdir(parents=True)
    chance = random.Random(seed)
    header, offset = {}, 0
    for name, dims in shape.tensors():
        end = offset + shape.element_bytes * count_of(dims)
        header[name] = {"dtype": shape.dtype, "shape": dims,
                        "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, dims in shape.tensors():
            file.write(tensor_bytes(shape, name, dims, chance))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    (directory / "config.json").write_text(json.dumps(shape.config()))
    shutil.copy(tokenizer_of(shape), directory / "tokenizer.json")


def prompt_of(shape, num_tokens, chance):
    """A text of about `num_tokens` tokens: words that are tokens."""
    vocabulary = json.loads(tokenizer_of(shape).read_text())["model"]["vocab"]
    # U+0120 is how a byte-level vocabulary writes a space.
    words = sorted(token[1:] for token in vocabulary
                   if token[0] == "\u0120" and token[1:].isascii()
                   and token[1:].isalpha())
    return " ".join(chance.choice(words) for _ in range(num_tokens))
