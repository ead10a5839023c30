"""pgmpy on its native data, a pandas frame of categoricals. It has no per-row log-likelihood."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import fastdgm as fd

from .base import Library


class Pgmpy(Library):
    """pgmpy."""

    label = "pgmpy"
    native = "pandas frame, categoricals"
    note = "chooses its own number of threads; no log-likelihood per row"
    max_cells: ClassVar = {"sample": 1_000_000, "fit": 4_000_000}
    max_rows = 100_000
    max_variables = 100

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        import pgmpy.models  # noqa: F401  it sets up its logger when imported

        logging.getLogger("pgmpy").setLevel(logging.ERROR)
        self.model = net.to_pgmpy()
        self.frame = samples.to_pandas()
        self.structure = self._unfitted()

    def _unfitted(self) -> Any:
        from pgmpy.models import DiscreteBayesianNetwork

        model = DiscreteBayesianNetwork()
        model.add_nodes_from(self.net.names)
        model.add_edges_from(self.net.edges)
        return model

    def refresh(self) -> None:
        self.structure = self._unfitted()

    def sample(self) -> Any:
        return self.model.simulate(self.n_rows, seed=1, show_progress=False)

    def fit(self) -> Any:
        return self.structure.fit(self.frame)
