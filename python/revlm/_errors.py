"""Exceptions, one for each exit code of the program `revlm`."""

from __future__ import annotations


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

