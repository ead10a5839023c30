"""The verbs of a network of discrete variables for rows with missing values on a GPU."""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..data.cuda_blocks import CudaBlock
from ..data.cuda_boundary import as_partial_cuda_block
from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement
from ..data.schema import Values
from ..engines.junction.cuda_run import CudaDraws
from ..runtime.seeds import check_rows
from .calibrated import Calibrated
from .completions import How
from .cuda_exact import CudaExact, RowsOnCard
from .impossible import Impossible

Draws = tuple[int, int, int]  # key, first global row, draws of each row


class EvidenceVerbs(NamedTuple):
    """What rows of one placement say, whatever is missing in each; arrays of the library and on the card of the rows.

    ``impossible`` is "error", for which the card is waited for, or "nan".
    """

    exact: CudaExact
    placement: Placement

    def rows(self, data: Any) -> RowsOnCard:
        """Data of the card."""
        schema = self.exact.exact.schema
        block = as_partial_cuda_block(data, schema, self.placement.cuda, self.placement.empty)
        return RowsOnCard(block, self.placement)

    def log_prob_of(self, block: CudaBlock) -> Any:
        """log p of what is observed in every row (n,), nats, an array of numba's."""
        return self.exact.log_evidence(RowsOnCard(block, self.placement))

    def log_prob_given(self, data: Any, names: Collection[str], impossible: Impossible) -> Any:
        """log p(the others | these) (n,), nats."""
        return self.placement.give_back(self.exact.log_evidence_given(self.rows(data), names, impossible))

    def predict_proba(self, data: Any, name: str, impossible: Impossible) -> Any:
        """P(name = k | the row's other values) (n, k)."""
        rows, k = self.rows(data), len(self.exact.exact.schema.states[name])
        shares = self.exact.posterior(rows, name, impossible)
        return self.placement.give_back(shares.reshape(rows.block.n, k))

    def predict(self, data: Any, name: str, impossible: Impossible) -> Any:
        """argmax_k P(name = k | the row's other values) (n,); with impossible="nan" the missing code where that is."""
        return self.placement.give_back(self.exact.most_probable_state(self.rows(data), name, impossible))

    def marginals(self, data: Any, impossible: Impossible) -> dict[str, Any]:
        """P(x_v = k | what is observed) of every variable, (n, k); views of one array."""
        rows = self.rows(data)
        shares, n, first = self.exact.marginals(rows, impossible), rows.block.n, [*accumulate(self.exact.n_states)]
        return {
            name: self.placement.give_back(shares[(end - k) * n : end * n].reshape(n, k))
            for name, k, end in zip(self.exact.exact.schema.names, self.exact.n_states, first, strict=True)
        }

    def impute(self, data: Any, how: How, draws: Draws, impossible: Impossible) -> CudaSamples:
        """Rows filled in."""
        return self._completed(self.rows(data), how, draws, impossible, "imputation")

    def sample(self, rows: RowsOnCard, draws: Draws) -> CudaSamples:
        """Draws x ~ p(x | what is observed) of each row."""
        return self._completed(rows, "sample", draws, "error", "draws")

    def sample_known(self, known: Calibrated, n: int, key: int, start: int) -> CudaSamples:
        """Draws under values that are the same for all rows."""
        values = known.draw_on_card(self.placement.cuda, self.placement.empty, n, key, start)
        return CudaSamples(values, self.exact.exact.schema, self.placement, key, start)

    def _completed(self, rows: RowsOnCard, how: How, draws: Draws, impossible: Impossible, what: str) -> CudaSamples:
        (key, start, n_per_row), n = draws, rows.block.n
        check_rows(n * n_per_row, start)
        own = CudaDraws(np.uint64(key), np.uint64(start % 2**64), n_per_row)
        codes = self.exact.completed(rows, how, own, impossible, what)
        values = Values(codes, self.placement.empty((0, n * n_per_row), np.float32))
        schema, is_known = self.exact.exact.schema, impossible == "error"
        if how != "sample":
            return CudaSamples(values, schema, self.placement, is_known=is_known)
        return CudaSamples(values, schema, self.placement, key, start, is_known)
