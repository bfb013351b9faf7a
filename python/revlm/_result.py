"""One operation: what a prompt on a model came to."""

from __future__ import annotations

from typing import Any, Optional


class Result(dict[str, Any]):
    """A dict with the members below, which are also attributes. A failed
    operation is a Result with `success` False and its `error`."""

    __slots__ = ()

    @property
    def model(self) -> str:
        """The model, as it was given."""
        return str(self["model"])

    @property
    def prompt(self) -> str:
        return str(self["prompt"])

    @property
    def response(self) -> str:
        """The new tokens as text; empty when it failed."""
        return str(self["response"])

    @property
    def success(self) -> bool:
        return bool(self["success"])

    @property
    def error(self) -> Optional[str]:
        """Why it failed; None when it did not."""
        error: Optional[str] = self["error"]
        return error

    @property
    def attempts(self) -> int:
        """How often it was tried; 0 when a stop came first."""
        return int(self["attempts"])

    @property
    def duration_seconds(self) -> float:
        """From being given to its model until it was finished. Prompts go
        together: these add up to more than the call took. 0 when it was
        finished by an earlier call."""
        return float(self["duration_seconds"])

    @property
    def logprobs(self) -> list[float]:
        """Natural logarithms, one for each new token."""
        logprobs: list[float] = self["logprobs"]
        return logprobs

    @property
    def op_key(self) -> str:
        """64 hex digits: model, prompt and parameters. Empty when a stop came
        first."""
        return str(self["op_key"])

    def __repr__(self) -> str:
        return f"Result({dict.__repr__(self)})"
