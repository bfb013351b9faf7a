"""The executors of the parallel guide."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, Optional, TypedDict, TypeVar, Union

from revlm import _revlm
from revlm._calls import working
from revlm._errors import RevUsageError
from revlm._memory import MemoryConfig, figures
from revlm._result import Result
from revlm._types import RunOptions, Statistics, Status

ModelPath = Union[str, "os.PathLike[str]"]
Mode = Literal["cross_product", "paired", "broadcast"]
_Self = TypeVar("_Self", bound="ParallelExecutor")


class BatchResults(TypedDict):
    """What `process_batch` returns."""

    results: list[Result]
    statistics: Statistics
    run_dir: str


def _texts(prompts: Iterable[str]) -> list[str]:
    if isinstance(prompts, (str, bytes)):
        raise RevUsageError("prompts: found one text, allowed is a list of "
                            "them; put it in brackets")
    return list(prompts)


def _references(models: Iterable[ModelPath]) -> list[bytes]:
    if isinstance(models, (str, bytes, os.PathLike)):
        raise RevUsageError("model_paths: found one model, allowed is a list "
                            "of them; put it in brackets")
    return [os.fsencode(model) for model in models]


def _environment() -> list[bytes]:
    return [name + b"=" + value for name, value in os.environb.items()]


class ParallelExecutor:
    """Puts prompts to models inside a memory configuration.

    Each call is a run with a directory, as `revlm run` makes it: `output_dir`
    when given, which then holds this one run; else one in `./rev-runs`. A call
    that was stopped (Ctrl-C, a full disk) goes on where it was when made again.

    Each model runs in a worker process of its own; `workers` of them at once,
    as many as are fastest when not given. What failed for a passing reason is tried again,
    `max_retries` times; `circuit_breaker` pauses a model that keeps
    failing, and gives it up in the end. `adaptive`: runs tune how much is done
    at once while they go on.

    Calls from several threads wait for each other. Other Python threads go on
    meanwhile. Notices go to `logging.getLogger("revlm")`.
    """

    def __init__(self, config: Optional[MemoryConfig] = None, *,
                 workers: Optional[int] = None,
                 adaptive: bool = False,
                 priority: int = 0,
                 max_retries: int = 3,
                 circuit_breaker: bool = False,
                 output_dir: Optional[ModelPath] = None,
                 max_tokens: int = 16,
                 temperature: float = 0.0,
                 top_k: int = 0,
                 top_p: float = 1.0,
                 seed: int = 0) -> None:
        self.config = config if config is not None else MemoryConfig()
        self._run: RunOptions = {
            "workers": workers,
            "adaptive": adaptive,
            "priority": priority,
            "max_retries": max_retries,
            "circuit_breaker": circuit_breaker,
            "output_dir": os.fsencode(output_dir or ""),
            "runs_dir": b"rev-runs",
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
            "environment": _environment(),
        }
        self._executor = self._make()

    def _make(self) -> _revlm.Executor:
        return _revlm.make_executor(figures(self.config), self._run)

    def process_prompts_parallel(self, model_path: ModelPath,
                                 prompts: Iterable[str],
                                 batch_size: Optional[int] = None
                                 ) -> list[Result]:
        """One result for each prompt, in their order. `batch_size`: the most
        that go through the model together; None: as many as are fastest."""
        return self.process([model_path], prompts,
                            batch_size=batch_size)["results"]

    def process(self, model_paths: Iterable[ModelPath],
                prompts: Iterable[str], mode: Mode = "cross_product",
                batch_size: Optional[int] = None) -> BatchResults:
        """The prompts on the models as `mode` says; results in the order of
        models, then prompts, with statistics and the run's directory."""
        references, texts = _references(model_paths), _texts(prompts)
        with working(self.shutdown):
            batch = self._executor.process(references, texts, mode, batch_size)
        return {"results": [Result(result) for result in batch["results"]],
                "statistics": batch["statistics"],
                "run_dir": batch["run_dir"]}

    def get_status(self) -> Status:
        """Memory, and operations in work and done. From any thread."""
        return self._executor.get_status()

    def shutdown(self) -> None:
        """Stops what runs, waits for it, and refuses what comes. May be called
        again, and from any thread; results that were finished are returned
        where they were asked for."""
        self._executor.shutdown()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: Optional[type[BaseException]],
                 value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.shutdown()


class AdaptiveParallelExecutor(ParallelExecutor):
    """An executor whose runs tune themselves to the load of the machine, every
    `adaptation_interval` finished operations."""

    _executor: _revlm.AdaptiveExecutor

    def __init__(self, config: Optional[MemoryConfig] = None, *,
                 adaptation_interval: int = 20, **options: Any) -> None:
        self._interval = adaptation_interval
        super().__init__(config, adaptive=True, **options)

    def _make(self) -> _revlm.AdaptiveExecutor:
        return _revlm.make_adaptive_executor(
            figures(self.config), self._run, self._interval)

    @property
    def adaptation_interval(self) -> int:
        return self._executor.adaptation_interval

    @property
    def max_workers(self) -> int:
        """How many workers the configuration has room for."""
        return self._executor.max_workers

    @property
    def optimal_workers(self) -> int:
        """How many of them the memory that is free now and the CPUs of this
        process have use for."""
        return self._executor.optimal_workers


class BatchProcessor:
    """Batches of models and prompts inside one memory limit, in GiB."""

    def __init__(self, memory_limit_gb: float = 36.0, **options: Any) -> None:
        """`options` are the keywords of ParallelExecutor."""
        self.executor = ParallelExecutor(
            MemoryConfig.for_limit(memory_limit_gb), **options)

    def process_batch(self, model_paths: Iterable[ModelPath],
                      prompts: Iterable[str],
                      mode: Mode = "cross_product") -> BatchResults:
        """As ParallelExecutor.process."""
        return self.executor.process(model_paths, prompts, mode)

    def shutdown(self) -> None:
        self.executor.shutdown()

    def __enter__(self) -> BatchProcessor:
        return self

    def __exit__(self, kind: Optional[type[BaseException]],
                 value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.shutdown()


def parallel_process_prompts(model_path: ModelPath, prompts: Iterable[str],
                             memory_limit_gb: float = 36.0,
                             batch_size: Optional[int] = None,
                             **options: Any) -> list[Result]:
    """One result for each prompt, in their order. `options` are the keywords of
    ParallelExecutor."""
    with BatchProcessor(memory_limit_gb, **options) as processor:
        return processor.executor.process_prompts_parallel(
            model_path, prompts, batch_size)


def parallel_process_models(model_paths: Iterable[ModelPath],
                            prompts: Iterable[str],
                            memory_limit_gb: float = 36.0,
                            mode: Mode = "cross_product",
                            **options: Any) -> list[Result]:
    """The prompts on the models; results in the order of models, then
    prompts. `options` are the keywords of ParallelExecutor."""
    with BatchProcessor(memory_limit_gb, **options) as processor:
        return processor.process_batch(model_paths, prompts, mode)["results"]
