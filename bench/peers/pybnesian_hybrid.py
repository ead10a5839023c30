"""PyBNesian's linear-Gaussian and conditional linear-Gaussian networks, on Arrow record batches."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Peer


class PyBNesianHybrid(Peer):
    """Discrete columns as int8 dictionaries. What its model draws from and scores by, it has learnt from the rows."""

    library, label = "pybnesian", "PyBNesian"
    native = "Arrow record batch"
    note = "its parameters are fitted to the rows"
    needs = ("pybnesian", "pyarrow")
    repeatable = False  # fit does nothing on a fitted model
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3, "fit": 3}
    max_cells: ClassVar = {"sample": 20_000_000}
    operations: ClassVar = {
        "sample": lambda self: self.fitted.sample(self.n_rows, seed=1),
        "log_prob": lambda self: self.fitted.logl(self.data),
        "fit": lambda self: self.structure.fit(self.data),
    }

    def open(self) -> None:
        import pyarrow as pa

        self.data = pa.RecordBatch.from_pydict({name: self._column(name) for name in self.model.names})
        self.fitted = self._unfitted()
        self.fitted.fit(self.data)

    def prepare(self) -> None:
        self.structure = self._unfitted()

    def _column(self, name: str) -> Any:
        import pyarrow as pa

        column = np.ascontiguousarray(self.rows[name])
        if name not in self.model.states:
            return pa.array(column)
        return pa.DictionaryArray.from_arrays(pa.array(column.astype(np.int8)), pa.array(self.model.states[name]))

    def _unfitted(self) -> Any:
        import pybnesian

        kind = pybnesian.CLGNetwork if self.model.states else pybnesian.GaussianNetwork
        if not self.model.states:
            return kind(list(self.model.names), list(self.model.edges))
        types = [
            (name, pybnesian.DiscreteFactorType() if name in self.model.states else pybnesian.LinearGaussianCPDType())
            for name in self.model.names
        ]
        return kind(list(self.model.names), list(self.model.edges), types)
