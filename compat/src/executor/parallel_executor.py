"""The name under which the parallel guide imports the executors.

It is the package `revlm`: the installed one, or that of the build beside.
"""

import importlib.util
import pathlib
import sys

if importlib.util.find_spec("revlm") is None:
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "build"
                        / "python"))

from revlm import (AdaptiveParallelExecutor, BatchProcessor, MemoryConfig,
                   MemoryMonitor, ParallelExecutor, Result,
                   parallel_process_models, parallel_process_prompts)

__all__ = ["AdaptiveParallelExecutor", "BatchProcessor", "MemoryConfig",
           "MemoryMonitor", "ParallelExecutor", "Result",
           "parallel_process_models", "parallel_process_prompts"]
