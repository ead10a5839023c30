"""FVSBN: each variable a logistic regression on those before it (Frey 1998, Gan et al. 2015)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..engines.masked import plan as masked
from ..engines.masked.plan import Layer
from ..runtime.memory import check_memory
from .made import check_shape
from .masked import MaskedModel
from .settings import Order, check_context_width, check_dtype, shown_context


class FVSBN(MaskedModel):
    """Fully visible sigmoid belief network: p(x_d = 1 | x_<d) = sigmoid(b_d + sum_{j < d} W_dj x_j).

    The simplest neural autoregressive model: n_vars (n_vars - 1) / 2 weights and n_vars biases, all zero before
    ``fit`` (the uniform distribution). Its likelihood is concave in its parameters, so ``fit`` finds the best ones.

    Parameters
    ----------
    n_vars : number of binary variables.
    order : "natural", "reversed", "random" or a permutation: the variable at each position.
    n_context : numbers c that are given with every row: sigmoid(b_d + sum_{j < d} W_dj x_j + sum_k U_dk c_k).
    seed : of a random order.
    dtype : numpy.float32 or numpy.float64.

    References
    ----------
    Neal 1992, "Connectionist learning of belief networks". Frey 1998, "Graphical Models for Machine Learning and
    Digital Communication".

    Examples
    --------
    >>> import numpy as np, fastdgm as fd
    >>> x = np.random.default_rng(0).integers(0, 2, (500, 1)).repeat(3, axis=1)  # three equal bits
    >>> model = fd.FVSBN(3).fit(x, epochs=50, learning_rate=0.1, progress=False)
    >>> bool(model.log_prob([1, 1, 1])[0] > model.log_prob([1, 0, 1])[0] + 3)
    True
    """

    def __init__(
        self,
        n_vars: int,
        *,
        order: Order = "natural",
        n_context: int = 0,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        generator = np.random.default_rng(seed)
        shape = check_shape(n_vars, "bernoulli", None, None, order, generator)
        shape = shape._replace(n_context=check_context_width(n_context))
        n_inputs = shape.n_context + shape.n_vars
        check_memory(24 * shape.n_vars * n_inputs, "the parameters of the network")
        layer = Layer(np.zeros((shape.n_vars, n_inputs)), np.zeros(shape.n_vars))
        degrees = [shape.input_degrees, shape.output_degrees]
        self._set_net(masked.build([layer], degrees, shape, check_dtype(dtype)))
        self._given = {"n_vars": n_vars, "order": order, "n_context": n_context, "seed": seed, "dtype": dtype}

    def _settings_found(self) -> dict[str, Any]:
        return {
            "n_vars": self.n_vars,
            "order": self.order,
            "n_context": self.n_context,
            "seed": 0,
            "dtype": self.dtype,
        }

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Self:
        model = super()._from_state(structure, arrays)
        if model.head != "bernoulli" or len(structure["layers"]) != 1:
            raise ValueError(f"an FVSBN is one bernoulli layer, got {len(structure['layers'])} and head {model.head!r}")
        return model

    def __repr__(self) -> str:
        settings = f"n_vars={self.n_vars}{shown_context(self.n_context)}"
        return f"FVSBN({settings}): {self.n_parameters:,} parameters, {self.dtype}"
