"""Finds the program and the models that the scripts of this folder use."""

import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODELS = ROOT / "examples" / "models"


def program():
    """The path of `revlm`: the variable REVLM, else the build tree beside this
    folder, else PATH. Ends the process when there is none."""
    named = os.environ.get("REVLM")
    built = ROOT / "build" / "cli" / "revlm"
    found = named or (str(built) if built.exists() else shutil.which("revlm"))
    if not found:
        print(f"{pathlib.Path(sys.argv[0]).name}: looking for the program "
              f"revlm: found neither {built} nor one on PATH, and REVLM names "
              f"none; try `make demo` in {ROOT}, which builds it",
              file=sys.stderr)
        sys.exit(2)
    return found


def bundled_models():
    """Paths of the real models that lie beside the sources."""
    found = sorted(str(path.parent) for path in MODELS.glob("*/config.json"))
    if not found:
        print(f"{pathlib.Path(sys.argv[0]).name}: looking for bundled models: "
              f"found none in {MODELS}; try giving a model's path",
              file=sys.stderr)
        sys.exit(2)
    return found
