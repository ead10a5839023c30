"""Two versions of fastdgm, row by row: is the new one as fast as the old one?

    python bench/versions.py OLD_PATH NEW_PATH            # folders that hold a package fastdgm; about six minutes
    python bench/versions.py OLD_PATH NEW_PATH --rounds 1 --no-save        # only to try it

A process per version, both in one run: they take turns, so that a slow minute of the machine hits both alike, and who
begins alternates. A row above 1.08 is measured again. Compiled kernels come from each version's cache, which the first
call fills; only the rows called "cold" start with an empty one. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any, NamedTuple

from fresh import FAMILIES
from machine import machine_info, write_results

HERE = Path(__file__).parent
SIDES = ("old", "new")
SLOWER = 1.08
SHORTEST_S = 0.03  # shorter calls are repeated within one reading of the clock
COLD_ROUNDS = 3
GROUPS = {1: ("tables", "MADE", "NADE", "FVSBN", "MarkovChain"), 2: ("tables", "MADE")}  # by number of threads

Measure = Callable[[str], float]  # side -> seconds


class Compared(NamedTuple):
    """A row's medians in seconds."""

    row: str
    old: float
    new: float

    @property
    def ratio(self) -> float:
        """Above 1: the new version is slower."""
        return self.new / self.old


def environment(path: Path, threads: int = 1) -> dict[str, str]:
    """What makes a process import this version."""
    return os.environ | {"PYTHONPATH": str(path), "FASTDGM_NUM_THREADS": str(threads)}


class Worker:
    """A process that runs the rows of one version when asked."""

    def __init__(self, path: Path, threads: int) -> None:
        """Raises ValueError where another fastdgm than the path's is imported."""
        command = [sys.executable, str(HERE / "version_rows.py")]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment(path, threads), cwd=HERE, **pipes)
        imported = Path(self._answer())
        if not imported.resolve().is_relative_to(path.resolve()):
            self.close()
            raise ValueError(f"{path} holds no package fastdgm: {imported} was imported")

    def ask(self, *request: str | int) -> Any:
        """One request, one answer."""
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def compare(row: str, measure: Measure, rounds: int) -> Compared:
    """Both sides in every round, in turns."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            seconds[side].append(measure(side))
    return Compared(row, *(float(f"{median(seconds[side]):.4g}") for side in SIDES))


def compare_twice(row: str, measure: Measure, rounds: int) -> list[Compared]:
    """A second time where the first says slower."""
    found = [compare(row, measure, rounds)]
    if found[0].ratio > SLOWER:
        found.append(compare(row, measure, rounds))
    marks = "".join(f"  {each.ratio:.3f}" for each in found)
    print(f"{row:60} {found[0].old:10.4g} s {found[0].new:10.4g} s {marks}", flush=True)
    return found


def compare_group(workers: dict[str, Worker], group: str, suffix: str, rounds: int) -> list[list[Compared]]:
    """The rows of a group, calls repeated as often on both sides."""

    def reading(row: str, calls: int, side: str) -> float:
        return workers[side].ask("time", row, calls) / calls

    found = []
    for row in [workers[side].ask("open", group) for side in SIDES][-1]:
        once = min(reading(row, 1, side) for side in SIDES for _ in range(2))
        calls = max(1, math.ceil(SHORTEST_S / once))
        found.append(compare_twice(row + suffix, partial(reading, row, calls), rounds))
    return found


def warm_rows(paths: dict[str, Path], rounds: int) -> list[list[Compared]]:
    """Everything that is timed within living processes."""
    found = []
    for threads, groups in GROUPS.items():
        workers = {side: Worker(path, threads) for side, path in paths.items()}
        for group in groups:
            found += compare_group(workers, group, f", {threads} threads" * (threads > 1), rounds)
        for worker in workers.values():
            worker.close()
    return found


def fresh_rows(paths: dict[str, Path], rounds: int) -> list[list[Compared]]:
    """What is timed in new processes: import, first calls from the cache, and compiling."""

    def total(command: str, argument: str, side: str, cache: str | None = None) -> float:
        own = environment(paths[side]) | ({"NUMBA_CACHE_DIR": cache} if cache else {})
        script = [sys.executable, str(HERE / "fresh.py"), command, argument]
        done = subprocess.run(script, env=own, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
        return sum(json.loads(done.stdout).values())

    def cold(side: str) -> float:
        with tempfile.TemporaryDirectory() as empty:
            return total("first_calls", "BayesNet", side, empty)

    found = [compare_twice("import fastdgm", partial(total, "import_module", "fastdgm"), rounds)]
    for family in FAMILIES:
        first_calls = partial(total, "first_calls", family)
        for side in SIDES:
            first_calls(side)  # fills the cache
        found.append(compare_twice(f"{family}: first calls, kernels cached", first_calls, min(7, rounds)))
    return [*found, compare_twice("BayesNet: first calls, cold", cold, min(COLD_ROUNDS, rounds))]


def described(path: Path) -> str:
    """The commit of a checkout, or the folder's name."""
    command = ["git", "-C", str(path), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or path.name


def results_of(found: Sequence[Sequence[Compared]]) -> dict[str, Any]:
    """Records, geometric mean, and which rows were slower twice."""
    records = []
    for first, *again in found:
        second = round(again[0].ratio, 3) if again else None
        slower = second is not None and second > SLOWER
        records.append({**first._asdict(), "ratio": round(first.ratio, 3), "again": second, "slower": slower})
    return {"geometric_mean": round(geometric_mean(first.ratio for first, *_ in found), 4), "results": records}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compare two versions of fastdgm; see the top of this file.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-save", action="store_true", help="do not write results/versions.json")
    chosen = parser.parse_args()
    paths = {"old": chosen.old.absolute(), "new": chosen.new.absolute()}
    machine = machine_info()
    found = [*fresh_rows(paths, chosen.rounds), *warm_rows(paths, chosen.rounds)]
    versions = {side: described(path) for side, path in paths.items()}
    results = {"machine": machine, "versions": versions, "rounds": chosen.rounds, **results_of(found)}
    slower = [each["row"] for each in results["results"] if each["slower"]]
    print(f"\ngeometric mean new / old: {results['geometric_mean']}")
    print(f"above {SLOWER} twice: {', '.join(slower) or 'none'}")
    if not chosen.no_save:
        print(f"written: {write_results('versions', results)}; the table: python bench/report.py")


if __name__ == "__main__":
    main()
