"""Masked autoregressive networks trained in torch, served by our kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..autoregressive.made import MADE, check_shape
from ..autoregressive.settings import Order, check_context_width
from ..engines.masked import plan as masked
from ..engines.masked.plan import Layer, Shape
from ..runtime.seeds import at_least_one, whole_number
from .torch_masked import Twin, arrange, degrees_of, ending, float_type, read_layers, twin_of
from .torch_order import causal_order, check_order

if TYPE_CHECKING:
    from .torch_distribution import Distribution as Distribution

Array = npt.NDArray[Any]
OutputLayout = Literal["variable-major", "parameter-major"]
LAYOUTS = ("variable-major", "parameter-major")
CHECKED_ROWS = 16
CHECKED_CELLS = 1 << 22  # inputs of those rows; fewer rows where they are wide
FARTHEST = 30  # standard deviations of real inputs: where parameters are clamped, far ones show it
TOLERANCES = {"float64": 1e-6, "float32": 1e-3}  # far above rounding, far below what another function would give


def __getattr__(name: str) -> Any:
    """``Distribution``, whose class is torch's: loaded, and torch with it, on first use."""
    if name != "Distribution":
        raise AttributeError(f"module 'fastdgm.interop.torch' has no attribute {name!r}")
    from ..runtime.extras import how_to_install

    try:
        from .torch_distribution import Distribution
    except ImportError as error:
        raise ImportError(f"Distribution needs torch: {how_to_install('torch', 'torch')}") from error
    return Distribution


def from_torch(
    module: Any,
    order: Order | None = None,
    head: str | None = None,
    n_states: int | None = None,
    *,
    layout: OutputLayout | None = None,
    n_vars: int | None = None,
    n_context: int = 0,
) -> MADE:
    """The MADE that a trained masked network in torch is, with its weights copied.

    The module maps floats (n, inputs) to the parameters of every variable's distribution:

    =============  ===========================  ==============================================
    head           inputs                       outputs per variable
    =============  ===========================  ==============================================
    bernoulli      n_vars                       logit
    categorical    n_vars * n_states, one-hot   n_states logits
    normal         n_vars                       mean, log sigma
    mixture        n_vars                       K logits, K means, K log sigmas
    =============  ===========================  ==============================================

    Its layers are read from one call of its forward method, whatever its parts are and however their weights are
    masked, if nothing happens to a row on the way but this: linear layers, sums (residual blocks, direct
    connections), constant factors and shifts, batch normalisation by running statistics, picking and joining
    columns, and the activations ReLU, LeakyReLU, PReLU, ELU, CELU, SELU, GELU, SiLU, Mish, Tanh, Sigmoid,
    LogSigmoid and Softplus. It is taken in eval mode. What each unit may read is derived from the zeros of the
    effective weights. The result is compared with the module, and with a ``log_prob`` of its own where it has one,
    on random rows: what cannot be converted never gives other numbers.

    A network for p(x | context) is called as ``module(inputs, context)`` with ``n_context=``, and gives a MADE that
    takes ``context=``. Where it is called otherwise, wrap it; for one context alone by a forward that passes it as a
    constant, for instance ``net(torch.cat([context.expand(len(x), -1), x], dim=1))``.

    Parameters
    ----------
    order : the variable at each position; None: the order in which outputs read earlier variables only. Where several
        do, the variable of the lowest number comes first.
    head : None means categorical where ``n_states`` is above 2, else bernoulli.
    n_states : number of states of a categorical head.
    layout : of the outputs: parameter p of variable d is column ``d * size + p`` ("variable-major") or
        ``p * n_vars + d`` ("parameter-major", as in pytorch-made). None: the one without leaks.
    n_vars : number of variables. None: from the sides of the module's matrices, the first few that are tried; a module
        of one small layer for each variable may have none as wide as its inputs.
    n_context : numbers of context, the second argument of the module. (A ``log_prob`` of its own is then not compared.)

    Returns
    -------
    MADE of float64 where the module has float64 parameters, else float32.

    Raises
    ------
    TypeError : a part of the module is not supported, or its forward does not give one tensor for rows of floats; the
        message names the part and what it does.
    ValueError : masks that leak, with the variables; widths that do not go with the head; a module that computes
        something else than its layers.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from torch import nn  # doctest: +SKIP
    >>> layer = nn.Linear(3, 3)  # doctest: +SKIP
    >>> layer.weight.data.tril_(-1)  # doctest: +SKIP
    >>> fd.from_torch(nn.Sequential(layer)).order  # doctest: +SKIP
    array([0, 1, 2])
    """
    width = None if n_vars is None else at_least_one(n_vars, "n_vars") * _states_wide(head, n_states)
    n_context = check_context_width(n_context)
    twin = twin_of(module, width, n_context)
    layers = ending(read_layers(twin))
    shape = _shape(layers, twin.n_inputs - n_context, head, n_states)._replace(n_context=n_context)
    rows, positions = _choose(layers, shape, order, layout)
    shape = shape._replace(order=positions)
    columns = n_context + positions[:, np.newaxis] * shape.n_states + np.arange(shape.n_states)
    columns = np.concatenate([np.arange(n_context), columns.ravel()])
    arranged, degrees = degrees_of(arrange(layers, columns, rows[positions].ravel()), shape)
    _verify(twin, MADE._from_net(masked.build(arranged, degrees, shape, np.float64)), rows)
    return MADE._from_net(masked.build(arranged, degrees, shape, float_type(module)))


