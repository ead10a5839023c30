"""Of the twins that add terms of several engines."""

from __future__ import annotations

from collections.abc import Iterator

from fastdgm.engines.program_loops_cuda import LOOPS

from .signature import Signature, array


def term_signatures() -> Iterator[Signature]:
    """All verbs."""
    totals = array("float64", 1)
    yield Signature("terms", "add", "", LOOPS["add", "cuda"], [totals, totals])
    yield Signature("terms", "clear", "", LOOPS["clear", "cuda"], [totals])
