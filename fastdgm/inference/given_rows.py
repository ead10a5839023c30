"""Rows drawn in networks of tables under known values that are others for each row."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ..data.evidence_rows import EvidenceBlock
from .completions import without_draws
from .exact import Exact
from .impossible import refuse_impossible

Array = npt.NDArray[Any]


def drawn_rows(exact: Exact, block: EvidenceBlock, key: int, start: int, n_per_row: int) -> Array:
    """x (n_vars, n * n_per_row) ~ p(x | e); ImpossibleEvidenceError for the first row whose evidence is impossible."""
    codes = exact.draws(block, key, start, n_per_row)
    refuse_impossible(exact.log_evidence, block, without_draws(exact, block, codes[:, ::n_per_row]), "draws")
    return codes
