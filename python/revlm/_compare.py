"""Verdicts on models: are they the same, related, different?"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Optional, Union, cast

from revlm import _revlm
from revlm._errors import RevUsageError
from revlm._executor import ModelPath, _environment, _references, _texts
from revlm._prompts import Focus, Strategy, System, _orchestration
from revlm._types import CompareOptions, Orchestration, VerifyTextOptions

# A prompt, and the text or the token ids of what was answered.
Answer = tuple[str, Union[str, Sequence[int]]]
VerdictName = Literal["SAME", "DERIVED", "DIFFERENT", "UNDECIDED"]
_COLUMNS = ("pair", "verdict", "risk", "reason")


class Verdict:
    """What was found of two models, `a` and `b`."""

    def __init__(self, pair: dict[str, Any]) -> None:
        self._pair = pair

    @property
    def a(self) -> str:
        return cast(str, self._pair["a"])

    @property
    def b(self) -> str:
        return cast(str, self._pair["b"])

    @property
    def verdict(self) -> VerdictName:
        return cast(VerdictName, self._pair["verdict"])

    @property
    def reason(self) -> str:
        return cast(str, self._pair["reason"])

    @property
    def missing(self) -> str:
        """What would decide it; empty when it is decided."""
        return cast(str, self._pair["missing"])

    @property
    def risk(self) -> float:
        """The probability that the verdict is wrong, at most. 0: it is exact,
        or UNDECIDED, which claims nothing."""
        return cast(float, self._pair["error_bound"])

    @property
    def divergence(self) -> Optional[float]:
        """KL(a||b) on the prompts, in nats a token; None when the models were
        not asked or cannot be asked the same."""
        behaviour = self._pair["behaviour"]
        if not behaviour or not behaviour["num_prompts"]:
            return None
        return cast(float, behaviour["divergence"]["nats"])

    @property
    def checks(self) -> dict[str, Any]:
        """What it rests on: `weights`, `behaviour` and `texts`, each None where
        it was not compared (docs/formats/comparison.md)."""
        return {name: self._pair[name]
                for name in ("weights", "behaviour", "texts")}

    def to_json(self) -> str:
        return json.dumps(self._pair)

    def __repr__(self) -> str:
        return f"<{self.a} ~ {self.b}: {self.verdict}, {self.reason}>"


class Comparison:
    """Verdicts on the pairs of some models: the first with the second, third,
    ..., then the second with the third, ..."""

    def __init__(self, document: str) -> None:
        self._document: dict[str, Any] = json.loads(document)
        self.pairs = [Verdict(pair) for pair in self._document["pairs"]]

    @property
    def verdict(self) -> VerdictName:
        """The worst of the pairs': DIFFERENT, UNDECIDED, DERIVED, SAME."""
        return cast(VerdictName, self._document["verdict"])

    @property
    def models(self) -> list[str]:
        return [model["alias"] for model in self._document["models"]]

    @property
    def run_dir(self) -> str:
        """Where the evidence is kept."""
        return cast(str, self._document["run_dir"])

    def to_json(self) -> str:
        return json.dumps(self._document)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.pairs))

    def _repr_html_(self) -> str:
        rows = [(f"{pair.a} ~ {pair.b}", pair.verdict, f"{pair.risk:g}",
                 pair.reason) for pair in self.pairs]
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            + "</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>"


def compare(models: Iterable[ModelPath], *,
            prompts: Optional[Iterable[str]] = None,
            challenges: int = 50,
            seed: int = 0,
            orchestrate: bool = False,
            systems: Optional[Iterable[System]] = None,
            strategy: Strategy = "balanced",
            focus: Focus = "balanced",
            epsilon: float = 1e-3,
            alpha: float = 0.01,
            memory_limit_gb: Optional[float] = None,
            output_dir: Optional[ModelPath] = None) -> Comparison:
    """Compares local models in pairs, as `revlm compare`.

    They are asked `prompts`, or `challenges` of them made from `seed`; 0: only
    weights are compared. `orchestrate`, or naming `systems`: ask in rounds, the
    next prompts chosen by what the ones before told apart, at most `challenges`,
    until behaviour is decided; with the `systems` (None: all), `strategy` and
    `focus` of `make_prompts`. `epsilon`: a divergence that counts as none, in nats a
    token. `alpha`: how often a verdict may be wrong, for each pair.
    """
    return Comparison(_revlm.compare(_options(
        models, prompts, challenges if prompts is None else None, seed=seed,
        epsilon=epsilon, alpha=alpha, memory_limit_gb=memory_limit_gb,
        output_dir=output_dir,
        orchestration=(_orchestration(systems, strategy, focus)
                       if orchestrate or systems is not None else None))))


def _options(models: Iterable[ModelPath], prompts: Optional[Iterable[str]],
             challenges: Optional[int], *,
             seed: int = 0,
             epsilon: float = 1e-3,
             alpha: float = 0.01,
             memory_limit_gb: Optional[float] = None,
             output_dir: Optional[ModelPath] = None,
             orchestration: Optional[Orchestration] = None) -> CompareOptions:
    return {
        "models": _references(models),
        "prompts": _texts(prompts) if prompts is not None else [],
        "challenges": challenges,
        "orchestration": orchestration,
        "seed": seed,
        "epsilon": epsilon,
        "alpha": alpha,
        "memory_limit_gb": memory_limit_gb,
        "output_dir": os.fsencode(output_dir or ""),
        "environment": _environment(),
    }


def verify(target: ModelPath, against: ModelPath, *,
           answers: Union[ModelPath, Iterable[Answer], None] = None,
           text_only: bool = False,
           alternatives: Iterable[ModelPath] = (),
           max_tokens: Optional[int] = None,
           temperature: Optional[float] = None,
           top_k: Optional[int] = None,
           top_p: Optional[float] = None,
           own_answers: Optional[int] = None,
           **options: Any) -> Verdict:
    """Whether `target` is the model `against`, as `revlm verify`. `options` are
    the keywords of `compare`.

    With `answers`, these are all that is known of the target, and `target` is
    only its name: a file or the directory of a run, as `--answers`, or pairs of
    a prompt and an answer, text or token ids of `against`, with the one that
    ended it. `text_only`: the target is asked here, or its run is read, and
    nothing is looked at but the text of what it answers. For both:
    `alternatives`, models that it may be besides `against` quantised;
    `max_tokens`, `temperature`, `top_k` and `top_p`, how it was or is asked;
    `own_answers` of `against` to each prompt (8).
    """
    path = answers if isinstance(answers, (str, bytes, os.PathLike)) else None
    if answers is None and not text_only:
        asked = (max_tokens, temperature, top_k, top_p, own_answers)
        if any(value is not None for value in asked) or list(alternatives):
            raise RevUsageError("verify: alternatives, max_tokens, temperature, "
                                "top_k, top_p and own_answers are for texts; "
                                "give answers or text_only=True")
        return compare([against, target], **options).pairs[0]
    prompts = options.pop("prompts", None)
    challenges = options.pop("challenges", None)
    text = cast(VerifyTextOptions, {
        **_options([against] if answers is not None else [against, target],
                   prompts, challenges, **options),
        "answers": os.fsencode(path or ""),
        "given": [(prompt, answer if isinstance(answer, str) else "",
                   [] if isinstance(answer, str) else list(answer))
                  for prompt, answer in cast(Iterable[Answer], answers)]
                 if answers is not None and path is None else [],
        "target": os.fsencode(target) if answers is not None else b"",
        "text_only": text_only,
        "alternatives": _references(alternatives),
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "own_answers": own_answers,
    })
    return Comparison(_revlm.verify_text(text)).pairs[0]
