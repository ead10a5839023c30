"""Twins compiled to PTX and assembled without a card: registers, memory and spills as ptxas counts them."""

from __future__ import annotations

import re
import shutil
import site
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import numba
from signatures import Signature

CAPABILITIES = {"7.5": (7, 5), "8.0": (8, 0), "9.0": (9, 0)}  # T4; A100; H100


class Figures(NamedTuple):
    """What ptxas says of a kernel; bytes of the stack and of spills are those of one thread, in local memory."""

    registers: int
    shared_bytes: int  # of a block, without those that a launch adds
    stack_bytes: int
    spill_store_bytes: int
    spill_load_bytes: int


def figures_of(signature: Signature) -> dict[str, Figures]:
    """Of a twin, by the compute capability that it is made for."""
    found = ptx_of(signature, CAPABILITIES)
    return {capability: _figures(assembler_report(ptx, capability)) for capability, ptx in found.items()}


def ptx_of(signature: Signature, capabilities: Iterable[str]) -> dict[str, str]:
    """What numba-cuda makes of a twin for each of some capabilities; typing and lowering, most of it, are done once.

    Private names of numba-cuda, hence this one place: what it compiles for several cards, and the card that compiling a
    device function asks for.
    """
    from numba.cuda import compiler, dispatcher

    pairs = {name: CAPABILITIES[name] for name in capabilities}
    options, types = signature.twin.kernel.targetoptions, numba.types.void(*signature.arguments)
    first = next(iter(pairs.values()))
    device = SimpleNamespace(compute_capability=first)
    with patch.object(dispatcher, "get_current_device", lambda: device):
        library, _ = compiler._compile_pyfunc_with_fixup(
            signature.twin.kernel.py_func,
            types,
            device=False,
            fastmath=options.get("fastmath", False),
            cc=first,
            abi="numba",
            launch_bounds=options.get("launch_bounds"),
        )
        return {name: "\n".join(library.get_asm_strs(cc=pair)) for name, pair in pairs.items()}


@cache
def assembler() -> str | None:
    """The ptxas of NVIDIA's wheels, or else on PATH; None where there is none."""
    wheels = (Path(folder) / "nvidia" for folder in site.getsitepackages())
    found = [str(path) for folder in wheels for path in sorted(folder.glob("*/bin/ptxas"))]
    return found[0] if found else shutil.which("ptxas")


def assembler_report(ptx: str, capability: str) -> str:
    """What ``ptxas -v`` prints. FileNotFoundError without a ptxas."""
    tool = assembler()
    if tool is None:
        raise FileNotFoundError("ptxas is neither in NVIDIA's wheels nor on PATH: pip install nvidia-cuda-nvcc")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "twin.ptx", Path(folder) / "twin.cubin"
        source.write_text(ptx)
        command = [tool, f"-arch=sm_{capability.replace('.', '')}", "-v", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ptxas refused it: {done.stderr[:2000]}")
    return done.stderr + done.stdout


def assembler_version() -> str:
    """As ptxas names itself: "12.9.86"."""
    done = subprocess.run([str(assembler()), "--version"], capture_output=True, text=True, check=True)
    return re.search(r"V([\d.]+)", done.stdout)[1]


def _figures(report: str) -> Figures:
    """The most registers of any function, the bytes of all of them together."""

    def numbers(pattern: str) -> list[int]:
        return [int(own) for own in re.findall(pattern, report)] or [0]

    return Figures(
        max(numbers(r"Used (\d+) registers")),
        sum(numbers(r"(\d+) bytes smem")),
        sum(numbers(r"(\d+) bytes stack frame")),
        sum(numbers(r"(\d+) bytes spill stores")),
        sum(numbers(r"(\d+) bytes spill loads")),
    )
