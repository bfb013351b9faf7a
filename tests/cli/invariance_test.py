"""A line of results.jsonl does not depend on how the run was done.

Run natively and with oneDNN held to older instruction sets.
"""

import json
import unittest

from revlm_process import MODEL, PROMPTS, ProgramTest


class InvarianceTest(ProgramTest):
    def test_a_line_is_the_same_in_any_order_company_and_way(self):
        prompts = PROMPTS[:6] + [PROMPTS[0]] * 2
        arguments = ["--max-tokens", 6, "--temperature", 0.9, "--top-k", 50,
                     "--logprobs", 3]

        def run(folder, texts, *more):
            flags = [f"--prompt={text}" for text in texts]
            self.revlm("run", MODEL, *flags, *arguments, "--output-dir", folder,
                       *more)
            return self.lines(folder)

        expected = run("together", prompts)
        self.assertEqual(len(set(expected)), len(prompts))
        self.assertEqual(run("reversed", prompts[::-1]), expected)
        for threads in (1, 2, 8):
            self.assertEqual(
                run(f"threads-{threads}", prompts, "--threads", threads),
                expected)
        flags = [f"--prompt={text}" for text in prompts]
        self.assertEqual(
            run("streamed", prompts, *self.tight(MODEL, *flags, *arguments)),
            expected)
        for i, ways in enumerate((
                ["--parallel-batch-size", 1], ["--parallel-batch-size", 3],
                ["--no-parallel"], ["--no-resident"],
                ["--no-parallel", "--no-resident"],
                ["--parallel", "--parallel-priority", 7],
                ["--parallel-adaptive", "--adaptation-interval", 1])):
            self.assertEqual(run(f"way-{i}", prompts, *ways), expected, ways)
        alone = []
        for i, text in enumerate(PROMPTS[:6]):
            alone += run(f"alone-{i}", [text])
        self.assertLessEqual(set(alone), set(expected))
        self.assertEqual(len(alone), 6)

    def test_results_keep_the_order_of_the_input(self):
        self.revlm("run", MODEL, *[f"--prompt={p}" for p in PROMPTS[:5]],
                   "--max-tokens", 1, "--output-dir", "d")
        found = [json.loads(line)["prompt"]
                 for line in self.results("d").splitlines()]
        self.assertEqual(found, PROMPTS[:5])


if __name__ == "__main__":
    unittest.main()
