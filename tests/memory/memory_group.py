"""Runs processes in a memory control group whose limit is exact.

Of version 1 the group lies beneath this process's own; of version 2 beneath
the nearest of its own and those above that hands the memory controller on.
Swap is out of reach: the machine has none or the group may use none.
"""

import itertools
import os
import pathlib
import time

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_serial = itertools.count()


def available():
    """None when groups can be made; otherwise why not."""
    try:
        with MemoryGroup(64 << 20):
            return None
    except OSError as error:
        return str(error)


class MemoryGroup:
    """A group to be entered by one process.

    The kernel counts whole pages: a limit between two holds as the upper one.
    """

    def __init__(self, limit_bytes):
        limit_bytes = -(-limit_bytes // PAGE_BYTES) * PAGE_BYTES
        parent, self.version = _find_parent()
        self.path = parent / f"revlm-test-{os.getpid()}-{next(_serial)}"
        self.path.mkdir()
        try:
            if self.version == 1:
                self._write("memory.limit_in_bytes", limit_bytes)
                _refuse_swap(self.path / "memory.swappiness")
            else:
                self._write("memory.max", limit_bytes)
                _refuse_swap(self.path / "memory.swap.max")
            self.peak_bytes  # not every kernel tells
        except OSError:
            self.path.rmdir()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def enter(self):
        """Moves the calling process in; for `preexec_fn`."""
        self._write("cgroup.procs", os.getpid())

    @property
    def peak_bytes(self):
        """The most that was charged, pages of files included."""
        return int(self._read("memory.max_usage_in_bytes"
                              if self.version == 1 else "memory.peak"))

    @property
    def limit_events(self):
        """How often the limit was in the way."""
        if self.version == 1:
            return int(self._read("memory.failcnt"))
        events = dict(line.split() for line in
                      self._read("memory.events").splitlines())
        return sum(int(events[name]) for name in ("max", "oom", "oom_kill"))

    def remove(self):
        for _ in range(100):  # a group stays busy for a moment
            try:
                return self.path.rmdir()
            except OSError:
                time.sleep(0.01)
        self.path.rmdir()

    def _read(self, name):
        return (self.path / name).read_text()

    def _write(self, name, value):
        (self.path / name).write_text(str(value))


def _refuse_swap(path):
    if path.exists():  # absent where the kernel does not count swap
        path.write_text("0")


def _find_parent():
    """(folder to make groups in, version)."""
    own = dict(line.split(":", 2)[1:] for line in
               pathlib.Path("/proc/self/cgroup").read_text().splitlines())
    for root, mount, kind, options in _mounts():
        if kind == "cgroup" and "memory" in options.split(","):
            for names, path in own.items():
                if "memory" in names.split(","):
                    return _beneath(root, mount, path), 1
    for root, mount, kind, _ in _mounts():
        if kind == "cgroup2" and "" in own:
            path = _beneath(root, mount, own[""])
            for folder in (path, *path.parents):
                control = folder / "cgroup.subtree_control"
                if not folder.is_relative_to(mount) or not control.exists():
                    break
                if "memory" in control.read_text().split():
                    return folder, 2
    raise OSError("no memory controller of version 1 is mounted, and none of "
                  "version 2 is handed on to groups beneath this process's")


def _mounts():
    """(root, mount point, type, super options) of /proc/self/mountinfo."""
    text = pathlib.Path("/proc/self/mountinfo").read_text()
    for line in text.splitlines():
        own, _, of_system = line.partition(" - ")
        fields = own.split()
        kind, _, options = of_system.split()[:3]
        yield fields[3], fields[4], kind, options


def _beneath(root, mount, path):
    """Where the group `path` is seen when `root` is what `mount` shows."""
    try:
        inside = pathlib.PurePosixPath(path).relative_to(root)
    except ValueError:  # the mount shows another part of the tree
        inside = ""
    return pathlib.Path(mount, inside)
