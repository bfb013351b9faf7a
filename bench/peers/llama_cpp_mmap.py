"""The peer that maps: llama.cpp, whose weights are pages of the file.

  llama_cpp_mmap.py MODEL.gguf --prompts FILE --max-tokens N --batch B
      [--threads T] [--n-batch TOKENS] [--n-ubatch TOKENS] [--kv-unified]
      [--resident]

MODEL.gguf is made by to_gguf.py. The kernel drops and rereads pages as memory
demands. With --resident the weights are read into memory of the process
instead. All B prompts are sequences of one context: each call of llama_decode
takes up to --n-batch tokens of them, each pass over the weights --n-ubatch.
"""

import peer

peer.require("llama_cpp", "numpy")

import llama_cpp
import numpy as np

DEFAULTS = llama_cpp.llama_context_default_params()
MAX_SEQUENCES = llama_cpp.llama_max_parallel_sequences()


@llama_cpp.llama_log_callback
def ignore(level, text, data):
    pass


class Model:
    def __init__(self, options, prompts):
        llama_cpp.llama_log_set(ignore, None)
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.load_mode = (llama_cpp.LLAMA_LOAD_MODE_NONE if options.resident
                            else llama_cpp.LLAMA_LOAD_MODE_MMAP)
        self.model = llama_cpp.llama_model_load_from_file(
            str(options.model).encode(), params)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {options.model}")
        self.num_tokens = llama_cpp.llama_vocab_n_tokens(
            llama_cpp.llama_model_get_vocab(self.model))
        params = self.context_params(options, prompts)
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit("llama.cpp cannot make its context")
        self.n_batch = params.n_batch
        self.batch = llama_cpp.llama_batch_init(self.n_batch, 0, 1)

    def context_params(self, options, prompts):
        """No larger than needed: outputs and cells are memory."""
        width = max(map(len, prompts)) + options.max_tokens
        num_sequences = min(options.batch, len(prompts))
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = width * num_sequences
        params.n_batch = max(min(options.n_batch, params.n_ctx), num_sequences)
        params.n_ubatch = min(options.n_ubatch, params.n_batch)
        params.n_seq_max = num_sequences
        params.n_outputs_max = num_sequences
        params.n_threads = params.n_threads_batch = options.threads
        params.kv_unified = options.kv_unified
        return params

    def prefill(self, prompts):
        llama_cpp.llama_memory_clear(
            llama_cpp.llama_get_memory(self.context), True)
        self.lengths = [len(prompt) for prompt in prompts]
        return self.forward([
            (token, position, sequence, position == len(prompt) - 1)
            for sequence, prompt in enumerate(prompts)
            for position, token in enumerate(prompt)])

    def decode(self, tokens):
        rows = [(token, self.lengths[sequence], sequence, True)
                for sequence, token in enumerate(tokens)]
        self.lengths = [length + 1 for length in self.lengths]
        return self.forward(rows)

    def forward(self, rows):
        """The most likely token after each row that is marked, by sequence.
        Only these get logits."""
        answers = {}
        for first in range(0, len(rows), self.n_batch):
            some = rows[first:first + self.n_batch]
            self.fill(some)
            if llama_cpp.llama_decode(self.context, self.batch):
                raise SystemExit("llama_decode failed")
            for index, (_, _, sequence, wanted) in enumerate(some):
                if wanted:
                    answers[sequence] = self.most_likely(index)
        return [answers[sequence] for sequence in sorted(answers)]

    def fill(self, rows):
        self.batch.n_tokens = len(rows)
        for index, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[index] = token
            self.batch.pos[index] = position
            self.batch.n_seq_id[index] = 1
            self.batch.seq_id[index][0] = sequence
            self.batch.logits[index] = wanted

    def most_likely(self, index):
        logits = llama_cpp.llama_get_logits_ith(self.context, index)
        return int(np.ctypeslib.as_array(logits, (self.num_tokens,)).argmax())


def main():
    parser = peer.parser("llama.cpp with the weights mapped from the file")
    for name in ("n_batch", "n_ubatch"):
        parser.add_argument("--" + name.replace("_", "-"), type=int,
                            default=getattr(DEFAULTS, name), metavar="TOKENS",
                            help="default: %(default)s")
    parser.add_argument("--kv-unified", action="store_true",
                        help="one pool of cells for all sequences: smaller, "
                        "but everyone attends across all of it; by default "
                        "each has a multiple of 256")
    parser.add_argument("--resident", action="store_true",
                        help="read the weights into memory instead")
    options = parser.parse_args()
    if options.batch > MAX_SEQUENCES:
        parser.error(f"llama.cpp has at most {MAX_SEQUENCES} sequences")
    peer.run("llama_cpp_resident" if options.resident else "llama_cpp_mmap",
             f"llama-cpp-python {llama_cpp.__version__}", options, Model)


if __name__ == "__main__":
    main()
