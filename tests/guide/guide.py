"""Reads the users' guide: every line of shell and every block of Python in it.

How many there are is asserted: a guide with others is one that these tests do
not know, and fails them.
"""

import dataclasses
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "PARALLEL_PROCESSING_GUIDE.md"
NUM_RUN_REV_LINES = 28  # `--help | grep parallel` among them
NUM_PYTHON_BLOCKS = 3
NUM_SCRIPTS = 2
NUM_PARALLEL_FLAGS = 8  # --parallel, --parallel-*

MODES = ("cross_product", "paired", "broadcast")
DEFAULT_CHALLENGES = 10


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block."""
    line: int  # of the guide, of the first line inside
    language: str
    text: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A command line."""
    line: int  # of the guide, where it begins
    text: str  # as it stands there, continuations and all
    results: str = ""  # what the comment "Results:" below it says

    @property
    def words(self):
        return shlex.split(self.text.replace("\\\n", " "))

    @property
    def script(self):
        """The script that `python` is given."""
        words = self.words
        return words[1] if words[0] == "python" else None

    @property
    def models(self):
        """The positional arguments of run_rev.py."""
        words = self.words[2:]
        end = next(i for i, word in enumerate(words) if word.startswith("-"))
        return words[:end]

    def has(self, flag):
        return flag in self.words

    def value(self, flag, default=None):
        words = self.words
        return words[words.index(flag) + 1] if flag in words else default

    @property
    def mode(self):
        return self.value("--parallel-mode", MODES[0])

    @property
    def num_prompts(self):
        return int(self.value("--challenges", DEFAULT_CHALLENGES))

    def asked(self):
        """(model, prompt) of each operation, by position, in the order of the
        results: what the guide's modes mean."""
        models, prompts = len(self.models), self.num_prompts
        if self.mode == "paired":
            return [(i, i) for i in range(min(models, prompts))]
        if self.mode == "broadcast" and prompts < models:
            return [(i, 0) for i in range(models)]
        if self.mode == "broadcast":
            models = 1
        return [(i, j) for i in range(models) for j in range(prompts)]


def blocks():
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", GUIDE.read_text() + "\n",
                        re.MULTILINE | re.DOTALL)
    text = GUIDE.read_text()
    return [Block(text.count("\n", 0, match.start(2)) + 1, match.group(1),
                  match.group(2)) for match in found]


def lines_of(block):
    """The command lines of a block of shell."""
    found = []
    begun = []  # lines of a command that goes on
    for number, text in enumerate(block.text.splitlines(), block.line):
        if begun or text.strip() and not text.startswith("#"):
            begun.append(text)
            if not text.endswith("\\"):
                found.append(Line(number - len(begun) + 1, "\n".join(begun)))
                begun = []
        elif text.startswith("# Results:"):
            found[-1] = dataclasses.replace(
                found[-1], results=text.removeprefix("# Results:").strip())
    assert not begun, f"line {block.line}: a command goes on after its block"
    return found


def command_lines():
    return [line for block in blocks() if block.language == "bash"
            for line in lines_of(block)]


def run_rev_lines():
    return [line for line in command_lines() if line.script == "run_rev.py"]


def scripts():
    return [line for line in command_lines() if line.script != "run_rev.py"]


def python_blocks():
    return [block for block in blocks() if block.language == "python"]


def parallel_flags():
    """The --parallel flags that the guide's command lines use."""
    return sorted({word for line in run_rev_lines() for word in line.words
                   if word.startswith("--parallel")})


def check_counts():
    """The guide is the one that these tests know."""
    counted = {"languages": {block.language for block in blocks()},
               "run_rev.py": len(run_rev_lines()),
               "python": len(python_blocks()), "scripts": len(scripts()),
               "--parallel": len(parallel_flags()),
               # None hides in a place that is not read.
               "mentions": GUIDE.read_text().count("python ")}
    known = {"languages": {"bash", "python"}, "run_rev.py": NUM_RUN_REV_LINES,
             "python": NUM_PYTHON_BLOCKS, "scripts": NUM_SCRIPTS,
             "--parallel": NUM_PARALLEL_FLAGS,
             "mentions": NUM_RUN_REV_LINES + NUM_SCRIPTS}
    assert counted == known, f"the guide has {counted}; known is {known}"
