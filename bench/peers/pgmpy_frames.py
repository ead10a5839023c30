"""pgmpy on its native data, a pandas frame of categoricals. It has no per-row log-likelihood."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from .base import Peer


class Pgmpy(Peer):
    """pgmpy."""

    library = "pgmpy"
    label = "pgmpy"
    native = "pandas frame, categoricals"
    needs = ("pgmpy", "pandas")
    note = "chooses its own number of threads; no log-likelihood per row"
    repeatable = False  # fit changes the structure
    max_cells: ClassVar = {"sample": 1_000_000, "fit": 4_000_000}
    max_rows = 100_000
    max_variables = 100

    def open(self) -> None:
        import pgmpy.models  # noqa: F401  it sets up its logger when imported

        logging.getLogger("pgmpy").setLevel(logging.ERROR)
        self.complete = self.model.to_pgmpy()
        self.frame = self.rows.to_pandas()
        self.structure = self._unfitted()

    def _unfitted(self) -> Any:
        from pgmpy.models import DiscreteBayesianNetwork

        structure = DiscreteBayesianNetwork()
        structure.add_nodes_from(self.model.names)
        structure.add_edges_from(self.model.edges)
        return structure

    def prepare(self) -> None:
        self.structure = self._unfitted()

    def sample(self) -> Any:
        return self.complete.simulate(self.n_rows, seed=1, show_progress=False)

    def fit(self) -> Any:
        return self.structure.fit(self.frame)

    operations: ClassVar = {"sample": sample, "fit": fit}
