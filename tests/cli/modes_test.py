"""Which prompts go to which models, and in which order they are asked."""

import json
import unittest

from revlm_process import MODEL, OTHER_MODEL, PROMPTS, ProgramTest


class ModesTest(ProgramTest):
    def operations(self, models, num_prompts, *more):
        """(model, prompt) of each line of the results, and the document."""
        flags = [f"--prompt={text}" for text in PROMPTS[:num_prompts]]
        out, err = self.revlm("run", *models, *flags, "--max-tokens", 1,
                              "--json", *more)
        document = json.loads(out)
        self.assertEqual(document["operations"]["planned"],
                         len(document["results"]))
        self.assertEqual(document["num_prompts"], num_prompts)
        return [(result["model"], PROMPTS.index(result["prompt"]))
                for result in document["results"]], document, err.decode()

    def test_each_mode_asks_exactly_what_the_guide_says(self):
        a, b, c = (f"{name}={model}" for name, model in
                   (("a", MODEL), ("b", OTHER_MODEL), ("c", MODEL)))
        cases = [
            ("cross_product", [a, b], 3, "a0 a1 a2 b0 b1 b2"),
            ("paired", [a, b], 5, "a0 b1"),
            ("paired", [a, b, c], 2, "a0 b1"),
            ("broadcast", [a, b], 3, "a0 a1 a2"),
            ("broadcast", [a, b, c], 3, "a0 a1 a2"),
            ("broadcast", [a, b, c], 2, "a0 b0 c0")]
        for mode, models, num_prompts, expected in cases:
            with self.subTest(mode=mode, models=len(models),
                              prompts=num_prompts):
                asked, document, err = self.operations(
                    models, num_prompts, "--parallel-mode", mode)
                self.assertEqual([f"{m}{p}" for m, p in asked],
                                 expected.split())
                self.assertEqual(document["mode"], mode)
                unasked = {"a", "b", "c"} - {m for m, _ in asked}
                for name, model in zip("abc", models):
                    self.assertEqual(name in unasked, model in err)
        # It is the default.
        asked, document, _ = self.operations([a, b], 2)
        self.assertEqual(len(asked), 4)
        self.assertEqual(document["mode"], "cross_product")

    def test_a_plan_counts_the_operations_of_its_mode(self):
        for mode, expected in (("cross_product", 14), ("paired", 2),
                               ("broadcast", 7)):
            out, _ = self.revlm("plan", MODEL, OTHER_MODEL, "--challenges", 7,
                                "--parallel-mode", mode, "--json")
            self.assertEqual(json.loads(out)["num_operations"], expected)
            out, _ = self.revlm("plan", MODEL, OTHER_MODEL, "--challenges", 7,
                                "--parallel-mode", mode)
            self.assertIn(f"= {expected} operations ({mode})", out.decode())

    def test_made_prompts_are_counted_and_repeatable(self):
        def texts(folder, *more):
            self.revlm("run", MODEL, "--enable-prompt-orchestration",
                       "--challenges", 100, "--max-tokens", 0, "--output-dir",
                       folder, *more)
            return [json.loads(line)["prompt"] for line in
                    self.results(folder).splitlines()]

        made = texts("d")
        self.assertEqual(len(set(made)), 100)
        self.assertEqual(texts("e"), made)
        self.assertNotEqual(texts("f", "--seed", 2), made)
        manifest = json.loads((self.folder / "d/manifest.json").read_text())
        systems = manifest["plan"]["prompt_systems"]
        self.assertIn("pot/1", [system["name"] for system in systems])
        self.assertAlmostEqual(sum(system["share"] for system in systems), 1)

    def test_a_run_goes_on_in_its_own_mode_only(self):
        run = ["run", MODEL, OTHER_MODEL, "--prompt", "Hello", "--max-tokens",
               1, "--output-dir", "d"]
        self.revlm(*run)
        _, err = self.revlm(*run, "--parallel-mode", "paired", code=2)
        self.assertIn(b'mode: "cross_product" there, "paired" asked', err)

    def test_prompts_are_asked_by_priority_and_reported_in_order(self):
        lines = [{"id": f"p{i}", "prompt": text} for i, text in
                 enumerate(PROMPTS[:6])]
        for i, priority in ((1, 2), (3, 9), (4, 2), (5, -1)):
            lines[i]["priority"] = priority
        (self.folder / "p.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines))

        def order(folder, *more):
            self.revlm("run", MODEL, "--prompts", "p.jsonl", "--max-tokens", 1,
                       "--output-dir", folder, "--no-parallel", *more)
            ids = {json.loads(line)["key"]: json.loads(line)["id"] for line in
                   self.results(folder).splitlines()}
            self.assertEqual(list(ids.values()), [f"p{i}" for i in range(6)])
            return [ids[key] for key in self.journal_keys(folder)]

        self.assertEqual(order("d"), ["p3", "p1", "p4", "p0", "p2", "p5"])
        self.assertEqual(order("e", "--parallel-priority", 5),
                         ["p3", "p0", "p2", "p1", "p4", "p5"])

    def test_the_model_with_the_most_urgent_prompt_goes_first(self):
        lines = [{"prompt": PROMPTS[0]}, {"prompt": PROMPTS[1], "priority": 1}]
        (self.folder / "p.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines))
        self.revlm("run", f"a={MODEL}", f"b={OTHER_MODEL}", "--prompts",
                   "p.jsonl", "--parallel-mode", "paired", "--max-tokens", 1,
                   "--output-dir", "d")
        results = [json.loads(line) for line in self.results("d").splitlines()]
        self.assertEqual([r["model"] for r in results], ["a", "b"])
        self.assertEqual(self.journal_keys("d"),
                         [results[1]["key"], results[0]["key"]])

    def test_what_cannot_be_meant_is_refused(self):
        for flags in (["--parallel-mode", "sideways"],
                      ["--parallel-batch-size", 0],
                      ["--parallel", "--no-parallel"],
                      ["--no-parallel", "--parallel-batch-size", 2]):
            self.revlm("run", MODEL, "--prompt", "Hello", *flags, code=2)

    def test_without_resident_every_pass_reads_the_weights(self):
        run = ["run", MODEL, "--prompt", "Hello", "--max-tokens", 2, "-v"]
        _, err = self.revlm(*run)
        self.assertIn(b"2 of 2 slabs stay in memory", err)
        _, err = self.revlm(*run, "--no-resident")
        self.assertIn(b"; 0 of ", err)


if __name__ == "__main__":
    unittest.main()
