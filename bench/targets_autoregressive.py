"""The targets of the autoregressive models, and whether a run of autoregressive.py met them."""

from __future__ import annotations

from typing import Any, NamedTuple

from targets import Row

Results = dict[str, Any]
Record = dict[str, Any]


class Ratio(NamedTuple):
    """``rival`` divided by ``fastdgm`` in the same group: at least ``target`` times as fast (None: only informs)."""

    group: str
    model: str
    rows: int
    operation: str
    rival: str
    target: float | None
    ones: str | None = None
    threads: int = 1


MADE = "MADE 784-500"
NADE = "NADE 784-500"

RATIOS = (
    Ratio("made", MADE, 1000, "sample", "naive", 1000),
    Ratio("made", MADE, 100, "sample", "naive", 1000),
    Ratio("made", MADE, 1, "sample", "naive", None),
    Ratio("made", MADE, 1000, "sample", "prefix-loop", None),
    Ratio("made", MADE, 100, "sample", "prefix-loop", None),
    Ratio("made", MADE, 1, "sample", "prefix-loop", None),
    Ratio("made", MADE, 1000, "log_prob", "torch-masked", 1.5),
    Ratio("made", MADE, 1000, "log_prob", "torch-baked", None),
    Ratio("made", MADE, 100, "log_prob", "torch-masked", None),
    Ratio("made", MADE, 1, "log_prob", "torch-masked", None),
    Ratio("fvsbn", "FVSBN 784", 1000, "sample", "prefix-loop", 10),
    Ratio("fvsbn", "FVSBN 784", 100, "sample", "prefix-loop", None),
    Ratio("fvsbn", "FVSBN 784", 1000, "sample", "naive", None),
    Ratio("fvsbn", "FVSBN 784", 1000, "log_prob", "torch-masked", 1.5),
    Ratio("fvsbn", "FVSBN 784", 1000, "log_prob", "torch-baked", None),
    *(
        Ratio("nade", NADE, 1000, operation, rival, target if rival == "step-loop" else None, ones)
        for ones, target in (("50 %", 6), ("15 %", 11))
        for operation in ("sample", "log_prob")
        for rival in ("step-loop", "step-loop-ones")
    ),
    Ratio("flows", "zuko MAF 784-500", 100, "sample", "zuko", 1500),
    Ratio("flows", "zuko MAF 784-500", 100, "log_prob", "zuko", None),
    Ratio("flows", "nflows MAF 784-500-500", 100, "sample", "nflows", None),
    Ratio("training", MADE, 50_000, "fit", "torch-adam", 1.0),
    Ratio("training", MADE, 50_000, "fit", "torch-adam-fused", None),
    Ratio("training-2", MADE, 50_000, "fit", "torch-adam", None, None, 2),
)

OF_ONE_PASS = ((1000, 0.45), (100, 0.65))  # rows, sampling time divided by that of one torch log_prob pass
SCALING = (  # group, model, operation: two threads against one
    ("made-2", MADE, "sample"),
    ("made-2", MADE, "log_prob"),
    ("fvsbn-2", "FVSBN 784", "sample"),
    ("fvsbn-2", "FVSBN 784", "log_prob"),
    ("nade-2", NADE, "sample"),
    ("nade-2", NADE, "log_prob"),
    ("training-2", MADE, "fit"),
)
PER_CHARACTER = {"log_prob": 3.0, "count": 3.0, "sample": 10.0}  # ns


def find(results: Results, **wanted: Any) -> Record | None:
    """The first record with these values."""
    return next((r for r in results["results"] if all(r.get(key) == value for key, value in wanted.items())), None)


def ratio(results: Results, wanted: Ratio) -> tuple[Record, Record] | None:
    """The records of fastdgm and of the rival, None where one is missing."""
    where = {"group": wanted.group, "model": wanted.model, "rows": wanted.rows, "operation": wanted.operation}
    if wanted.ones is not None:
        where["ones"] = wanted.ones
    own = find(results, **where, method="fastdgm", threads=wanted.threads)
    other = find(results, **where, method=wanted.rival)
    return (own, other) if own and other else None


def autoregressive_rows(results: Results) -> list[Row]:
    """The verdict, line by line; what was not measured is left out."""
    return [
        *_one_pass_rows(results),
        *_ratio_rows(results),
        *_scaling_rows(results),
        *_markov_rows(results),
        *_start_up_rows(results),
        *_check_rows(results),
    ]


def _ratio_rows(results: Results) -> list[Row]:
    rows = []
    for wanted in RATIOS:
        found = ratio(results, wanted)
        if found:
            own, other = found
            ones = f", {wanted.ones} ones" if wanted.ones else ""
            threads = f", {wanted.threads} threads" if wanted.threads > 1 else ""
            what = f"{wanted.model} {wanted.operation}, {wanted.rows:,} rows{ones}{threads}, against {other['label']}"
            rows.append(Row(what, other["median_s"] / own["median_s"], "x", wanted.target, at_least=True))
    return rows


def _one_pass_rows(results: Results) -> list[Row]:
    rows = []
    for n, target in OF_ONE_PASS:
        own = find(results, group="made", model=MADE, rows=n, operation="sample", method="fastdgm")
        one = find(results, group="made", model=MADE, rows=n, operation="log_prob", method="torch-baked")
        if own and one:
            what = f"{MADE} sample, {n:,} rows, of one torch log_prob pass"
            rows.append(Row(what, own["median_s"] / one["median_s"], "x", target))
    return rows


def _scaling_rows(results: Results) -> list[Row]:
    rows = []
    for group, model, operation in SCALING:
        where = {"group": group, "model": model, "operation": operation, "method": "fastdgm"}
        one, two = (find(results, **where, threads=threads) for threads in (1, 2))
        if one and two:
            what = f"{model} {operation}, {one['rows']:,} rows, two threads against one"
            target = None if operation == "fit" else 1.7
            rows.append(Row(what, one["median_s"] / two["median_s"], "x", target, at_least=True))
    return rows


def _markov_rows(results: Results) -> list[Row]:
    rows = []
    for record in results["results"]:
        if record["group"] == "markov":
            target = PER_CHARACTER.get(record["operation"]) if record["method"] == "fastdgm" else None
            what = f"{record['model']} {record['operation']}: {record['label']}"
            rows.append(Row(what, record["ns_per_character"], "ns per char", target))
    return rows


def _start_up_rows(results: Results) -> list[Row]:
    rows = []
    for record in results["results"]:
        if record.get("start_up"):
            kind = record["operation"].partition(" ")[0]
            target = {"cold": 15.0, "cached": 0.5}.get(kind)
            rows.append(
                Row(f"{record.get('model', '')} {record['operation']}".strip(), record["median_s"], "s", target)
            )
    return rows


def _check_rows(results: Results) -> list[Row]:
    failed = [each for each in results["checks"] if not each["passed"]]
    return [Row(f"checks that failed, of {len(results['checks'])}", len(failed), "", 0.0)] if results["checks"] else []
