"""The loops of exact evidence, by verb and device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import junction

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("log evidence", "cpu"): junction.log_evidence_cpu,
    ("marginals", "cpu"): junction.marginals_cpu,
    ("expected counts", "cpu"): junction.expected_counts_cpu,
    ("most probable", "cpu"): junction.collect_max_cpu,
    ("draw", "cpu"): junction.draw_cpu,
}
