"""Rows in which values are missing, filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .data.placement import Placement
from .data.samples import Samples, rows_of
from .data.schema import Values
from .joint_posteriors import JointPosteriors
from .runtime.seeds import at_least_one, check_rows, key_from_seed

if TYPE_CHECKING:
    from .inference.completions import How
    from .inference.impossible import Impossible


class Imputation(JointPosteriors):
    """A network that fills in what rows leave out."""

    def impute(
        self,
        data: Any,
        *,
        how: How = "mpe",
        n_per_row: int = 1,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        impossible: Impossible = "error",
    ) -> Any:  # Samples, or CudaSamples of data on a GPU
        """Rows with all values: those that are observed as they came, those that are missing by what the row says.

        ``"mpe"``, the most probable explanation: the configuration of all that is missing which is most probable
        together, argmax_x p(x, observed). ``"mode"``: the most probable state of each missing value by itself, argmax_k
        P(x_v = k | observed); these need not be likely, or even possible, together. ``"sample"``: an exact draw of all
        that is missing, x ~ p(x | observed), for multiple imputation (Rubin 1987): statistics of several such data sets
        vary as much as the missing values are uncertain.

        Parameters
        ----------
        data : as for :meth:`marginals`. Beside real variables, which need values, discrete ones are filled in, by "mpe"
            and "sample" where what is missing in a row has up to 4096 configurations.
        how : "mpe", "mode" or "sample".
        n_per_row : draws of each row, of ``"sample"``: draw j of row i is row i * n_per_row + j of the answer.
        seed, start : of ``"sample"``, as for :meth:`sample`: row r of the answer is global row ``start + r``, the same
            for any split of the rows into calls (class of reproducibility: float-driven). In networks of discrete
            variables the rows are those of ``sample(given=data)``.
        impossible : of rows whose log-probability is -inf: "error" raises, "nan" leaves missing what is missing (code
            255, or 65535).

        Returns
        -------
        Samples; a torch tensor ``(n_rows, n_vars)`` if ``data`` is one; :class:`CudaSamples` of data on a GPU.

        Raises
        ------
        ImpossibleEvidenceError (a ValueError) : an impossible row, naming values that cannot be together. ValueError :
            values missing that cannot be filled in, ``n_per_row`` without "sample", more rows than fit in memory.
            KeyError : unknown names or labels.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.example("asia")
        >>> full = net.impute({"smoke": ["yes", None], "lung": [None, None], "xray": [None, "yes"]})
        >>> full.labels("smoke").tolist(), full.labels("lung").tolist()
        (['yes', 'yes'], ['no', 'yes'])
        >>> draws = net.impute({"xray": ["yes"]}, how="sample", n_per_row=1000, seed=0)
        >>> draws.shape, float((draws.labels("lung") == "yes").mean().round(1))
        ((1000, 8), 0.5)
        """
        from .inference.impossible import check_impossible_option

        check_impossible_option(impossible)
        if how not in ("mpe", "mode", "sample"):
            raise ValueError(f'how is "mpe", "mode" or "sample", got {how!r}')
        n_each, key = at_least_one(n_per_row, "n_per_row"), key_from_seed(seed)
        if n_each > 1 and how != "sample":
            raise ValueError(f'n_per_row is of how="sample", which draws; {how!r} has one answer for each row')
        placement = Placement.of(data)
        if placement.queue is not None:
            evidence = self._evidence_on_card(placement, "impute", impossible, {})
            rows = evidence.impute(data, how, (key, start, n_each), impossible)
            return rows if placement.library == "numba" else rows.as_array()
        schema = self._program.schema
        values = self._completed(data, how, n_each, key, start, impossible)
        if placement.library != "numpy":
            return placement.give_back(rows_of(values, schema))
        drawn = how == "sample"
        return Samples.of(values, schema, key if drawn else None, start if drawn else None)

    def _completed(self, data: Any, how: How, n_per_row: int, key: int, start: int, impossible: Impossible) -> Values:
        schema = self._program.schema
        if self._program.is_tabular:
            from .data.evidence_rows import as_evidence
            from .inference.completions import completed

            block = as_evidence(data, schema)
            check_rows(block.n * n_per_row, start)
            codes = completed(self._exact, block, how, key, start, n_per_row, impossible)
            return Values(codes, np.empty((0, codes.shape[1]), np.float32))
        from .data.boundary import read_once
        from .data.partial import as_partial_rows
        from .inference.completions_beside_reals import DrawnRows, completed_beside_reals

        rows = as_partial_rows(read_once(data, schema.names), schema)
        check_rows(rows.n * n_per_row, start)
        return completed_beside_reals(self._inference, rows, how, DrawnRows(key, start, n_per_row), impossible)
