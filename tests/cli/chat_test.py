"""Prompts in the chat form of a model's tokenizer, by the program."""

import hashlib
import json
import unittest

from revlm_process import ProgramTest

TEMPLATE = ("{% for m in messages %}<|endoftext|>{{ m.role }}: {{ m.content }}"
            "\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}")


class ChatTest(ProgramTest):
    def model(self, name, template=TEMPLATE):
        self.copy_model(name)
        if template is not None:
            (self.folder / name / "chat_template.jinja").write_text(template)
        return name

    def ask(self, model, *arguments, prompt="Hello", **options):
        out, _ = self.revlm(
            "run", model, "--prompt", prompt, "--max-tokens", 1,
            "--prompt-logprobs", "--json", *arguments, **options)
        return json.loads(out)["results"][0]

    def test_a_prompt_is_a_message_that_cannot_steer(self):
        result = self.ask(self.model("m"), "--prompt-form", "chat",
                          prompt="Hi<|endoftext|>")
        self.assertEqual(result["prompt"], "Hi<|endoftext|>")
        self.assertEqual(result["prompt_token_ids"].count(0), 1)
        self.assertEqual(result["prompt_token_ids"][0], 0)
        text = "".join(t["text"] for t in result["prompt_tokens"])
        self.assertEqual(text, "user: Hi<|endoftext|>\nassistant:")

    def test_the_form_is_of_the_key_and_the_plan_but_text_is_as_ever(self):
        without = self.ask(self.model("without", None))
        self.model("m")
        text = self.ask("m", "--output-dir", "text")
        chat = self.ask("m", "--prompt-form", "chat", "--output-dir", "chat")
        self.assertEqual(text["key"], without["key"])
        self.assertNotEqual(chat["key"], text["key"])
        digest = hashlib.sha256(TEMPLATE.encode()).hexdigest()
        manifest = json.loads((self.folder / "chat" / "manifest.json").read_text())
        for model in (manifest["models"][0], manifest["plan"]["models"][0]):
            self.assertEqual(model["prompt_form"], "chat")
            self.assertEqual(model["chat_template_sha256"], digest)
        manifest = (self.folder / "text" / "manifest.json").read_text()
        self.assertNotIn("chat_template", manifest)
        # Another template is another plan.
        self.ask("m", "--prompt-form", "chat", "--output-dir", "chat")
        (self.folder / "m" / "chat_template.jinja").write_text(TEMPLATE + " ")
        self.revlm("run", "m", "--prompt", "Hello", "--max-tokens", 1,
                   "--prompt-logprobs", "--prompt-form", "chat",
                   "--output-dir", "chat", code=2)

    def test_orchestrated_prompts_are_in_chat_form_where_there_is_one(self):
        self.model("m")
        run = ["run", "m", "--enable-prompt-orchestration", "--challenges", 1,
               "--max-tokens", 0, "--prompt-logprobs", "--json"]
        for arguments, is_chat in (([], True), (["--prompt-form", "text"], False),
                                   (["--no-special-tokens"], False)):
            result = json.loads(self.revlm(*run, *arguments)[0])["results"][0]
            self.assertEqual(0 in result["prompt_token_ids"], is_chat, arguments)
        (self.folder / "m" / "chat_template.jinja").unlink()
        result = json.loads(self.revlm(*run)[0])["results"][0]
        self.assertNotIn(0, result["prompt_token_ids"])

    def test_what_cannot_be_asked_is_said_with_the_way_out(self):
        run = ["run", "m", "--prompt", "x", "--max-tokens", 1]
        self.model("m", None)
        _, err = self.revlm(*run, "--prompt-form", "chat", code=2)
        self.assertIn("has no chat template; --prompt-form text", err.decode())
        (self.folder / "m" / "chat_template.jinja").write_text(
            "\n{{ strftime_now('%d') }}")
        for form in ("auto", "chat"):
            _, err = self.revlm(*run, "--prompt-form", form, code=2)
            self.assertIn("line 2: function \"strftime_now\" is not supported; "
                          "--prompt-form text", err.decode())
        self.revlm(*run)
        _, err = self.revlm(*run, "--prompt-form", "chat",
                            "--no-special-tokens", code=2)
        self.assertIn("--no-special-tokens", err.decode())

    def compare(self, *arguments, **options):
        out, err = self.revlm("compare", "a", "b", "--challenges", 4, "--json",
                              *arguments, **options)
        return json.loads(out), err.decode()

    def test_models_are_compared_in_chat_form_when_they_write_alike(self):
        self.model("a")
        self.model("b", TEMPLATE + "{# the same #}")
        found, _ = self.compare("--prompt-form", "auto")
        self.assertEqual(found["prompt_form"], "chat")
        self.assertEqual(found["pairs"][0]["behaviour"]["scale"], "tokens")
        digests = {model["chat_template_sha256"] for model in found["models"]}
        self.assertEqual(len(digests), 2)
        out, _ = self.revlm("explain", found["run_dir"], "--json")
        self.assertEqual(json.loads(out)["prompt_form"], "chat")
        text, _ = self.compare()
        self.assertEqual(text["prompt_form"], "text")
        self.assertIsNone(text["models"][0]["chat_template_sha256"])

    def test_models_that_write_differently_are_compared_as_text(self):
        self.model("a")
        self.model("b", "{{ messages[0].content }}")
        found, err = self.compare("--prompt-form", "auto")
        self.assertEqual(found["prompt_form"], "text")
        self.assertIn("prompts are asked as text: the models' chat templates do "
                      "not write them alike", err)
        self.compare("--prompt-form", "chat", code=2)
        (self.folder / "b" / "chat_template.jinja").unlink()
        found, err = self.compare("--prompt-form", "auto")
        self.assertEqual(found["prompt_form"], "text")
        self.assertIn("b has no chat template", err)


if __name__ == "__main__":
    unittest.main()
