"""Writes a Hugging Face directory of the Llama family as a GGUF file.

  to_gguf.py DIRECTORY FILE.gguf

For llama.cpp as a peer in the benchmark: the weights keep their types (norms
become f32, as llama.cpp has them) and pass through memory one at a time. The
peer is given token ids, so the file holds no tokenizer, only the number of
tokens.
"""

import json
import math
import pathlib
import sys

import peer

peer.require("gguf", "numpy")

import gguf
import numpy as np

TYPES = {  # numpy has no bf16: its bits are carried as whole numbers
    "BF16": (np.uint16, gguf.GGMLQuantizationType.BF16,
             gguf.LlamaFileType.MOSTLY_BF16),
    "F16": (np.float16, gguf.GGMLQuantizationType.F16,
            gguf.LlamaFileType.MOSTLY_F16),
    "F32": (np.float32, gguf.GGMLQuantizationType.F32,
            gguf.LlamaFileType.ALL_F32),
}
OF_MODEL = {"model.embed_tokens.weight": "token_embd.weight",
            "model.norm.weight": "output_norm.weight",
            "lm_head.weight": "output.weight"}
OF_LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
            "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
            "self_attn.o_proj": "attn_output",
            "post_attention_layernorm": "ffn_norm",
            "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
            "mlp.down_proj": "ffn_down"}


def read_safetensors(path):
    """{name: (type, array mapped from the file)}"""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], np.memmap(
                path, TYPES[entry["dtype"]][0], "r",
                8 + length + entry["data_offsets"][0], tuple(entry["shape"])))
            for name, entry in header.items()}


def gguf_name(name):
    """None for what llama.cpp computes itself."""
    if name in OF_MODEL:
        return OF_MODEL[name]
    _, _, layer, *rest = name.split(".")
    kind = OF_LAYER.get(".".join(rest[:-1]))
    return kind and f"blk.{layer}.{kind}.{rest[-1]}"


def to_pairs(rows, num_heads):
    """llama.cpp turns neighbouring rows of a head of Q and K against each
    other; in the checkpoint, a row's partner is half a head away."""
    halves = rows.reshape(num_heads, 2, -1, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def describe(writer, name, dtype, array):
    """Matrices keep their type, vectors become f32."""
    width, kind, _ = TYPES[dtype if array.ndim > 1 else "F32"]
    writer.add_tensor_info(name, array.shape, np.dtype(width),
                           array.size * np.dtype(width).itemsize,
                           raw_dtype=kind)


def convert(name, dtype, array, config):
    """The tensor as `describe` said."""
    if name.endswith(("q_proj.weight", "q_proj.bias")):
        array = to_pairs(array, config["num_attention_heads"])
    if name.endswith(("k_proj.weight", "k_proj.bias")):
        array = to_pairs(array, config["num_key_value_heads"])
    if array.ndim > 1:
        return array
    if dtype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32)


def rope_parameters(config):
    """(base, scaling or None), of both ways to write them."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = config.get("rope_theta") or rope.get("rope_theta", 10000.0)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        sys.exit(f"to_gguf: rope scaling {kind} is not supported")
    return float(base), rope if kind == "llama3" else None


def rope_divisors(base, scaling, head_dim):
    """Llama 3's: short wavelengths stay, long ones are stretched by `factor`,
    and between the two bounds the frequency goes from one to the other."""
    frequencies = base ** -(np.arange(0, head_dim, 2) / head_dim)
    turns = (scaling["original_max_position_embeddings"] * frequencies
             / (2 * math.pi))
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / (kept + (1 - kept) / scaling["factor"])).astype(np.float32)


def add_shape(writer, config, head_dim, base):
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(base)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: to_gguf.py DIRECTORY FILE.gguf")
    folder = pathlib.Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] != "llama":
        sys.exit(f"to_gguf: {config['model_type']} is not supported")
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    head_dim = (config.get("head_dim")
                or config["hidden_size"] // config["num_attention_heads"])
    base, scaling = rope_parameters(config)
    sources = {name: source for path in sorted(folder.glob("*.safetensors"))
               for name, source in read_safetensors(path).items()
               if gguf_name(name)}

    writer = gguf.GGUFWriter(sys.argv[2], "llama")
    writer.add_file_type(TYPES[sources["model.embed_tokens.weight"][0]][2])
    add_shape(writer, config, head_dim, base)
    for name, source in sources.items():
        describe(writer, gguf_name(name), *source)
    if scaling:
        divisors = rope_divisors(base, scaling, head_dim)
        describe(writer, "rope_freqs.weight", "F32", divisors)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, source in sources.items():
        writer.write_tensor_data(convert(name, *source, config))
    if scaling:
        writer.write_tensor_data(divisors)
    writer.close()


if __name__ == "__main__":
    main()
