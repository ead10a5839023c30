"""How many times as fast other libraries' programs are with fastdgm behind them; keeps bench/results/drop_in.json.

    python bench/drop_in/run.py [word ...]      # only programs whose name has one of the words: not kept

Ours and theirs take turns in one process; medians. Run it on an idle machine.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from machine import machine_info, write_results  # noqa: E402
from pairs import Program  # noqa: E402


def programs() -> list[Program]:
    """Of all files here that have some."""
    names = sorted(path.stem for path in HERE.glob("*_programs.py"))
    return [program for name in names for program in importlib.import_module(name).PROGRAMS]


def seconds(call: Callable[[], Any]) -> float:
    """Wall clock."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(program: Program) -> dict[str, Any]:
    """Medians of the rounds, and their ratio."""
    pair = program.make()
    rounds = [(seconds(pair.ours), seconds(pair.theirs)) for _ in range(program.rounds)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = theirs * pair.theirs_scale / ours
    return {
        "program": program.name,
        "ours_s": ours,
        "theirs_s": theirs,
        "theirs_scale": pair.theirs_scale,
        "ratio": ratio,
        "target": program.target,
        "rounds": program.rounds,
        "note": program.note,
    }


def verdict(found: dict[str, Any]) -> str:
    """Whether the target was met, where there is one."""
    if found["target"] is None:
        return ""
    return f"of {found['target']:g}x: {'met' if found['ratio'] >= found['target'] else 'NOT MET'}"


def main() -> None:
    """Command line."""
    warnings.simplefilter("ignore")  # rivals' deprecations
    words = sys.argv[1:]
    results: dict[str, Any] = {"machine": machine_info(), "results": [], "left_out": []}
    for program in programs():
        if words and not any(word in program.name for word in words):
            continue
        missing = [name for name in program.needs if importlib.util.find_spec(name) is None]
        if missing:
            results["left_out"].append({"program": program.name, "reason": f"{', '.join(missing)} not installed"})
            continue
        found = measure(program)
        results["results"].append(found)
        print(
            f"{program.name:60} {found['ours_s']:10.4g} s {found['theirs_s']:10.4g} s x {found['theirs_scale']:g}"
            f"  {found['ratio']:8.1f}x {verdict(found)}",
            flush=True,
        )
    if not words:
        print(f"written: {write_results('drop_in', results)}")


if __name__ == "__main__":
    main()
