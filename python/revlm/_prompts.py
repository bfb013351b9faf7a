"""Prompts that are made from a seed, by several systems."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal, Optional, TypedDict, cast

from revlm import _revlm
from revlm._errors import RevUsageError
from revlm._types import Orchestration

System = Literal["pot", "kdf", "evolutionary", "dynamic", "hierarchical"]
Strategy = Literal["balanced", "adversarial", "behavioral", "comprehensive"]
Focus = Literal["coverage", "separation", "balanced"]


class Prompt(TypedDict):
    """A prompt, and how and why it was made."""

    id: str
    prompt: str
    system: str
    parameters: dict[str, str]
    rationale: str


def _orchestration(systems: Optional[Iterable[System]], strategy: Strategy,
                   focus: Focus) -> Orchestration:
    if isinstance(systems, (str, bytes)):
        raise RevUsageError("systems: found one name, allowed is a list of "
                            "them; put it in brackets")
    return {"systems": list(systems or []), "strategy": strategy,
            "focus": focus}


def make_prompts(challenges: int = 10, *, seed: int = 0,
                 systems: Optional[Iterable[System]] = None,
                 strategy: Strategy = "balanced",
                 focus: Focus = "balanced") -> list[Prompt]:
    """Exactly `challenges` prompts, all different, as `revlm prompts` shows
    them. `systems`: only these make them; None: all. `strategy` says how many
    each; `focus` matters only where prompts are chosen by what others told."""
    made = json.loads(_revlm.make_prompts(
        challenges, seed, _orchestration(systems, strategy, focus)))
    return cast("list[Prompt]", made["prompts"])
