"""What comes before speed: import, first calls cold and cached, reading, plans, peak memory of the command line.

Every measurement is a process of its own (``fresh.py``); ``run.py start-up`` starts this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from fresh import FAMILIES, ONE_LINE_KERNEL
from workloads import SHARED_DATA

HERE = Path(__file__).parent
UNITS = {"peak memory": "MiB", "file": "MiB"}
KERNEL = "one-line cached numba kernel"

Record = dict[str, Any]
Measured = dict[str, float]


def fresh(command: str, argument: str, cache: str | None = None) -> Measured:
    """Run one measurement in a new process, with a numba cache folder of its own where one is given."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    arguments = [sys.executable, str(HERE / "fresh.py"), command, argument]
    done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def one_line_kernel() -> Measured:
    """Its first call in a new process, from a cache that another process has filled."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one_line.py").write_text(ONE_LINE_KERNEL)
        fresh("one_line_kernel", folder, folder)
        return fresh("one_line_kernel", folder, folder)


def with_empty_cache(command: str, argument: str) -> Measured:
    """Run one measurement in a new process that has to compile everything."""
    with tempfile.TemporaryDirectory() as empty:
        return fresh(command, argument, empty)


class StartupRow(NamedTuple):
    """Something to measure in new processes; the first measurement is dropped where it only fills the cache."""

    measure: Callable[[], Measured]
    rounds: int = 10**9  # at most
    fills_cache: bool = False
    file: Path | None = None  # that it needs


def of_file(command: str, name: str) -> StartupRow:
    """Something done with a network of the optional data folder."""
    file = SHARED_DATA / "bif" / f"{name}.bif.gz"
    return StartupRow(partial(fresh, command, str(file)), file=file)


ROWS: dict[str, StartupRow] = {
    "import numpy": StartupRow(partial(fresh, "import_module", "numpy")),
    "import fastdgm": StartupRow(partial(fresh, "import_module", "fastdgm")),
    KERNEL: StartupRow(one_line_kernel),
    **{
        f"{family}, cold first": StartupRow(partial(with_empty_cache, "first_calls", family), rounds=3)
        for family in FAMILIES
    },
    **{
        f"{family}, cached first": StartupRow(partial(fresh, "first_calls", family), fills_cache=True)
        for family in FAMILIES
    },
    **{f"read {name}.bif.gz": of_file("read", name) for name in ("munin", "diabetes", "link")},
    "plans of alarm": StartupRow(partial(fresh, "plans", "alarm"), fills_cache=True),
    "plans of munin": of_file("plans", "munin"),
    "10,000,000 rows x 37 to Parquet:": StartupRow(partial(fresh, "parquet", "10000000"), rounds=1),
}


def measure_startup(rounds: int) -> list[Record]:
    """All rows, those of a round alternating; medians. Rows whose file is not at hand are named and left out."""
    present = {name: row for name, row in ROWS.items() if row.file is None or row.file.exists()}
    for name in ROWS.keys() - present.keys():
        print(f"left out: {name}, {ROWS[name].file} is absent")
    for row in present.values():
        if row.fills_cache:
            row.measure()
    runs: dict[str, list[Measured]] = {name: [] for name in present}
    for number in range(rounds):
        for name, row in present.items():
            if number < row.rounds:
                runs[name].append(row.measure())
    return startup_lines({name: {key: median(r[key] for r in own) for key in own[0]} for name, own in runs.items()})


def line(what: str, value: float, unit: str = "s") -> Record:
    """One line of the results."""
    return {"what": what, "value": float(f"{value:.4g}"), "unit": unit}


def startup_lines(found: dict[str, Measured]) -> list[Record]:
    """Medians by row -> lines; numba's import, by way of the one-line kernel, is taken off cached first calls."""
    kernel = found[KERNEL]["kernel"]
    above = found["import fastdgm"]["import"] - found["import numpy"]["import"]
    lines = [line("import fastdgm, above import numpy", above)]
    for name, own in found.items():
        for number, (key, value) in enumerate(own.items()):
            what = name if len(own) == 1 else f"{name} {key}"
            taken = kernel if name.endswith("cached first") and number == 0 else 0.0
            lines.append(line(what, value - taken, UNITS.get(key, "s")))
    return lines
