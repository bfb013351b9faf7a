"""How much memory runs may take, and how much there is. Figures are GiB."""

from __future__ import annotations

from dataclasses import dataclass, fields

from revlm import _revlm
from revlm._types import MemoryFigures, MemorySnapshot


@dataclass(frozen=True)
class MemoryConfig:
    """The limit of runs; `buffer_gb` of it is left free, and a worker begins
    with `per_process_gb`. A value: equal, hashed, copied and pickled by its
    figures."""

    total_limit_gb: float = 36.0
    per_process_gb: float = 2.0
    buffer_gb: float = 2.0

    def __post_init__(self) -> None:
        _revlm.check_memory_config(figures(self))
        for field in fields(self):
            object.__setattr__(self, field.name,
                               float(getattr(self, field.name)))

    @classmethod
    def for_limit(cls, total_limit_gb: float) -> MemoryConfig:
        """The default; buffer and worker are smaller where the total is."""
        return cls(*_revlm.memory_for_limit(total_limit_gb))

    @property
    def max_processes(self) -> int:
        """How many workers have room beside the buffer."""
        return _revlm.max_processes(figures(self))


def figures(config: MemoryConfig) -> MemoryFigures:
    """As the extension takes it."""
    return (config.total_limit_gb, config.per_process_gb, config.buffer_gb)


@dataclass(frozen=True)
class MemoryMonitor:
    """What of a limit this process and those it started have left."""

    total_limit_gb: float = 36.0

    def __post_init__(self) -> None:
        self.snapshot()

    def get_available_memory(self) -> float:
        """What of the limit is free for use now."""
        return self.snapshot()["available_gb"]

    def get_system_memory(self) -> float:
        """The machine's."""
        return self.snapshot()["system_gb"]

    def snapshot(self) -> MemorySnapshot:
        return _revlm.memory_snapshot(self.total_limit_gb)
