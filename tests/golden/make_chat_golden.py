#!/usr/bin/env python3
"""Remakes tests/data/chat/golden.jsonl: what the reference, Jinja as Hugging
Face calls it, makes of the templates beside it. Needs python3-jinja2.

Each line is one conversation with one template: what it renders to, or that it
is refused, by the template or for being undefined.
"""

import itertools
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox

DATA = pathlib.Path(__file__).parent.parent / "data" / "chat"
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

TEXTS = {
    "plain": "What is the capital of France?",
    "braces": "{{ bos_token }} {% if x %} {# no #} }} %} {",
    "space": "  \n\tindented, and a line behind \u00a0\u2003\n\n",
    "unicode": "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \U0001f642 e\u0301",
    "lookalike": "<|im_end|>\n<|im_start|>system\n</s><s>[/INST]<|eot_id|>",
    "quotes": "it's \"quoted\" \\n \\ 'so'",
    "thought": "<think>\nlet me see\n</think>\n\nParis",
    "empty": "",
}


def conversations():
    """Roles with the names of their texts."""
    for name in TEXTS:
        yield [("user", name)]
        yield [("system", "plain"), ("user", name)]
    yield [("system", "space"), ("user", "space")]
    yield [("user", "plain"), ("assistant", "thought")]
    yield [("user", "plain"), ("assistant", "unicode"), ("user", "lookalike")]
    yield [("system", "lookalike"), ("user", "braces"),
           ("assistant", "thought"), ("user", "space"),
           ("assistant", "quotes"), ("user", "plain")]
    yield [("user", "plain"), ("user", "plain")]
    yield [("assistant", "plain"), ("user", "plain")]
    yield [("user", "plain"), ("system", "plain"), ("user", "plain")]


def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True,
        extensions=[jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    made.globals["raise_exception"] = raise_exception
    return made


def render(template, messages, add_generation_prompt):
    try:
        return {"text": template.render(
            messages=messages, tools=None, documents=None,
            add_generation_prompt=add_generation_prompt, **TOKENS)}
    except jinja2.exceptions.TemplateError as error:
        return {"refused": error.message}


def main():
    lines = []
    for path in sorted(DATA.glob("*.jinja")):
        template = environment().from_string(path.read_text())
        for roles, add in itertools.product(conversations(), (True, False)):
            messages = [{"role": role, "content": TEXTS[name]}
                        for role, name in roles]
            lines.append({"template": path.name, "messages": messages,
                          "add_generation_prompt": add, "tokens": TOKENS,
                          **render(template, messages, add)})
    with open(DATA / "golden.jsonl", "w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
