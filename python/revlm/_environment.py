"""What the library is told of the environment, as the program tells it."""

from __future__ import annotations

import os

_VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
              "XDG_CACHE_HOME", "HOME")


def read_environment() -> dict[str, bytes]:
    environment = {name.lower(): os.fsencode(os.environ[name])
                   for name in _VARIABLES if os.environ.get(name)}
    if "xdg_cache_home" in environment:
        environment["cache_dir"] = environment["xdg_cache_home"] + b"/revlm"
    elif "home" in environment:
        environment["cache_dir"] = environment["home"] + b"/.cache/revlm"
    return environment
