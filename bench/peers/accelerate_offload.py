"""The peer that streams: transformers with accelerate's offload to disk.

  accelerate_offload.py MODEL --prompts FILE --max-tokens N --batch B
      [--threads T] [--resident]

Every weight stays in the checkpoint's own safetensors file; accelerate's hooks
bring those of one module in before it runs and drop them after. No second copy
is written, and the whole model is never loaded. With --resident all of it is
read into memory of the process, once, and nothing is offloaded.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # models are directories

import peer

peer.require("torch", "transformers", "accelerate")

import accelerate
import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache


class Model:
    def __init__(self, options):
        torch.set_num_threads(options.threads)
        self.model = AutoModelForCausalLM.from_pretrained(
            options.model, dtype=torch.bfloat16, local_files_only=True,
            device_map={"": "cpu" if options.resident else "disk"})
        self.model.eval()
        check_placement(self.model, options)
        if options.resident:  # so far they are pages of the file, unread
            for weight in self.model.parameters():
                weight.data = weight.data.clone()

    def prefill(self, prompts):
        """Shorter prompts are padded at the left and masked."""
        width = max(map(len, prompts))
        ids = torch.zeros(len(prompts), width, dtype=torch.long)
        self.mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt):] = torch.tensor(prompt)
            self.mask[row, width - len(prompt):] = 1
        self.cache = DynamicCache(config=self.model.config)
        return self.forward(ids, (self.mask.cumsum(1) - 1).clamp(min=0))

    def decode(self, tokens):
        positions = self.mask.sum(1, keepdim=True)
        self.mask = torch.cat(
            [self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        return self.forward(torch.tensor(tokens)[:, None], positions)

    @torch.inference_mode()
    def forward(self, ids, positions):
        # The head runs on the last row only.
        logits = self.model(
            input_ids=ids, attention_mask=self.mask, position_ids=positions,
            cache=self.cache, use_cache=True,
            logits_to_keep=1).logits
        return logits[:, -1].argmax(-1).tolist()


def check_placement(model, options):
    """Offload is what is measured: a library that quietly kept weights in
    memory, or wrote a copy, must not pass for it."""
    kept = [name for name, weight in model.named_parameters()
            if weight.device.type != "meta"]
    if options.resident == (len(kept) == 0):
        raise SystemExit(f"weights in memory: {kept[:3]}, expected "
                         f"{'all' if options.resident else 'none'}")


def main():
    parser = peer.parser("transformers with accelerate's offload to disk")
    parser.add_argument("--resident", action="store_true",
                        help="load everything, offload nothing")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    peer.run(
        "transformers" if options.resident else "accelerate_offload",
        f"transformers {transformers.__version__}, "
        f"accelerate {accelerate.__version__}, torch {torch.__version__}",
        options, lambda options, _: Model(options))


if __name__ == "__main__":
    main()
