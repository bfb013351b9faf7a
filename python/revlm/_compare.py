"""Verdicts on models: are they the same, related, different?"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from typing import Any, Literal, Optional, cast

from revlm import _revlm
from revlm._executor import ModelPath, _environment, _references, _texts
from revlm._types import CompareOptions

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
        """What it rests on: `weights` and `behaviour`, each None where it was
        not compared (docs/formats/comparison.md)."""
        return {name: self._pair[name] for name in ("weights", "behaviour")}

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
            epsilon: float = 1e-3,
            alpha: float = 0.01,
            memory_limit_gb: Optional[float] = None,
            output_dir: Optional[ModelPath] = None) -> Comparison:
    """Compares local models in pairs, as `revlm compare`.

    They are asked `prompts`, or `challenges` of them made from `seed`; 0: only
    weights are compared. `epsilon`: a divergence that counts as none, in nats a
    token. `alpha`: how often a verdict may be wrong, for each pair.
    """
    options: CompareOptions = {
        "models": _references(models),
        "prompts": _texts(prompts) if prompts is not None else [],
        "challenges": challenges if prompts is None else None,
        "seed": seed,
        "epsilon": epsilon,
        "alpha": alpha,
        "memory_limit_gb": memory_limit_gb,
        "output_dir": os.fsencode(output_dir or ""),
        "environment": _environment(),
    }
    return Comparison(_revlm.compare(options))


def verify(target: ModelPath, against: ModelPath, **options: Any) -> Verdict:
    """Whether `target` is the model `against`, as `revlm verify`. `options` are
    the keywords of `compare`."""
    return compare([against, target], **options).pairs[0]
