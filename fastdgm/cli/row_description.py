"""Row files described in words: how many rows, and how many values are missing of which variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..bayesnet import BayesNet
from .inputs import Inputs
from .missing import missing_counts
from .models import NetworkRows


def row_description(net: BayesNet, data: list[str], chunk: int | None, ignore_extra: bool) -> str:
    """Counts of rows and missing values. Raises ValueError for rows that are none of the network's."""
    own = NetworkRows(net)
    n_rows, counts = 0, Counter[str]()
    with Inputs(data) as inputs:
        rows_per_chunk = own.rows_per_chunk(chunk)
        for first, rows in inputs.read(own.schema.names, own.schema, rows_per_chunk, ignore_extra=ignore_extra):
            with inputs.located(first):
                counts.update(missing_counts(rows, own.schema))
            n_rows += len(rows)
    return missing_text(counts, n_rows, own.n_cells)


def missing_text(counts: Mapping[str, int], n_rows: int, n_cells: int) -> str:
    """As aligned lines, one for each variable of which any value is missing.

    Examples
    --------
    >>> print(missing_text({"smoke": 3, "xray": 0}, 20, 8))
    rows                20
    missing values      3 of 160 (1.9 %)
      smoke             3 of 20 (15.0 %)
    """
    total, of = sum(counts.values()), n_rows * n_cells
    lines = [("rows", str(n_rows)), ("missing values", _share(total, of) if total else "none")]
    lines += [(f"  {name}", _share(n, n_rows)) for name, n in counts.items() if n]
    return "\n".join(f"{what:<20}{value}" for what, value in lines)


def _share(n: int, of: int) -> str:
    return f"{n} of {of} ({100.0 * n / of:.1f} %)"
