"""fastdgm on rows with missing values, through its public methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from evidence_rows import AT_RANDOM, MISSING, ONE_HIDDEN, hidden_cases, one_hidden, partial, patterns

import fastdgm as fd

from .ours import Ours

OBSERVED = {"CVP": "LOW", "BP": "LOW", "HR": "HIGH"}  # what is known in conditional sampling of ALARM


def of_patterns(verb: str, do: Callable[[Any, str], Any], *others: str) -> dict[str, Callable[[Any], Any]]:
    """Operations named after a verb and what is missing."""
    return {f"{verb}, {what}": (lambda self, what=what: do(self, what)) for what in (*AT_RANDOM, *others)}


class OurEvidence(Ours):
    """Another pattern in every row, but for the one hidden variable."""

    native = "uint8 codes by column, 255 where missing"
    operations: ClassVar = {
        **of_patterns("log_prob", lambda self, what: self.model.log_prob(self.partial[what]), ONE_HIDDEN),
        **of_patterns("marginals", lambda self, what: self.model.marginals(self.partial[what])),
        f"predict_proba, {ONE_HIDDEN}": lambda self: self.model.predict_proba(self.partial[ONE_HIDDEN], self.hidden),
    }

    def open(self) -> None:
        self.partial, self.hidden = patterns(self.model, self.rows), one_hidden(self.model)


class OurCases(Ours):
    """A fifth of the variables observed, others in every case; what is asked for is the marginals of all."""

    native = OurEvidence.native
    operations: ClassVar = {"marginals": lambda self: self.model.marginals(self.cases)}

    def open(self) -> None:
        self.cases = partial(self.rows, hidden_cases(self.rows.shape))


class OurComplete(Ours):
    """Rows without a missing value, and the same rows with one in the first of them."""

    native = "uint8 codes by column, 255 where missing"
    operations: ClassVar = {
        "log_prob": Ours.operations["log_prob"],
        "log_prob, one cell missing": lambda self: self.model.log_prob(self.nearly_complete),
    }

    def open(self) -> None:
        self.nearly_complete = self.rows.copy(order="F")
        self.nearly_complete[0, 0] = MISSING


class OurConditional(Ours):
    """Rows drawn from all that the network has, and from those that agree with what was observed."""

    operations: ClassVar = {
        "sample": Ours.operations["sample"],
        "sample, 3 observed": lambda self: self.model.sample(self.n_rows, given=OBSERVED, seed=2),
    }


class OurIncomplete(Ours):
    """The answer that every iteration of learning from incomplete rows needs."""

    native = OurEvidence.native
    operations: ClassVar = {"marginals": lambda self: self.model.marginals(self.partial)}

    def open(self) -> None:
        self.partial = patterns(self.model, self.rows)["20 % missing"]


class OurIterations(OurIncomplete):
    """Learning from incomplete rows: a few iterations from the present tables, of which one is reported."""

    note = "an EM iteration is a fifth of a fit with five from the present tables, reading of the rows included"
    repeatable = False
    scale = 1 / 5
    operations: ClassVar = {
        "EM iteration": lambda self: self.learner.fit(self.partial, resume=True, max_iterations=5, tolerance=0.0)
    }

    def prepare(self) -> None:
        super().prepare()
        self.learner = fd.BayesNet(dict(self.model.conditionals))


class OurFirstAnswer(Ours):
    """A network that has not been asked yet: its plans are made, and one row is answered."""

    max_threads = 1
    repeatable = False
    max_rounds: ClassVar = {"cold first answers": 1}
    note = "cold: log_prob and marginals in a new process with an empty cache, imports included"
    operations: ClassVar = {
        "first log_prob": lambda self: self.new.log_prob(self.row),
        "first marginals": lambda self: self.new.marginals(self.row),
        "cold first answers": lambda self: self.cold(),
    }

    def open(self) -> None:
        self.row = patterns(self.model, np.asarray(self.rows))["20 % missing"]

    def prepare(self) -> None:
        super().prepare()
        self.new = fd.BayesNet(dict(self.model.conditionals))

    def cold(self) -> None:
        from startup import with_empty_cache

        with_empty_cache("evidence", self.source)
