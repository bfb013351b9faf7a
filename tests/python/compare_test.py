"""Verdicts from Python."""

import json
import shutil
import unittest

import revlm
from package import MODEL, OTHER_MODEL, PackageTest


class CompareTest(PackageTest):
    def test_a_copy_is_the_same(self):
        shutil.copytree(MODEL, "copy")
        found = revlm.compare([MODEL, "copy"], challenges=5, output_dir="d")
        self.assertEqual(found.verdict, "SAME")
        self.assertEqual(found.models, ["aster-s0", "copy"])
        self.assertEqual(found.run_dir, "d")
        pair, = found.pairs
        self.assertEqual((pair.a, pair.b, pair.risk), ("aster-s0", "copy", 0))
        self.assertEqual(pair.divergence, 0)
        self.assertEqual(pair.missing, "")
        self.assertEqual(pair.checks["weights"]["relation"], "same")
        document = json.loads(found.to_json())
        self.assertEqual(document["schema"], "revlm.compare/1")
        self.assertEqual(document["pairs"][0], json.loads(pair.to_json()))
        self.assertIn("SAME", repr(found))
        self.assertIn("<td>SAME</td>", found._repr_html_())

    def test_verify_is_one_pair(self):
        verdict = revlm.verify(OTHER_MODEL, MODEL, challenges=20)
        self.assertEqual((verdict.a, verdict.b),
                         ("aster-s0", "aster-s0-ft-quotes"))
        self.assertEqual(verdict.checks["behaviour"]["closeness"], "different")
        self.assertGreater(verdict.divergence, 0.01)

    def test_verify_by_texts(self):
        few = {"max_tokens": 8, "own_answers": 1}
        verdict = revlm.verify(MODEL, MODEL, text_only=True, challenges=8,
                               **few)
        self.assertEqual(verdict.verdict, "UNDECIDED")
        self.assertEqual(verdict.checks["texts"]["reading"], "compared")
        self.assertIsNone(verdict.divergence)
        given = [("The king", " of all"), ("One day", " he came")]
        verdict = revlm.verify("their-api", MODEL, answers=given, **few)
        self.assertEqual((verdict.a, verdict.b), ("aster-s0", "their-api"))
        self.assertEqual(verdict.checks["texts"]["num_requests"], 2)
        verdict = revlm.verify("ids", MODEL, answers=[("The", [5, 6, 0])],
                               **few)
        self.assertEqual(verdict.checks["texts"]["reading"], "drawn_tokens")
        with open("a.jsonl", "w", encoding="utf-8") as lines:
            lines.write('{"prompt": "The", "answer": " king"}\n')
        verdict = revlm.verify("named", MODEL, answers="a.jsonl", **few)
        self.assertEqual(verdict.checks["texts"]["num_requests"], 1)
        for bad in ({"max_tokens": 3}, {"answers": given}, {"own_answers": 2},
                    {"answers": given, "challenges": 7, **few},
                    {"answers": [("The", [5, 6])], **few},
                    {"text_only": True, "temperature": 0}):
            with self.assertRaises(revlm.RevUsageError, msg=str(bad)):
                revlm.verify(MODEL, MODEL, **bad)

    def test_prompts_of_ones_own(self):
        found = revlm.compare([MODEL, OTHER_MODEL], prompts=["one", "two"])
        behaviour = found.pairs[0].checks["behaviour"]
        self.assertEqual(behaviour["num_prompts"], 2)

    def test_rounds_end_when_behaviour_is_decided(self):
        found = revlm.compare([MODEL, OTHER_MODEL], orchestrate=True,
                              challenges=300, output_dir="d")
        document = json.loads(found.to_json())
        rounds = document["adaptive"]["rounds"]
        self.assertEqual(rounds[-1]["num_undecided"], 0)
        self.assertLess(document["num_prompts"], 300)
        found = revlm.compare([MODEL, OTHER_MODEL], systems=["pot"],
                              challenges=8, output_dir="e")
        self.assertEqual(json.loads(found.to_json())["prompt_source"], "pot/1")

    def test_prompts_are_made_from_a_seed(self):
        made = revlm.make_prompts(20, seed=3)
        self.assertEqual(len({prompt["prompt"] for prompt in made}), 20)
        self.assertEqual(revlm.make_prompts(8, seed=3), made[:8])
        self.assertEqual(len(revlm.make_prompts()), 10)
        pot = revlm.make_prompts(5, systems=["pot"], strategy="adversarial",
                                 focus="coverage")
        self.assertEqual({prompt["system"] for prompt in pot}, {"pot/1"})
        for bad in ({"challenges": 0}, {"challenges": "5"}, {"seed": -1},
                    {"systems": ["pod"]}, {"systems": "pot"},
                    {"strategy": "sideways"}, {"focus": "sideways"}):
            with self.assertRaises(revlm.RevUsageError, msg=str(bad)):
                revlm.make_prompts(**bad)

    def test_what_cannot_be_meant_is_refused(self):
        for models in ([MODEL], [MODEL, "nowhere"], [MODEL, "http://h:1/v1#m"]):
            with self.assertRaises(revlm.RevUsageError):
                revlm.compare(models)
        for bad in ({"alpha": 0}, {"epsilon": 1}, {"challenges": -1},
                    {"challenges": "5"}, {"memory_limit_gb": 0},
                    {"systems": ["pod"]}, {"orchestrate": True, "focus": ""}):
            with self.assertRaises(revlm.RevUsageError, msg=str(bad)):
                revlm.compare([MODEL, OTHER_MODEL], **bad)
        with self.assertRaises(revlm.RevMemoryError):
            revlm.compare([MODEL, OTHER_MODEL], memory_limit_gb=0.001)


if __name__ == "__main__":
    unittest.main()
