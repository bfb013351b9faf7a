"""Calls that work at this moment, so that none outlives the interpreter.

A daemon thread that comes back from C++ to an interpreter that is gone ends the
process with an abort; so at exit calls are stopped and waited for.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Iterator

# What stops the call, by a lock that is held until it has come back.
_stops: dict[threading.Lock, Callable[[], None]] = {}


@contextlib.contextmanager
def working(stop: Callable[[], None]) -> Iterator[None]:
    """Around a call that `stop` makes come back soon."""
    is_working = threading.Lock()
    is_working.acquire()
    _stops[is_working] = stop
    try:
        yield
    finally:
        _stops.pop(is_working, None)
        is_working.release()


# In a forked child the threads of these calls are not there.
os.register_at_fork(after_in_child=_stops.clear)


@atexit.register
def _stop_all() -> None:
    calls = list(_stops.items())
    for _, stop in calls:
        stop()
    for is_working, _ in calls:
        is_working.acquire()
