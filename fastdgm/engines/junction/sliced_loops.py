"""The loops of sliced elimination, by verb and device; those of the GPU are in sliced_loops_cuda.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import sliced_answers, sliced_lowering, sliced_rows

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("load rows", "cpu"): sliced_rows.load_rows_cpu,
    ("lower rows", "cpu"): sliced_lowering.lower_rows_cpu,
    ("log evidence", "cpu"): sliced_answers.log_evidence_cpu,
    ("marginals", "cpu"): sliced_answers.marginals_cpu,
    ("expected counts", "cpu"): sliced_answers.expected_counts_cpu,
    ("most probable", "cpu"): sliced_answers.most_probable_cpu,
    ("draw", "cpu"): sliced_answers.draw_cpu,
}
