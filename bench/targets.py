"""The targets that fastdgm sets itself, and whether a run met them: one table for all suites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evidence_targets import EVIDENCE_TARGETS
from gpu_targets import GPU_TARGETS
from timings import Target, Timing, at_most, faster, scaling

Record = dict[str, Any]

CALL_UNITS = {"ms per call": 1e3, "us per call": 1e6}
READS = ("read", "read-max", "read-sum", "read-or")  # of kept results the fastest reduction counts


TABLES = (  # operation, rival, times as fast on one thread and on two; both NumPy versions work column by column
    ("sample", "numpy", 20.0, 38.0),
    ("sample", "numpy-tuned", 20.0, 38.0),
    ("sample", "pybnesian", 22.0, 40.0),
    ("log_prob", "pybnesian", 8.0, 15.0),
    ("fit", "pybnesian", 3.0, 3.0),
)
SLACK = {"alarm-1M": 1.0, "pigs-100k": 1.5, "munin-100k": 1.5}  # large networks may be slower per cell
TARGETS: dict[str, tuple[Target, ...]] = {
    "tables": (
        *(
            faster(workload, operation, rival, times / slack, threads)
            for workload, slack in SLACK.items()
            for operation, rival, *limits in TABLES
            for threads, times in enumerate(limits, start=1)
        ),
        *(
            at_most(
                "alarm-1M-forms",
                Timing("log_prob of int64 rows", threads=threads),
                (Timing("log_prob", threads=threads), Timing("log_prob of int64 rows", READS, threads)),
                1.5,
            )
            for threads in (1, 2)
        ),
        *(
            at_most("alarm-1M-forms", Timing(form, threads=threads), (Timing(plain, threads=threads),), limit)
            for form, plain, limit in (("sample to pandas", "sample", 2.0), ("fit from pandas", "fit", 1.5))
            for threads in (1, 2)
        ),
        *(
            at_most("asia-1", Timing(operation), (), 30.0, "us per row")
            for operation in ("sample", "log_prob", "log_prob of int64 rows")
        ),
    ),
    "autoregressive": (
        *(
            at_most(f"made-784-500-{n}", Timing("sample"), (Timing("log_prob", ("torch-baked",)),), limit)
            for n, limit in ((1000, 0.45), (100, 0.65))  # of one pass through the network
        ),
        faster("made-784-500-1000", "sample", "naive", 1000),
        faster("made-784-500-100", "sample", "naive", 1000),
        faster("made-784-500-1000", "log_prob", "torch-masked", 1.5),
        faster("fvsbn-784-1000", "sample", "prefix-loop", 10),
        faster("fvsbn-784-1000", "log_prob", "torch-masked", 1.5),
        *(
            faster(f"nade-784-500-{ones}-1000", operation, "step-loop", times)
            for ones, times in (("half", 6), ("few", 11))
            for operation in ("sample", "log_prob")
        ),
        faster("zuko-784-500", "sample", "zuko", 1500),
        faster("training-made-784-500", "fit", "torch-adam", 1.0),
        *(
            scaling(f"{workload}-1000-2t", operation)
            for workload in ("made-784-500", "fvsbn-784", "nade-784-500-half", "nade-784-500-few")
            for operation in ("sample", "log_prob")
        ),
        at_most("chain-text", Timing("log_prob"), (), 3.0, "ns per cell"),
        at_most(
            "chain-text", Timing("count"), (), 3.0, "ns per cell"
        ),  # of kept results: fit is measured as a whole now
        at_most("chain-rows", Timing("sample"), (), 10.0, "ns per cell"),
    ),
    "hybrid": (
        faster("linear-100-float32", "log_prob", "torch-nodes", 8.0),
        faster("linear-100-float32", "sample", "torch-nodes", 6.0),
        faster("linear-100-float64", "log_prob", "pybnesian", 4.0),
        faster("linear-100-float64", "sample", "pybnesian", 4.0),
        faster("linear-100-float64", "fit", "pybnesian", 5.0),
        *(
            faster(f"mixture-8x100-{kind}", operation, "sklearn", times)
            for kind in ("float32", "float64")
            for operation, times in (("log_prob", 3.0), ("sample", 6.0), ("EM step", 3.0))
        ),
        *(
            at_most("clg-8", Timing(operation), (), limit, "ns per cell")
            for operation, limit in (("sample", 36 / 6), ("log_prob", 12 / 6), ("fit", 34 / 6))  # of R's bnlearn
        ),
        faster("naive-bayes-100", "predict_proba", "sklearn", 12.0),
        at_most("normals-float32", Timing("normals"), (), 1.2, "ns per cell"),
        at_most("normals-float64", Timing("normals"), (), 3.5, "ns per cell"),
        *(
            scaling(workload, operation, 1.8)
            for workload, operations in (
                ("linear-100-float32", ("sample", "log_prob", "fit")),
                ("linear-100-float64", ("sample", "log_prob", "fit")),
                ("clg-8", ("sample", "log_prob", "fit")),
                ("mixture-8x100-float32", ("sample", "log_prob", "EM step")),
                ("naive-bayes-100", ("predict_proba",)),
            )
            for operation in operations
        ),
    ),
    "evidence": EVIDENCE_TARGETS,
    "gpu": tuple(GPU_TARGETS.values()),
    "neural": tuple(
        target
        for threads in (1, 2)
        for target in (
            at_most("vae-784", Timing("sample", threads=threads), (Timing("sample", ("decoder",), threads),), 1.05),
            at_most(
                "training-vae-784",
                Timing("fit", threads=threads),
                (Timing("fit", ("torch-adam", "torch-adam-fused"), threads),),
                1.10,
            ),
            at_most(
                "mixed-101",
                Timing("log_prob", threads=threads),
                (Timing("log_prob", ("perceptron",), threads), Timing("log_prob", ("kernels",), threads)),
                1.10,
            ),
            Target(
                "gradients-100",
                Timing("log_prob and backward", ("torch-nodes",), threads),
                (Timing("log_prob and backward", threads=threads),),
                5.0,
            ),
            at_most(
                "made-context-784",
                Timing("sample", threads=threads),
                (Timing("sample", ("made-alone",), threads),),
                1.1,
            ),
        )
    ),
}
STARTUP_LIMITS = {
    "import fastdgm, above import numpy": 0.1,
    **{f"BayesNet, cold first {verb}": 6.0 for verb in ("log_prob", "sample")},
    **{f"BayesNet, cached first {verb}": 0.2 for verb in ("log_prob", "sample")},
    **{
        f"{family}, {kind} first {verb}": limit
        for family in ("MADE", "NADE", "MarkovChain")
        for kind, limit in (("cold", 15.0), ("cached", 0.5))
        for verb in ("log_prob", "sample", "fit")
    },
    "read munin.bif.gz": 1.0,
    "read diabetes.bif.gz": 1.5,
    "read link.bif.gz": 0.5,
    "plans of alarm": 0.05,
    "plans of munin": 1.0,
    "10,000,000 rows x 37 to Parquet: peak memory": 500 * 1e6 / 2**20,  # MiB
}


class Verdict(NamedTuple):
    """One line: a value, what it should be, and whether it is."""

    what: str
    value: float
    unit: str
    limit: float | None
    at_least: bool = False

    @property
    def target(self) -> str:
        """In words; empty where the line only informs."""
        return "" if self.limit is None else f"{'at least' if self.at_least else 'at most'} {self.limit:.4g}"

    @property
    def met(self) -> str:
        """``met``, ``NOT MET``, or nothing."""
        if self.limit is None:
            return ""
        return "met" if (self.value >= self.limit if self.at_least else self.value <= self.limit) else "NOT MET"


def verdicts(suite: str, records: Sequence[Record]) -> list[Verdict]:
    """Of a suite's results; targets that were not measured are left out."""
    if suite not in TARGETS:
        return [Verdict(r["what"], r["value"], r["unit"], STARTUP_LIMITS.get(r["what"])) for r in records]
    return [verdict for target in TARGETS[suite] if (verdict := judge(target, records)) is not None]


