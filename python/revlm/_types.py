"""Dicts that cross between the extension and Python."""

from __future__ import annotations

from typing import Any, Optional, TypedDict


class MemorySnapshot(TypedDict):
    """GiB. `allocated_gb` is held by this process, `available_gb` what of the
    limit is free for use now, `system_*` are the machine's."""

    total_limit_gb: float
    allocated_gb: float
    available_gb: float
    peak_gb: float
    system_gb: float
    system_available_gb: float


class Status(TypedDict):
    """Tasks are operations: in work, and done since the executor was made."""

    memory_status: MemorySnapshot
    active_tasks: int
    completed_tasks: int
    failed_tasks: int
    is_shut_down: bool


class Statistics(TypedDict):
    """Counted from outcomes. `throughput` is of operations that succeeded, a
    second; `operations` is `succeeded` and `failed` together."""

    throughput: float
    duration_seconds: float
    models_processed: int
    prompts_processed: int
    operations: int
    succeeded: int
    failed: int
    retried: int
    peak_memory_gb: float


class Batch(TypedDict):
    """As the extension returns it; see BatchResults."""

    results: list[dict[str, Any]]
    statistics: Statistics
    run_dir: str


class RunOptions(TypedDict):
    """What the extension is told of every run."""

    workers: Optional[int]
    adaptive: bool
    priority: int
    max_retries: int
    circuit_breaker: bool
    output_dir: bytes
    runs_dir: bytes
    max_tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    environment: dict[str, bytes]
