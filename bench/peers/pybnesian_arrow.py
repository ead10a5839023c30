"""PyBNesian on its native data, an Arrow record batch of int8 dictionaries."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Peer


class PyBNesian(Peer):
    """PyBNesian has no way to set tables: its model is fitted to the rows first, outside the clock."""

    library = "pybnesian"
    label = "PyBNesian"
    native = "Arrow record batch, int8 dictionaries"
    needs = ("pybnesian", "pyarrow")
    note = "its tables are fitted to the rows"
    repeatable = False  # fit does nothing on a fitted model

    def open(self) -> None:
        import pyarrow as pa

        columns = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(column.astype(np.int8)), pa.array(self.model.states[name], pa.string())
            )
            for name, column in self.rows.items()
        }
        self.data = pa.RecordBatch.from_pydict(columns)
        self.fitted = self._unfitted()
        self.fitted.fit(self.data)
        self.structure = self._unfitted()

    def _unfitted(self) -> Any:
        import pybnesian

        return pybnesian.DiscreteBN(list(self.model.names), list(self.model.edges))

    def prepare(self) -> None:
        self.structure = self._unfitted()

    def sample(self) -> Any:
        return self.fitted.sample(self.n_rows, seed=1)

    def log_prob(self) -> np.ndarray:
        return self.fitted.logl(self.data)

    def fit(self) -> Any:
        self.structure.fit(self.data)
        return self.structure

    operations: ClassVar = {"sample": sample, "log_prob": log_prob, "fit": fit}
