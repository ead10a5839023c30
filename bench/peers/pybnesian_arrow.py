"""PyBNesian on its native data, an Arrow record batch of int8 dictionaries."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Peer


class PyBNesian(Peer):
    """PyBNesian has no way to set tables: its model is fitted to the rows first, outside the clock."""

    library, label = "pybnesian", "PyBNesian"
    native = "Arrow record batch, int8 dictionaries"
    note = "its tables are fitted to the rows"
    needs = ("pybnesian", "pyarrow")
    repeatable = False  # fit does nothing on a fitted model
    operations: ClassVar = {
        "sample": lambda self: self.fitted.sample(self.n_rows, seed=1),
        "log_prob": lambda self: self.fitted.logl(self.data),
        "fit": lambda self: self.structure.fit(self.data),
    }

    def open(self) -> None:
        import pyarrow as pa

        columns = {}
        for name, column in self.rows.items():
            labels = pa.array(self.model.states[name], pa.string())
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(column.astype(np.int8)), labels)
        self.data = pa.RecordBatch.from_pydict(columns)
        self.fitted = self._unfitted()
        self.fitted.fit(self.data)

    def prepare(self) -> None:
        self.structure = self._unfitted()

    def _unfitted(self) -> Any:
        import pybnesian

        return pybnesian.DiscreteBN(list(self.model.names), list(self.model.edges))
