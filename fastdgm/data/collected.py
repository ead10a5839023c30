"""Lazy tables and streams: read once, into a table that is there."""

from __future__ import annotations

import sys
from typing import Any


def collected(data: Any) -> Any:
    """A polars LazyFrame, a pyarrow Dataset, Scanner or RecordBatchReader as a table; anything else as it is.

    Examples
    --------
    >>> import polars as pl
    >>> collected(pl.LazyFrame({"a": [0, 1]})).shape
    (2, 1)
    """
    polars = sys.modules.get("polars")  # who has not imported it has no LazyFrame
    if polars is not None and isinstance(data, polars.LazyFrame):
        return data.collect()
    dataset = sys.modules.get("pyarrow.dataset")
    if dataset is not None and isinstance(data, dataset.Dataset | dataset.Scanner):
        return data.to_table()
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader):
        return data.read_all()
    return data
