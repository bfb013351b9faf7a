"""The extension; see python/module.cc. Use what `revlm` itself offers."""

from typing import Any, Optional, TypedDict

__version__: str

class MemorySnapshot(TypedDict):
    total_limit_gb: float
    allocated_gb: float
    available_gb: float
    peak_gb: float
    system_gb: float
    system_available_gb: float

class Status(TypedDict):
    memory_status: MemorySnapshot
    active_tasks: int
    completed_tasks: int
    failed_tasks: int
    is_shut_down: bool

class Statistics(TypedDict):
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
    results: list[dict[str, Any]]
    statistics: Statistics
    run_dir: str

class RunOptions(TypedDict):
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

class MemoryConfig:
    def __init__(self, total_limit_gb: float = ..., per_process_gb: float = ...,
                 buffer_gb: float = ...) -> None: ...
    @staticmethod
    def for_limit(total_limit_gb: float) -> MemoryConfig: ...
    @property
    def total_limit_gb(self) -> float: ...
    @property
    def per_process_gb(self) -> float: ...
    @property
    def buffer_gb(self) -> float: ...
    @property
    def max_processes(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class MemoryMonitor:
    def __init__(self, total_limit_gb: float = ...) -> None: ...
    def get_available_memory(self) -> float: ...
    def get_system_memory(self) -> float: ...
    def snapshot(self) -> MemorySnapshot: ...

class Executor:
    def __init__(self, memory: MemoryConfig, run: RunOptions) -> None: ...
    def process(self, models: list[bytes], prompts: list[str], mode: str,
                batch_size: Optional[int]) -> Batch: ...
    def get_status(self) -> Status: ...
    def shutdown(self) -> None: ...

class AdaptiveExecutor(Executor):
    def __init__(self, memory: MemoryConfig, run: RunOptions,
                 adaptation_interval: int) -> None: ...
    @property
    def adaptation_interval(self) -> int: ...
    @property
    def max_workers(self) -> int: ...
    @property
    def optimal_workers(self) -> int: ...
