"""MADE: a feed-forward network whose masks make every output a conditional (Germain et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..engines.masked import plan as masked
from ..engines.masked.plan import ACTIVATIONS, HEADS, Layer, Shape
from ..runtime.memory import check_memory
from ..runtime.seeds import at_least_one, whole_number
from .masked import MaskedModel
from .settings import Order, check_context_width, check_dtype, is_permutation, named_order, shown_context

Array = npt.NDArray[Any]


class MADE(MaskedModel):
    """Masked autoencoder for distribution estimation: p(x) = prod_d p(x_d | x_<d), all conditionals by one network.

    A hidden unit of degree m reads the variables at the first m positions of ``order`` only; the head of the variable
    at position d reads units of degree at most d. Sampling costs about one pass through the network (see
    ``fastdgm/kernels/made.py``), not one per variable.

    Parameters
    ----------
    n_vars : number of variables.
    hidden : units of each hidden layer.
    head : "bernoulli" (codes 0, 1), "categorical" (codes below ``n_states``; the default where that is above 2),
        "normal" (mean and log sigma), "mixture" (``n_components`` Normals: a RNADE, or a one-layer MAF, is this).
    activation : of the hidden units: relu, elu, tanh, sigmoid, softplus, silu, gelu, gelu_tanh (its approximation),
        leaky_relu (slope 0.01), selu or mish.
    order : "natural", "reversed", "random" or a permutation: the variable at each position.
    masks : "even" spreads degrees evenly, "random" draws them, as in the paper.
    n_context : numbers that the network is given with every row, and that all units may read: then it is
        p(x | context), and ``log_prob``, ``sample`` and ``fit`` take ``context=``.
    seed : of the weights, and of random orders and masks.
    dtype : numpy.float32 or numpy.float64.

    Raises
    ------
    ValueError, TypeError : an argument out of range; the message says which.

    References
    ----------
    Germain, Gregor, Murray, Larochelle 2015, "MADE: Masked Autoencoder for Distribution Estimation". Uria, Murray,
    Larochelle 2013, "RNADE". Papamakarios, Pavlakou, Murray 2017, "Masked Autoregressive Flow".

    Examples
    --------
    >>> import numpy as np, fastdgm as fd
    >>> made = fd.MADE(n_vars=3, hidden=(8,), seed=0)
    >>> every_row = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T
    >>> bool(np.isclose(np.exp(made.log_prob(every_row)).sum(), 1))
    True
    >>> made.sample(2, seed=0).shape
    (2, 3)
    """

    def __init__(
        self,
        n_vars: int,
        hidden: Sequence[int] = (500,),
        *,
        head: Literal["bernoulli", "categorical", "normal", "mixture"] | None = None,
        n_states: int | None = None,
        n_components: int | None = None,
        activation: str = "relu",
        order: Order = "natural",
        masks: Literal["even", "random"] = "even",
        n_context: int = 0,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        generator = np.random.default_rng(seed)
        shape = check_shape(n_vars, head, n_states, n_components, order, generator)
        shape = shape._replace(n_context=check_context_width(n_context))
        widths = check_hidden(hidden)
        if activation not in ACTIVATIONS or activation == "linear":
            raise ValueError(
                f"activation must be one of {sorted(set(ACTIVATIONS) - {'linear'})}, got {activation!r:.60}"
            )
        if masks not in ("even", "random"):
            raise ValueError(f"masks must be 'even' or 'random', got {masks!r:.60}")
        units = [shape.n_context + shape.n_vars * shape.n_states, *widths, shape.n_vars * shape.head_size]
        cells = sum(above * below for below, above in pairwise(units))
        check_memory(24 * (cells + sum(units)), "the parameters of the network")
        degrees = [shape.input_degrees]
        for width in widths:
            degrees.append(_hidden_degrees(width, shape.n_vars, masks, int(degrees[-1].min()), generator))
        degrees.append(shape.output_degrees)
        layers = initial_layers(degrees, activation, shape, generator)
        self._set_net(masked.build(layers, degrees, shape, check_dtype(dtype)))
        self._given = {
            "n_vars": n_vars,
            "hidden": hidden,
            "head": head,
            "n_states": n_states,
            "n_components": n_components,
            "activation": activation,
            "order": order,
            "masks": masks,
            "n_context": n_context,
            "seed": seed,
            "dtype": dtype,
        }

    def _settings_found(self) -> dict[str, Any]:
        """As if masks were even and the seed 0."""
        activation = masked.one_activation(self._net)
        if activation is None:
            raise TypeError(
                "this MADE was made of another library's network, with residuals, activations or a depth that no "
                "argument of MADE names: it has no get_params, and copy.deepcopy copies it"
            )
        return {
            "n_vars": self.n_vars,
            "hidden": self.hidden,
            "head": self.head,
            "n_states": self.n_states,
            "n_components": masked.count_components(self._net),
            "activation": activation,
            "order": self.order,
            "masks": "even",
            "n_context": self.n_context,
            "seed": 0,
            "dtype": self.dtype,
        }

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return masked.widths(self._net)

    def __repr__(self) -> str:
        return (
            f"MADE(n_vars={self.n_vars}, hidden={self.hidden}, head={self.head!r}{shown_context(self.n_context)}): "
            f"{self.n_parameters:,} parameters, {self.dtype}"
        )


def check_hidden(hidden: Any) -> tuple[int, ...]:
    """At least one layer of at least one unit."""
    widths = (hidden,) if np.ndim(hidden) == 0 else tuple(hidden)
    checked = tuple(whole_number(width, "hidden") for width in widths)
    if not checked or min(checked) < 1:
        raise ValueError(f"hidden must name at least one layer of at least 1 unit, got {hidden!r:.100}")
    return checked


def _checked_order(order: Any, n_vars: int, generator: np.random.Generator) -> Array:
    """The variable at each position, as a permutation of 0 .. n_vars - 1."""
    if isinstance(order, str):
        named = named_order(order, n_vars, generator)
        if named is None:
            raise ValueError(f"order must be 'natural', 'reversed', 'random' or a permutation, got {order!r:.100}")
        return named
    permutation = np.asarray(order)
    if not is_permutation(permutation, n_vars):
        raise ValueError(f"order must hold every variable 0 .. {n_vars - 1} once, got {order!r:.100}")
    return permutation.astype(np.int64)


def check_shape(
    n_vars: Any, head: Any, n_states: Any, n_components: Any, order: Any, generator: np.random.Generator
) -> Shape:
    """Variables, their distribution and their order."""
    variables = at_least_one(n_vars, "n_vars")
    states = 2 if n_states is None else whole_number(n_states, "n_states")
    if head is None:
        head = "bernoulli" if states == 2 else "categorical"
    if head not in HEADS:
        raise ValueError(f"head must be one of {sorted(HEADS)}, got {head!r:.60}")
    discrete = head in ("bernoulli", "categorical")
    if n_states is not None and not (discrete and 2 <= states <= 65_535 and (states == 2 or head != "bernoulli")):
        raise ValueError(
            f"n_states must be 2 for bernoulli, 2 to 65535 for categorical and absent for others, "
            f"got {states} with head {head!r}"
        )
    if (n_components is not None) != (head == "mixture"):
        raise ValueError(
            f"n_components goes with head 'mixture' and only there, got {n_components!r:.60} with {head!r}"
        )
    components = 1 if n_components is None else at_least_one(n_components, "n_components")
    size = {"bernoulli": 1, "categorical": states, "normal": 2, "mixture": 3 * components}[head]
    inputs = states if head == "categorical" else 1
    check_memory(24 * variables, f"the order of {variables} variables")
    return Shape(_checked_order(order, variables, generator), inputs, HEADS[head], size)


def _hidden_degrees(width: int, n_vars: int, masks: str, lowest: int, generator: np.random.Generator) -> Array:
    """Degrees between the lowest of the layer before (a unit of less would read nothing) and n_vars - 1.

    With context the lowest is 0, of units that read nothing else: the first variable depends on the context by them.
    """
    if lowest == 0:
        degrees = generator.integers(0, n_vars, width) if masks == "random" else np.arange(width) * n_vars // width
        degrees[0] = 0  # also where it is drawn
        return degrees
    highest = max(1, n_vars - 1)
    lowest = min(lowest, highest)
    if masks == "random":
        return generator.integers(lowest, highest + 1, width)
    return 1 + np.arange(width) * highest // width


def initial_layers(
    degrees: Sequence[Array], activation: str, shape: Shape, generator: np.random.Generator
) -> list[Layer]:
    """Normal weights by the number of unmasked sources (He et al. 2015), small ones for the heads, zero biases."""
    layers = []
    for number in range(1, len(degrees)):
        last = number == len(degrees) - 1
        fan_in = np.searchsorted(np.sort(degrees[number - 1]), degrees[number], side="right")
        scale = (0.1 if last else np.sqrt(2.0)) / np.sqrt(np.maximum(1, fan_in))
        weights = generator.standard_normal((len(degrees[number]), len(degrees[number - 1]))) * scale[:, np.newaxis]
        layers.append(Layer(weights, np.zeros(len(weights)), "linear" if last else activation, number - 1))
    if shape.head == HEADS["mixture"]:
        components = shape.head_size // 3
        means = layers[-1].biases.reshape(-1, 3, components)[:, 1]
        means[:] = generator.standard_normal(means.shape)  # equal components would stay equal
    return layers
