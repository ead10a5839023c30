"""pyAgrum's LazyPropagation, row by row: it has no batches. Its tables are set in memory."""

from __future__ import annotations

from typing import Any, ClassVar

from evidence_rows import ONE_HIDDEN, evidence_of, hidden_cases, one_hidden, partial, patterns

from .base import Peer
from .ours_evidence import of_patterns


class PyAgrumEvidence(Peer):
    """One inference engine, which is told the evidence of each row."""

    library, label = "pyagrum", "pyAgrum LazyPropagation"
    native = "a dict of codes per row"
    note = "a Python loop over rows; marginals of what is missing"
    needs = ("pyagrum",)

    def open(self) -> None:
        import pyagrum

        pyagrum.setNumberOfThreads(1)
        self.engine = pyagrum.LazyPropagation(self.model.to_pyagrum())
        self.names, self.hidden = self.model.names, one_hidden(self.model)
        self.evidence = {what: self.known(own) for what, own in patterns(self.model, self.rows).items()}

    def known(self, codes: Any) -> list[dict[str, int]]:
        return [evidence_of(self.model, row) for row in codes]

    def log_prob(self, what: str) -> list[float]:
        """p(e) of all rows; its logarithm is left to the reader."""
        found = []
        for known in self.evidence[what]:
            self.engine.setEvidence(known)
            found.append(self.engine.evidenceProbability())
        return found

    def marginals(self, what: str) -> list[dict[str, Any]]:
        found = []
        for known in self.evidence[what]:
            self.engine.setEvidence(known)
            self.engine.makeInference()
            found.append({name: self.engine.posterior(name).toarray() for name in self.names if name not in known})
        return found

    operations: ClassVar = {
        **of_patterns("log_prob", log_prob, ONE_HIDDEN),
        **of_patterns("marginals", marginals),
        f"predict_proba, {ONE_HIDDEN}": lambda self: self.marginals(ONE_HIDDEN),
    }
    max_rounds: ClassVar = dict.fromkeys(operations, 3)


class PyAgrumCases(PyAgrumEvidence):
    """A fifth of the variables observed."""

    operations: ClassVar = {"marginals": lambda self: self.marginals("cases")}

    def open(self) -> None:
        super().open()
        self.evidence = {"cases": self.known(partial(self.rows, hidden_cases(self.rows.shape)))}
