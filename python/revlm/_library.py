"""References: which known model does this one come from?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, Optional, cast

from revlm import _revlm
from revlm._executor import ModelPath, _environment
from revlm._types import EnrollOptions, IdentifyOptions


class Identification:
    """The reference that a model comes from, or that none is known."""

    def __init__(self, document: str) -> None:
        self._document: dict[str, Any] = json.loads(document)

    @property
    def match(self) -> Optional[str]:
        """The reference's name; None: unknown, which is not "different"."""
        return cast(Optional[str], self._of_match("name"))

    @property
    def family(self) -> Optional[str]:
        return cast(Optional[str], self._of_match("family"))

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """All references, best first (docs/formats/command-output.md)."""
        return cast(list[dict[str, Any]], self._document["candidates"])

    @property
    def risk(self) -> float:
        """How often a model that was trained independently of all references is
        matched with any, at most."""
        return cast(float, self._document["alpha"])

    def to_json(self) -> str:
        return json.dumps(self._document)

    def __repr__(self) -> str:
        return f"<{self.match or 'unknown'}, of {len(self.candidates)} references>"

    def _of_match(self, name: str) -> Any:
        match = self._document["match"]
        return match[name] if match else None


class Library:
    """Fingerprints of models, kept in one file: `path`, or where the program
    keeps them (library.sqlite in $XDG_DATA_HOME/revlm).

    Calls raise what `revlm` does elsewhere; models run in this process, within
    `memory_limit_gb`. Ctrl-C stops them.
    """

    def __init__(self, path: Optional[ModelPath] = None) -> None:
        self.path = os.fspath(path) if path is not None else _usual_path()

    def enroll(self, model: ModelPath, *,
               name: str = "",
               family: str = "",
               replace: bool = False,
               output_file: ModelPath = "",
               memory_limit_gb: Optional[float] = None) -> dict[str, Any]:
        """Keeps the fingerprint of `model` as a reference, as `revlm enroll`,
        and returns what is known of it. Without a `name`, the model's; without
        a `family`, that of the reference it replaces, or comes from, or its
        own."""
        options: EnrollOptions = {
            "target": os.fsencode(model),
            "library": os.fsencode(self.path),
            "name": name,
            "family": family,
            "replace": replace,
            "output_file": os.fsencode(output_file),
            "memory_limit_gb": memory_limit_gb,
            "environment": _environment(),
        }
        return cast(dict[str, Any], json.loads(_revlm.enroll(options)))

    def identify(self, target: ModelPath, *,
                 light: bool = False,
                 alpha: float = 1e-4,
                 exclude: Iterable[str] = (),
                 keep_sighting: bool = True,
                 memory_limit_gb: Optional[float] = None) -> Identification:
        """The reference that `target` comes from, as `revlm identify`. `light`:
        by an eighth of its layers, without running it. `alpha`: how often an
        independent model is matched, at most. `exclude`: references left out."""
        options: IdentifyOptions = {
            "target": os.fsencode(target),
            "library": os.fsencode(self.path),
            "light": light,
            "alpha": alpha,
            "exclude": list(exclude),
            "keep_sighting": keep_sighting,
            "memory_limit_gb": memory_limit_gb,
            "environment": _environment(),
        }
        return Identification(_revlm.identify(options))

    @property
    def references(self) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], self._list()["references"])

    @property
    def sightings(self) -> list[dict[str, Any]]:
        """What was identified, the newest first."""
        return cast(list[dict[str, Any]], self._list()["sightings"])

    def __repr__(self) -> str:
        return f"Library({self.path!r})"

    def _list(self) -> dict[str, Any]:
        return cast(dict[str, Any],
                    json.loads(_revlm.list_library(os.fsencode(self.path))))


def _usual_path() -> str:
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser(
        "~/.local/share")
    return os.path.join(data, "revlm", "library.sqlite")
