"""Exceptions, one for each exit code of the program `revlm`."""

from __future__ import annotations

import re

# The library speaks of what the program has; these are the same here.
_ARGUMENTS = {
    "--adaptation-interval": "adaptation_interval",
    "--challenges": "challenges",
    "--except": "exclude",
    "--enable-circuit-breaker": "circuit_breaker",
    "--max-retries": "max_retries",
    "--max-tokens": "max_tokens",
    "--output-dir": "output_dir",
    "--parallel-batch-size": "batch_size",
    "--parallel-memory-limit": "total_limit_gb",
    "--parallel-per-process": "per_process_gb",
    "--parallel-workers": "workers",
    "--prompt": "prompts",
    "--temperature": "temperature",
    "--top-k": "top_k",
    "--top-p": "top_p",
}


def in_arguments(message: str) -> str:
    """What the library said, with the names of arguments of this package."""
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*",
                  lambda flag: _ARGUMENTS.get(flag[0], flag[0]), message)


class RevError(Exception):
    """A call that could not be done. This class itself: a bug in revlm."""

    exit_code = 70


class RevUsageError(RevError, ValueError):
    """Something was asked that cannot be meant, of a model that is not there or
    cannot be run, or of a run directory that is in use or of another plan."""

    exit_code = 2


class RevStoppedError(RevError):
    """The environment refused: a full disk, an I/O error. What was finished is
    kept; the same call goes on."""

    exit_code = 5


class RevMemoryError(RevError, MemoryError):
    """The memory limit is below what the least of it takes; the message names
    the floor."""

    exit_code = 6


class RevEndpointError(RevError, ConnectionError):
    """An endpoint could not be reached or refused."""

    exit_code = 7

