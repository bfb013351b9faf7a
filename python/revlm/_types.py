"""Dicts that cross between the extension and Python."""

from __future__ import annotations

from typing import Any, Optional, TypedDict

# Total, of a process, buffer; GiB.
MemoryFigures = tuple[float, float, float]


class MemorySnapshot(TypedDict):
    """GiB. `allocated_gb` is held by this process and those it started (pages
    that they share are counted once), `peak_gb` the most that this process ever
    held, or what is allocated if that is more, `available_gb` what of the limit
    is free for use now, `system_*` are the machine's."""

    total_limit_gb: float
    allocated_gb: float
    available_gb: float
    peak_gb: float
    system_gb: float
    system_available_gb: float


class Status(TypedDict):
    """Tasks are operations: in work, and done by calls of this executor."""

    memory_status: MemorySnapshot
    active_tasks: int
    completed_tasks: int
    failed_tasks: int
    is_shut_down: bool


class Statistics(TypedDict):
    """Counted from outcomes. `throughput` is of operations that succeeded, a
    second, without those of earlier calls; `operations` is `succeeded` and `failed` together."""

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
    environment: list[bytes]


class EnrollOptions(TypedDict):
    """What the extension is told of a model to keep."""

    target: bytes
    library: bytes
    name: str
    family: str
    replace: bool
    output_file: bytes
    memory_limit_gb: Optional[float]
    environment: list[bytes]


class IdentifyOptions(TypedDict):
    """What the extension is told of a model to identify."""

    target: bytes
    library: bytes
    light: bool
    alpha: float
    exclude: list[str]
    keep_sighting: bool
    memory_limit_gb: Optional[float]
    environment: list[bytes]


class Orchestration(TypedDict):
    """How prompts are made: by which systems (none: all), with which shares."""

    systems: list[str]
    strategy: str
    focus: str


class CompareOptions(TypedDict):
    """What the extension is told of a comparison."""

    models: list[bytes]
    prompts: list[str]
    challenges: Optional[int]
    orchestration: Optional[Orchestration]
    seed: int
    epsilon: float
    alpha: float
    memory_limit_gb: Optional[float]
    output_dir: bytes
    environment: list[bytes]


class VerifyTextOptions(CompareOptions):
    """What the extension is told of a target that gives only text."""

    answers: bytes
    given: list[tuple[str, str, list[int]]]
    target: bytes
    text_only: bool
    alternatives: list[bytes]
    max_tokens: Optional[int]
    temperature: Optional[float]
    top_k: Optional[int]
    top_p: Optional[float]
    own_answers: Optional[int]
