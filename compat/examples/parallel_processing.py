#!/usr/bin/env python3
"""parallel_processing.py [MODEL...]: the Python interface of the parallel guide
on real models (those bundled, or the given ones).

Exit code: 0 when every operation succeeded, 1 when one failed.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import find_revlm
from src.executor.parallel_executor import (BatchProcessor, MemoryConfig,
                                            MemoryMonitor, ParallelExecutor)

PROMPTS = ["What is AI?", "Explain ML", "The capital of France is"]


def show(results):
    """Prints results, which are in the order of what was asked; returns how
    many failed."""
    for result in results:
        name = pathlib.PurePath(result["model"]).name
        answer = result["response"] if result["success"] else result["error"]
        print(f"  {name:20} {result['prompt']:26} {answer[:30]!r}")
    return sum(not result["success"] for result in results)


def show_memory():
    monitor = MemoryMonitor(total_limit_gb=36.0)
    print(f"memory: {monitor.get_available_memory():.1f} GB of a limit of 36.0 "
          f"are free, the machine has {monitor.get_system_memory():.1f} GB")


def prompts_of_one_model(model):
    config = MemoryConfig(total_limit_gb=36.0, per_process_gb=2.0,
                          buffer_gb=2.0)
    print("\nprompts on one model, two at a time")
    with ParallelExecutor(config) as executor:
        return show(executor.process_prompts_parallel(
            model_path=model, prompts=PROMPTS, batch_size=2))


def batches(models):
    num_failed = 0
    with BatchProcessor(memory_limit_gb=36.0) as processor:
        for mode in ("cross_product", "paired", "broadcast"):
            batch = processor.process_batch(model_paths=models,
                                            prompts=PROMPTS, mode=mode)
            statistics = batch["statistics"]
            print(f"\n{mode}: {statistics['operations']} operations, "
                  f"{statistics['throughput']:.2f} ops/s, "
                  f"{statistics['duration_seconds']:.2f} s, kept in "
                  f"{batch['run_dir']}")
            num_failed += show(batch["results"])
    return num_failed


def main():
    models = sys.argv[1:] or find_revlm.bundled_models()
    show_memory()
    num_failed = prompts_of_one_model(models[0]) + batches(models)
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
