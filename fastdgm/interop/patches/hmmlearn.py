"""What ``fd.patch("hmmlearn")`` puts in place of what: the compiled recursions, and the loops over sequences."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import hmmlearn._emissions
import hmmlearn.base
import hmmlearn.hmm
import hmmlearn.stats
import hmmlearn.vhmm
import numpy as np

from . import hmmlearn_models, hmmlearn_recursions
from .hmmlearn_frames import is_many
from .hmmlearn_normals import log_normal_diag
from .replacement import Replacement

WITH_DECODE = (hmmlearn.base._AbstractHMM, hmmlearn.hmm.CategoricalHMM, hmmlearn.vhmm.VariationalCategoricalHMM)


def replacements() -> list[Replacement]:
    """All of them."""
    model, recursions = hmmlearn.base._AbstractHMM, hmmlearn.base._hmmc
    return [
        *(Replacement(recursions, name, ours) for name, ours in hmmlearn_recursions.FUNCTIONS.items()),
        Replacement(hmmlearn.stats, "_log_multivariate_normal_density_diag", log_normal_diag),
        _for_many_sequences(model, "_score_log", hmmlearn_models.score),
        _for_many_sequences(model, "_score_scaling", hmmlearn_models.score),
        _for_many_sequences(model, "_do_estep", hmmlearn_models.expectations),
        *(_decode(owner) for owner in WITH_DECODE),
        _accumulate_symbols(hmmlearn._emissions.BaseCategoricalHMM),
    ]


def _for_many_sequences(owner: Any, name: str, ours: Callable[..., Any]) -> Replacement:
    """A method of (X, lengths) that takes all sequences at once; the library's own, over our recursions, for few."""
    theirs = getattr(owner, name)

    @functools.wraps(theirs)
    def many_at_once(model: Any, X: Any, lengths: Any = None, **options: Any) -> Any:
        if is_many(model, X, lengths):
            return ours(model, X, lengths, **options)
        return theirs(model, X, lengths, **options)

    return Replacement(owner, name, many_at_once)


def _decode(owner: Any) -> Replacement:
    """``decode``, whose own checks come first."""
    theirs = owner.decode

    @functools.wraps(theirs)
    def decode(self: Any, X: Any, lengths: Any = None, algorithm: Any = None) -> Any:
        chosen = self.algorithm if algorithm is None else algorithm
        if chosen in hmmlearn.base.DECODER_ALGORITHMS and hmmlearn_models.is_ready(self):
            checked = hmmlearn.base.check_array(X)
            if is_many(self, checked, lengths):
                return hmmlearn_models.decode(self, checked, lengths, chosen)
        return theirs(self, X, lengths, algorithm)

    return Replacement(owner, "decode", decode)


def _accumulate_symbols(owner: Any) -> Replacement:
    """Statistics of symbols, which the library adds up row by row."""
    name = "_accumulate_sufficient_statistics"
    theirs = getattr(owner, name)

    @functools.wraps(theirs)
    def accumulate(
        self: Any, stats: Any, X: Any, lattice: Any, posteriors: Any, fwdlattice: Any, bwdlattice: Any
    ) -> None:
        if X.shape[1] != 1:  # deprecated, and said so
            theirs(self, stats, X, lattice, posteriors, fwdlattice, bwdlattice)
            return
        getattr(super(owner, self), name)(stats, X, lattice, posteriors, fwdlattice, bwdlattice)
        if "e" in self.params:
            hmmlearn_models.add_symbols(stats["obs"], X[:, 0].astype(np.intp, copy=False), posteriors)

    return Replacement(owner, name, accumulate)
