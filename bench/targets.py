"""The targets that fastdgm sets itself, and whether a run met them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Results = dict[str, Any]

MAIN = "alarm-1M"
LARGE = ("pigs-100k", "munin-100k")
LARGE_SLACK = 1.5
PEERS = ("numpy", "numpy-tuned", "jax", "pybnesian", "pyagrum", "pgmpy")
RATIOS = (  # operation, threads, rival, at least so many times as fast; both NumPy versions work column by column
    ("sample", 1, "numpy", 20.0),
    ("sample", 2, "numpy", 38.0),
    ("sample", 1, "numpy-tuned", 20.0),
    ("sample", 2, "numpy-tuned", 38.0),
    ("sample", 1, "pybnesian", 22.0),
    ("sample", 2, "pybnesian", 40.0),
    ("log_prob", 1, "pybnesian", 8.0),
    ("log_prob", 2, "pybnesian", 15.0),
    ("fit", 1, "pybnesian", 3.0),
    ("fit", 2, "pybnesian", 3.0),
)


class Row(NamedTuple):
    """One line of the verdict. ``target`` is None where the line only informs; ``at_least`` says which way it goes."""

    what: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """``met``, ``NOT MET``, or nothing."""
        if self.target is None:
            return ""
        return "met" if (self.value >= self.target if self.at_least else self.value <= self.target) else "NOT MET"


def ns_per_cell(results: Results, workload: str, operation: str, library: str) -> float | None:
    """A library's median, or None where it was not measured."""
    wanted = (workload, operation, library)
    for record in results["results"]:
        if (record["workload"], record["operation"], record["library"]) == wanted:
            return record["ns_per_cell"]
    return None


def best_peer(results: Results, workload: str, operation: str) -> tuple[str, float] | None:
    """The fastest of all rivals and its ns per cell."""
    found = [(ns_per_cell(results, workload, operation, peer), peer) for peer in PEERS]
    timed = [(ns, peer) for ns, peer in found if ns is not None]
    return (min(timed)[1], min(timed)[0]) if timed else None


def compare_rows(results: Results) -> list[Row]:
    """The verdict on a run of compare.py."""
    rows = [*_ratio_rows(results, MAIN, 1.0), *_best_peer_rows(results, MAIN)]
    for workload in LARGE:
        rows += [*_ratio_rows(results, workload, LARGE_SLACK), *_best_peer_rows(results, workload)]
    return rows + _extra_rows(results)


def _ratio_rows(results: Results, workload: str, slack: float) -> Iterable[Row]:
    for operation, threads, rival, at_least in RATIOS:
        ours = ns_per_cell(results, workload, operation, f"fastdgm-{threads}")
        theirs = ns_per_cell(results, workload, operation, rival)
        if ours and theirs:
            what = f"{workload} {operation}, {threads} thread(s), against {rival}"
            yield Row(what, theirs / ours, "x", at_least / slack, at_least=True)


def _best_peer_rows(results: Results, workload: str) -> Iterable[Row]:
    for operation in ("sample", "log_prob", "fit"):
        peer = best_peer(results, workload, operation)
        for threads in (1, 2):
            ours = ns_per_cell(results, workload, operation, f"fastdgm-{threads}")
            if ours and peer:
                what = f"{workload} {operation}, {threads} thread(s)"
                yield Row(what, ours, "ns per cell")
                yield Row(f"{what}, against the fastest rival ({peer[0]})", peer[1] / ours, "x")


def _extra_rows(results: Results) -> list[Row]:
    median = {(r["measurement"], r["contestant"]): r["median_s"] for r in results["extras"]}
    rows = []
    for threads in (1, 2):
        rows += _int64_row(median, threads)
        rows += _quotient(median, "sample to pandas", "sample to pandas", "sample", threads, 2.0)
        rows += _quotient(median, "fit from pandas", "fit from pandas", "fit", threads, 1.5)
    for (measurement, contestant), seconds in median.items():
        if measurement == "one row of asia":
            rows.append(Row(f"one row of asia: {contestant}", seconds * 1e6, "us per call", 30.0))
    return rows


def _int64_row(median: dict[tuple[str, str], float], threads: int) -> Sequence[Row]:
    own = {contestant: s for (measurement, contestant), s in median.items() if measurement == "row-major int64"}
    reads = [(s, name) for name, s in own.items() if name.startswith("read") and name.endswith(f", {threads}")]
    if not reads:
        return ()
    read, name = min(reads)
    columns = own[f"log_prob columns, {threads}"]
    value = own[f"log_prob int64 rows, {threads}"] / (columns + read)
    how = name.removesuffix(f", {threads}")
    return (Row(f"log_prob of int64 rows / (of columns + {how}), {threads} thread(s)", value, "x", 1.5),)


def _quotient(
    median: dict[tuple[str, str], float], measurement: str, above: str, below: str, threads: int, target: float
) -> Sequence[Row]:
    over, under = median.get((measurement, f"{above}, {threads}")), median.get((measurement, f"{below}, {threads}"))
    if over is None or under is None:
        return ()
    return (Row(f"{above} / {below}, {threads} thread(s)", over / under, "x", target),)


def startup_rows(results: Results) -> list[Row]:
    """The verdict on a run of startup.py; it names its own targets."""
    return [Row(r["what"], r["value"], r["unit"], r["target"]) for r in results["results"]]


def print_rows(rows: Sequence[Row]) -> None:
    """The verdict as a table."""
    if not rows:
        return
    width = max(len(row.what) for row in rows)
    for row in rows:
        sign = ">=" if row.at_least else "<="
        target = "" if row.target is None else f"{sign} {row.target:.4g}"
        print(f"{row.what:{width}}  {row.value:>9.4g} {row.unit:12} {target:>10}  {row.verdict}".rstrip())
