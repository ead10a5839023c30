"""The command ``patch``: another program, with our loops behind its library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def patch(*, library: str, script: str, arguments: Sequence[str]) -> None:
    """Run a script in place of this process, as ``python SCRIPT ...`` would: its signals, streams and exit code."""
    if not os.path.isfile(script):
        raise FileNotFoundError(2, "no such script", script)
    command = [sys.executable, "-m", "fastdgm.interop.patches", library, script, *arguments]
    if os.name == "posix":
        os.execv(sys.executable, command)  # Ctrl-C and kill are the script's own, which may have much to tidy up
    raise SystemExit(subprocess.call(command))
