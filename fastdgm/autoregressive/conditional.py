"""Models of p(x | context) as conditionals of a network: what its engine and ``fit`` ask of them."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..conditionals.autoregressive import AutoregressiveConditional
from ..engines.draw import Draw
from .base import AutoregressiveModel

Array = npt.NDArray[Any]


class ConditionalModel(AutoregressiveModel):
    """A model that may have a context, and so be the conditional of a vector variable of a network."""

    def given(self, parents: Sequence[str]) -> AutoregressiveConditional:
        """This model as the conditional of a vector variable of a :class:`BayesNet`, given those parents.

        The parents are the context, one after the other: a discrete one is one-hot (a number for each state), a real
        one itself, a vector one number after the other (of two-state variables 0 and 1). Without any (``given([])``)
        it is a root, for models without context. The model is kept, not copied: ``fit`` of the network trains it.

        Raises
        ------
        ValueError : parents for a model without context, or none for one with; from the network, parents that are not
            ``n_context`` numbers.

        Examples
        --------
        >>> import fastdgm as fd
        >>> made = fd.MADE(n_vars=5, hidden=(8,), n_context=2)
        >>> net = fd.BayesNet({"label": fd.Categorical([0.5, 0.5]), "x": made.given(["label"])})
        >>> net.sample(3, seed=0)["x"].shape
        (3, 5)
        >>> net.predict_proba({"x": net.sample(3, seed=0)["x"]}, "label").shape
        (3, 2)
        """
        return AutoregressiveConditional(self, parents)

    @property
    def words_per_row(self) -> int:
        """How many random words a row is drawn from."""
        return self.n_vars * self.uniforms_per_variable

    def score_rows(self, x: Array, context: Array) -> npt.NDArray[np.float64]:
        """log p(x | context) of checked rows (n, n_vars), in nats."""
        return self._log_prob(x, context, False)

    def draw_rows(self, context: Array, key: int, start: int, first_word: int) -> Array:
        """Rows ``start``, ... of a key's stream, one for each of context, from their words ``first_word``, ... on."""
        return self._sample(Draw(len(context), key, start, context=context, first_word=first_word)).values

    def fitted_copy(
        self,
        x: Array,
        context: Array,
        valid: Array | None = None,
        valid_context: Array | None = None,
        *,
        options: Mapping[str, Any],
    ) -> Self:
        """A copy that has learnt from rows and their context; ``options`` are the others of ``fit``."""
        own = copy.deepcopy(self)
        if not self.n_context:
            return own.fit(x, valid, **options)
        return own.fit(x, valid, context=context, valid_context=valid_context, **options)

    def adopt(self, fitted: Self) -> None:
        """Take over the parameters and the history of a fitted copy, all or nothing."""
        self._adopt(fitted._parameters_of_fit())
        self._history, self._names = fitted._history, fitted._names

    @abstractmethod
    def _parameters_of_fit(self) -> dict[str, Array]:
        """What ``_adopt`` takes."""
