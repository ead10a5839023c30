"""Python in a process of its own, for what a test cannot do to the process it runs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import fastdgm

ROOT = Path(fastdgm.__file__).resolve().parents[1]
BASIC = """
import numpy as np
import fastdgm as fd
net = fd.BayesNet({"a": fd.Bernoulli(0.3), "b": fd.CPT(["a"], [[0.9, 0.1], [0.2, 0.8]])})
"""


def command(code: str) -> list[str]:
    """Warnings are errors, and the current folder is not on the path."""
    return [sys.executable, "-P", "-W", "error", "-c", dedent(code)]


def environment(**changes: str | None) -> dict[str, str]:
    """The environment with ``fastdgm`` importable from anywhere; None removes a variable."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    merged = {**os.environ, "PYTHONPATH": path, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def run_python(code: str, timeout: float = 100.0, cwd: Path | None = None, **changes: str | None) -> str:
    """What the code prints; a failure or a warning is an AssertionError with everything it wrote."""
    done = subprocess.run(
        command(code), env=environment(**changes), cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout
