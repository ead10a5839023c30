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
        _accumulate(model, hmmlearn_models.add_chain),
        _accumulate(hmmlearn._emissions.BaseCategoricalHMM, hmmlearn_models.add_symbols),
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


def _accumulate(owner: Any, ours: Callable[..., None]) -> Replacement:
    """Statistics of many sequences at once; those of one sequence are the library's own."""
    theirs = owner._accumulate_sufficient_statistics

    @functools.wraps(theirs)
    def accumulate(
        self: Any, stats: Any, X: Any, lattice: Any, posteriors: Any, fwdlattice: Any, bwdlattice: Any
    ) -> None:
        if isinstance(lattice, hmmlearn_models.ChainStatistics):
            ours(self, stats, X, lattice, posteriors)
        else:
            theirs(self, stats, X, lattice, posteriors, fwdlattice, bwdlattice)

    return Replacement(owner, "_accumulate_sufficient_statistics", accumulate)