def _shape(layers: list[Layer], n_inputs: int, head: str | None, n_states: int | None) -> Shape:
    """Head and number of variables, from the widths; the order is not known yet."""
    n_outputs = len(layers[-1].biases)
    n_vars = max(1, n_inputs // _states_wide(head, n_states))
    components = max(1, n_outputs // (3 * n_inputs)) if head == "mixture" else None
    shape = check_shape(n_vars, head, n_states, components, "natural", np.random.default_rng(0))
    if (len(shape.input_degrees), n_vars * shape.head_size) != (n_inputs, n_outputs):
        hint = _context_hint(shape, n_inputs, n_outputs)
        raise ValueError(
            f"a {_head_name(shape)} head needs n_vars * {shape.n_states} inputs and n_vars * {shape.head_size} "
            f"outputs, the module has {n_inputs} and {n_outputs}: give head= and n_states=, or n_vars={hint}"
        )
    return shape


def _states_wide(head: str | None, n_states: int | None) -> int:
    """Inputs of each variable: its states, one-hot, or itself."""
    states = 2 if n_states is None else whole_number(n_states, "n_states")
    return max(1, states) if head == "categorical" or (head is None and states > 2) else 1


def _context_hint(shape: Shape, n_inputs: int, n_outputs: int) -> str:
    """Where inputs are more than the outputs have parameters for."""
    if n_outputs // shape.head_size * shape.n_states >= n_inputs:
        return ""
    return (
        ". Inputs that are context go in by a wrapper, whose forward passes them as a constant, or takes them as its "
        "second argument: with n_context="
    )


def _head_name(shape: Shape) -> str:
    return next(name for name, code in masked.HEADS.items() if code == shape.head)


def _choose(layers: list[Layer], shape: Shape, order: Order | None, layout: OutputLayout | None) -> tuple[Array, Array]:
    """The outputs of each variable (n_vars, head_size), and the variable at each position."""
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, got {layout!r:.60}")
    outputs = np.arange(shape.n_vars * shape.head_size)
    by_variable, by_parameter = outputs.reshape(shape.n_vars, -1), outputs.reshape(-1, shape.n_vars).T
    candidates = [by_variable] if layout != LAYOUTS[1] else []
    if layout != LAYOUTS[0] and not (candidates and np.array_equal(by_variable, by_parameter)):
        candidates.append(by_parameter)
    found, leak = [], None
    for rows in candidates:
        try:
            found.append((rows, _order(layers, shape, rows, order)))
        except ValueError as error:
            leak = leak or error
    if leak is not None and not found:
        raise leak
    if len(found) > 1:
        raise ValueError(
            f"the masks allow both layouts of the outputs: give layout={LAYOUTS[0]!r} or layout={LAYOUTS[1]!r}"
        )
    return found[0]


def _order(layers: list[Layer], shape: Shape, rows: Array, order: Order | None) -> Array:
    """The order asked for, or one that the masks allow."""
    variables = np.repeat(np.arange(shape.n_vars), shape.n_states)
    variables = np.concatenate([np.full(shape.n_context, -1), variables])
    if order is None:
        return causal_order(layers, variables, rows)
    if isinstance(order, str) and order == "random":
        raise ValueError("a trained module has an order, 'random' is none: leave order out to find it")
    positions = check_shape(shape.n_vars, "bernoulli", None, None, order, np.random.default_rng(0)).order
    check_order(layers, variables, rows, positions)
    return positions


def _verify(twin: Twin, made: MADE, rows: Array) -> None:
    """The module itself, in eval mode, must give the same log-probabilities on random rows."""
    x = _random_rows(made)
    inputs = x.astype(np.float64)
    if made.head == "categorical":
        inputs = (x[..., np.newaxis] == np.arange(made.n_states or 0)).reshape(len(x), -1).astype(np.float64)
    context = np.random.default_rng(1).standard_normal((len(x), made.n_context)) if made.n_context else None
    outputs, own = _run(twin, inputs if context is None else np.concatenate([context, inputs], axis=1))
    if outputs.shape[:1] != x.shape[:1] or outputs.size != len(x) * rows.size:
        raise ValueError(f"the module must give ({len(x)}, {rows.size}) outputs for {len(x)} rows, got {outputs.shape}")
    expected = _terms(outputs.reshape(len(x), -1)[:, rows], x, made.head)
    ours = made.log_prob(x, context=context, per_variable=True)
    tolerance = TOLERANCES[outputs.dtype.name]
    wrong = ~np.isclose(ours, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    if wrong.any():
        row, variable = np.argwhere(wrong)[0]
        raise ValueError(
            f"the module computes something else than its layers: for variable {variable} of a random row it gives "
            f"log p {expected[row, variable]:.6g}, its layers {ours[row, variable]:.6g}. Give the masked network "
            "itself, without what its forward method adds (does it change numbers through views of them?)"
        )
    if own is not None and not np.allclose(own, ours.sum(axis=1), rtol=tolerance, atol=tolerance):
        raise TypeError(
            f"{type(twin.module).__name__} has a log_prob of its own that reads its outputs otherwise than a "
            f"{made.head} head does"
        )


def _random_rows(made: MADE) -> Array:
    """Codes, or real numbers both near and far."""
    generator = np.random.default_rng(0)
    n = max(1, min(CHECKED_ROWS, CHECKED_CELLS // (made.n_vars * (made.n_states or 1))))
    if made.n_states is not None:
        return generator.integers(0, made.n_states, (n, made.n_vars))
    return generator.standard_normal((n, made.n_vars)) * np.geomspace(1, FARTHEST, n)[:, np.newaxis]


def _run(twin: Twin, inputs: Array) -> tuple[Array, Array | None]:
    """Outputs of the module; and its log_prob of each row, if it has such a method."""
    import torch

    name, x = type(twin.module).__name__, twin.tensor(inputs)
    try:
        with torch.no_grad():
            outputs = twin.module(x)
            own = twin.module.log_prob(x) if callable(getattr(twin.module, "log_prob", None)) else None
    except Exception as error:
        raise TypeError(f"{name} cannot be compared: it raised {type(error).__name__}: {str(error)[:300]}") from error
    if own is not None and (not isinstance(own, torch.Tensor) or own.shape != x.shape[:1]):
        raise TypeError(f"the log_prob of {name} must give one number for each row, give its masked network itself")
    return np.asarray(outputs), None if own is None else np.asarray(own)


def _terms(z: Array, x: Array, head: str) -> Array:
    """log p of each variable from its parameters z (n, n_vars, size)."""
    if head == "bernoulli":
        return x * z[..., 0] - np.logaddexp(0, z[..., 0])
    if head == "categorical":
        return np.take_along_axis(z, x[..., np.newaxis], axis=2)[..., 0] - np.logaddexp.reduce(z, axis=2)
    if head == "normal":
        return _normal(x, z[..., 0], z[..., 1])
    logits, means, log_sigmas = np.split(z, 3, axis=2)
    joint = logits + _normal(x[..., np.newaxis], means, log_sigmas)
    return np.logaddexp.reduce(joint, axis=2) - np.logaddexp.reduce(logits, axis=2)


def _normal(x: Array, mean: Array, log_sigma: Array) -> Array:
    return -0.5 * ((x - mean) * np.exp(-log_sigma)) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)
