"""pgmpy on its native data, a pandas frame of categoricals. It has no per-row log-likelihood."""

from __future__ import annotations

import logging
from typing import ClassVar

from .base import Peer


class Pgmpy(Peer):
    """pgmpy."""

    library = label = "pgmpy"
    native = "pandas frame, categoricals"
    note = "chooses its own number of threads; no log-likelihood per row"
    needs = ("pgmpy", "pandas")
    repeatable = False  # fit changes the structure
    max_cells: ClassVar = {"sample": 1_000_000, "fit": 4_000_000}
    max_rows = 100_000
    max_variables = 100
    operations: ClassVar = {
        "sample": lambda self: self.complete.simulate(self.n_rows, seed=1, show_progress=False),
        "fit": lambda self: self.structure.fit(self.frame),
    }

    def open(self) -> None:
        import pgmpy.models  # noqa: F401  it sets up its logger when imported

        logging.getLogger("pgmpy").setLevel(logging.ERROR)
        self.complete, self.frame = self.model.to_pgmpy(), self.rows.to_pandas()

    def prepare(self) -> None:
        from pgmpy.models import DiscreteBayesianNetwork

        self.structure = DiscreteBayesianNetwork()
        self.structure.add_nodes_from(self.model.names)
        self.structure.add_edges_from(self.model.edges)
