"""pgmpy's exact inference, row by row."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from evidence_rows import AT_RANDOM, evidence_of, patterns

from .base import Peer
from .ours_evidence import of_patterns


class PgmpyEvidence(Peer):
    """VariableElimination, asked for one marginal after another; it does not tell p(e)."""

    library = label = "pgmpy"
    native = "a dict of state names per row"
    note = "a query for each missing value: several at once are computed from the table of all of them"
    needs = ("pgmpy",)

    def open(self) -> None:
        import pgmpy.models  # noqa: F401  it sets up its logger when imported
        from pgmpy.inference import VariableElimination

        logging.getLogger("pgmpy").setLevel(logging.ERROR)
        model = self.model
        self.engine = VariableElimination(model.to_pgmpy())
        self.evidence = {
            what: [{name: model.states[name][k] for name, k in evidence_of(model, row).items()} for row in codes]
            for what, codes in patterns(model, self.rows).items()
            if what in AT_RANDOM
        }

    def marginals(self, what: str) -> list[dict[str, Any]]:
        found = []
        for known in self.evidence[what]:
            hidden = [name for name in self.model.names if name not in known]
            found.append({name: self.engine.query([name], known, show_progress=False) for name in hidden})
        return found

    operations: ClassVar = of_patterns("marginals", marginals)
    max_rounds: ClassVar = dict.fromkeys(operations, 1)