def judge(target: Target, records: Sequence[Record]) -> Verdict | None:
    """One target; None where something was not measured."""
    above = target.above.find(records, target.workload)
    below = [timing.find(records, target.workload) for timing in target.below]
    if above is None or any(record is None for record in below):
        return None
    if below:
        value = per_row(above) / sum(per_row(record) for record in below if record)
    elif target.unit == "us per row":
        value = per_row(above) * 1e6
    elif target.unit in CALL_UNITS:
        value = above["median_s"] * CALL_UNITS[target.unit]
    else:
        value = per_row(above) / above["variables"] * 1e9
    over = " + ".join(described(record) for record in below if record)
    what = f"{target.workload}: {described(above)}" + (f" / {f'({over})' if len(below) > 1 else over}" if over else "")
    return Verdict(what, value, target.unit, target.limit, target.at_least)


def per_row(record: Record) -> float:
    """Seconds; slow libraries are measured on fewer rows."""
    return record["median_s"] / record["rows"]


def described(record: Record) -> str:
    """An operation of a library."""
    threads = f" on {record['threads']} threads" if record["threads"] > 1 else ""
    return f"{record['operation']} by {record['label']}{threads}"


def print_verdicts(rows: Sequence[Verdict]) -> None:
    """As a table."""
    width = max((len(row.what) for row in rows), default=0)
    for row in rows:
        print(f"{row.what:{width}}  {row.value:>9.4g} {row.unit:12} {row.target:>16}  {row.met}".rstrip())
