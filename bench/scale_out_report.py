"""The section about more than one process: dask's workers against one process with as many threads."""

from __future__ import annotations

from typing import Any

from markdown_tables import bold, digits, duration, markdown

Record = dict[str, Any]
LIMITS = {"write": 1.15, "fit": 1.2}  # times as long as one process takes
WORKER_BYTES = 1 << 30  # at most, of a worker that writes
WHAT = {"write": "sample to Parquet", "fit": "fit of those files"}


def scale_out_section(results: dict[str, Any] | None) -> list[str]:
    """Both times, the ratio, memory, and whether rows and tables are the same."""
    if results is None:
        return []
    rows = results["results"][0]["rows"]
    return [
        "## More than one process: dask",
        f"ALARM (37 variables), {rows:,} rows: two workers of dask's `LocalCluster`, a thread each, against one "
        "process with two threads, in which `fit` has all rows in memory. Compiling and starting are outside the "
        "clock. Rows were compared by hashes of all columns, also with those of `net.sample`, tables bit by bit. "
        "`python bench/scale_out/run.py`.",
        markdown(
            ["", "one process", "two workers", "times as long", "target", "the same", "memory of a worker", "of one"],
            [_line(record) for record in results["results"]],
        ),
        f"{results['machine']['processor']}, {results['machine']['cores']} cores, {results['machine']['date'][:10]}.",
    ]


def _line(record: Record) -> list[str]:
    limit = LIMITS[record["operation"]]
    missed = record["ratio"] > limit
    large = record["operation"] == "write" and record["worker_bytes"] > WORKER_BYTES
    return [
        WHAT[record["operation"]],
        duration(record["one_s"]),
        duration(record["dask_s"]),
        digits(record["ratio"]),
        bold(f"at most {digits(limit)}{', NOT MET' if missed else ''}", missed),
        bold("yes" if record["same"] else "NO", not record["same"]),
        bold(_mib(record["worker_bytes"]), large),
        _mib(record["one_bytes"]),
    ]


def _mib(n_bytes: int) -> str:
    return f"{n_bytes >> 20:,} MiB"
