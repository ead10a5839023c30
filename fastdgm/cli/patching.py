"""The command ``patch``: another program, with our loops behind its library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def patch(*, library: str, script: str, arguments: Sequence[str]) -> None:
    """Run a script in a process of its own, which has its standard streams, and end with its exit code."""
    if not os.path.isfile(script):
        raise FileNotFoundError(2, "no such script", script)
    code = subprocess.call([sys.executable, "-m", "fastdgm.interop.patches", library, script, *arguments])
    raise SystemExit(code if code >= 0 else 128 - code)  # as shells say that a signal ended it
