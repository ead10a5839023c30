"""PyBNesian on its native data, an Arrow record batch of int8 dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastdgm as fd

from .base import Library


class PyBNesian(Library):
    """PyBNesian has no way to set tables: its model is fitted to the rows first, outside the clock."""

    label = "PyBNesian"
    native = "Arrow record batch, int8 dictionaries"
    note = "its tables are fitted to the rows"

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        import pyarrow as pa

        columns = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(column.astype(np.int8)), pa.array(net.states[name], pa.string())
            )
            for name, column in samples.items()
        }
        self.data = pa.RecordBatch.from_pydict(columns)
        self.model = self._unfitted()
        self.model.fit(self.data)
        self.structure = self._unfitted()

    def _unfitted(self) -> Any:
        import pybnesian

        return pybnesian.DiscreteBN(list(self.net.names), list(self.net.edges))

    def refresh(self) -> None:
        self.structure = self._unfitted()  # fit does nothing on a fitted model

    def sample(self) -> Any:
        return self.model.sample(self.n_rows, seed=1)

    def log_prob(self) -> np.ndarray:
        return self.model.logl(self.data)

    def fit(self) -> Any:
        self.structure.fit(self.data)
        return self.structure
