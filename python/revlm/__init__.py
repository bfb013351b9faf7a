"""Runs many prompts on many language models inside a hard memory limit, and
tells them apart.

>>> import revlm
>>> with revlm.ParallelExecutor() as executor:
...     results = executor.process_prompts_parallel("./my-model", ["Hello"])
"""

from revlm._compare import Comparison, Verdict, compare, verify
from revlm._errors import (RevEndpointError, RevError, RevMemoryError,
                           RevStoppedError, RevUsageError)
from revlm._executor import (AdaptiveParallelExecutor, BatchProcessor,
                             BatchResults, ParallelExecutor,
                             parallel_process_models,
                             parallel_process_prompts)
from revlm._library import Identification, Library
from revlm._memory import MemoryConfig, MemoryMonitor
from revlm._prompts import Prompt, make_prompts
from revlm._result import Result
from revlm._revlm import __version__

__all__ = [
    "AdaptiveParallelExecutor",
    "BatchProcessor",
    "BatchResults",
    "Comparison",
    "Identification",
    "Library",
    "MemoryConfig",
    "MemoryMonitor",
    "ParallelExecutor",
    "Prompt",
    "Result",
    "RevEndpointError",
    "RevError",
    "RevMemoryError",
    "RevStoppedError",
    "RevUsageError",
    "Verdict",
    "__version__",
    "compare",
    "make_prompts",
    "parallel_process_models",
    "parallel_process_prompts",
    "verify",
]
