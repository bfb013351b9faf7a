"""Finds worker processes, for tests that do something to them."""

import pathlib


def workers(pid):
    """The workers of a process."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = path.read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        if head.endswith("(revlm-worker") and int(tail.split()[1]) == pid:
            found.append(int(path.parent.name))
    return found
