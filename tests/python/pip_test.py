"""`pip install .` in a fresh virtual environment gives a package that works.

It compiles the library again, which takes minutes, or takes from ccache what
this build compiled: the commands are the same. It runs where a package index
answers; exit code 77: skipped, as none did.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from package import MODEL, ROOT

SKIPPED = 77
PATIENCE_SECONDS = 20
# So that the commands are those of a build for developers.
CACHED = ("--config-settings=cmake.define.REVLM_WERROR=ON",
          "--config-settings="
          "cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=ccache")
USE = f"""
import revlm, pathlib
folder = pathlib.Path(revlm.__file__).parent
assert folder.is_relative_to({{venv!r}}), folder
assert (folder / "py.typed").exists() and (folder / "_revlm.pyi").exists()
results = revlm.parallel_process_prompts({MODEL!r}, ["a", "b"], max_tokens=2)
assert [result.prompt for result in results] == ["a", "b"]
assert all(result.success for result in results), results
batch = revlm.BatchProcessor().process_batch([{MODEL!r}], ["a"])
assert batch["statistics"]["succeeded"] == 1
"""


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def main():
    # Python's environment of this build is not the one under test.
    environment = {name: value for name, value in os.environ.items()
                   if name != "PYTHONPATH"}
    before = sorted(os.listdir(ROOT))
    with tempfile.TemporaryDirectory(prefix="revlm-pip-") as folder:
        venv = os.path.join(os.path.realpath(folder), "venv")
        python = os.path.join(venv, "bin/python")

        def run(*command):
            return subprocess.run(command, cwd=folder, env=environment).returncode

        def answers(*command):
            try:
                return subprocess.run(command, cwd=folder, env=environment,
                                      timeout=PATIENCE_SECONDS).returncode == 0
            except subprocess.TimeoutExpired:
                return False

        if run(sys.executable, "-m", "venv", venv) != 0:
            sys.exit("making a virtual environment failed")
        pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet",
               "--timeout", "5", "--retries", "1")
        if not answers(*pip, "download", "--no-deps", "--no-cache-dir",
                       "scikit-build-core>=0.10"):
            skip(f"no package index answered within {PATIENCE_SECONDS} s")
        if run(*pip, "install", "scikit-build-core>=0.10",
               "pybind11>=2.10") != 0:
            sys.exit("installing the build's own tools failed")
        cached = CACHED if shutil.which("ccache") else ()
        if run(*pip, "install", "--no-build-isolation", *cached,
               str(ROOT)) != 0:
            sys.exit("pip install . failed")
        if run(python, "-c", USE.format(venv=venv)) != 0:
            sys.exit("the installed package does not work")
    left = sorted(set(os.listdir(ROOT)) - set(before))
    if left:
        sys.exit(f"pip install . left {left} in the source tree")
    print("pip install . works")


if __name__ == "__main__":
    main()
