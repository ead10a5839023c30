"""The layers of a network in torch, from one call of it with a tensor that notes what is done to it.

A ``Traced`` tensor has a shape but no numbers: it stands for rows of the network's inputs and for whatever is computed
from them. Torch hands every operation on one to ``__torch_dispatch__``, whoever wrote the forward method and however
its weights are masked, and the operation goes to a Tape as layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from ..engines.masked.plan import Layer
from .torch_tape import Tape, Values, constants, together, units_of, without_dead

Array = npt.NDArray[Any]
ROWS = 2  # that a traced tensor pretends to have: two show what mixes them
EXACT_THRESHOLD = 20  # beyond which a Softplus may give its argument: it is that to 2e-9
SELU = 1.6732632423543772, 1.0507009873554805
SUPPORTED = (
    "linear layers and their masks, sums, constant factors and shifts, batch normalisation in eval mode, reshaping, "
    "picking and joining, ReLU, LeakyReLU, PReLU, ELU, CELU, SELU, GELU, SiLU, Mish, Tanh, Sigmoid, LogSigmoid and "
    "Softplus"
)
RAISED = "its forward, given a tensor without numbers, raised"


def trace(module: Any, n_inputs: int, dtype: Any) -> list[Layer]:
    """The layers that compute the outputs of a module in eval mode from ``n_inputs`` numbers; the last one are they.

    Raises TypeError that names the part of the module and the operation which is none of layers, or what that part
    raised; ValueError for numbers that are not finite.
    """
    tape = Tape(n_inputs)
    inputs = Traced.of((ROWS, n_inputs), dtype, units_of(0, n_inputs), tape)
    with torch.no_grad(), _names_of_parts(module, tape):
        output = module(inputs)
    if not isinstance(output, Traced):
        raise TypeError(f"the outputs of {type(module).__name__} must depend on its inputs, these do not")
    return without_dead(tape.layers, tape.settle(output.values))


class NotLayers(Exception):
    """An operation that is none of layers. No TypeError: Python would take that for one of the operands' types."""


class Traced(torch.Tensor):
    """What is computed for ROWS rows: ``values`` are the numbers of a row, the last axis first."""

    values: Values  # type: ignore[assignment]
    tape: Tape
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def of(cls, shape: Any, dtype: Any, values: Values, tape: Tape) -> Traced:
        """A tensor of that shape that stands for the values."""
        made: Traced = torch.Tensor._make_wrapper_subclass(cls, shape, dtype=dtype)
        made.values, made.tape = values, tape
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Traced({tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        in_place = name.endswith("_") and name[:-1] in OPERATIONS
        name = name[:-1] if in_place else name
        if name in OPERATIONS:
            result = OPERATIONS[name](func, args, kwargs)
        elif name in MOVES:
            result = _moved(func, args, kwargs)
        elif name in CONSTANTS:
            result = func(*_filled(0.0, args), **kwargs)
        else:
            result = func.decompose(*args, **kwargs)
            if result is NotImplemented:
                raise NotLayers(f"its forward calls {name}")
        if in_place:
            args[0].values = result.values
            return args[0]
        return result


@contextmanager
def _names_of_parts(module: Any, tape: Tape) -> Iterator[None]:
    """What cannot be read is reported with the innermost part of the module that asked for it."""
    inside: list[Any] = [module]

    def enter(part: Any, args: Any, kwargs: Any) -> None:
        inside.append(part)
        given = [value for value in (*args, *kwargs.values()) if value is not None]
        if getattr(part, "context_layer", None) is not None and len(given) < 2:
            raise NotLayers("it has a context, which it must be given: wrap it in a forward that passes a constant one")

    def leave(part: Any, args: Any, output: Any) -> None:
        inside.pop()

    parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]  # which take no hooks
    hooks = [part.register_forward_pre_hook(enter, with_kwargs=True) for part in parts]
    hooks += [part.register_forward_hook(leave) for part in parts]
    try:
        yield
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # of the forward too, which ran with numbers but meets none here
        part = inside[-1]
        text = " ".join(str(part).split())
        what = error if isinstance(error, NotLayers) else f"{RAISED} {type(error).__name__}: {_end_of(error)}"
        raise TypeError(
            f"{type(part).__name__} is not supported: {what}. from_torch reads {SUPPORTED}; got {text[:150]}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def _end_of(error: Exception) -> str:
    """Scripts begin with a trace and end with the line that failed."""
    return " ".join(str(error).split())[-150:].rstrip(".")


# Helpers of operations --------------------------------------------------------------------------------------------


def _result(like: torch.Tensor, values: Values, tape: Tape) -> Traced:
    return Traced.of(like.shape, like.dtype, values, tape)


def _filled(number: float, args: Any) -> Any:
    """The arguments with numbers in the place of what is traced."""
    return tree_map(lambda a: torch.full(a.shape, number, dtype=a.dtype) if isinstance(a, Traced) else a, args)


def _numbers(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().double().numpy()


def _row_of(tensor: torch.Tensor) -> Array:
    """The numbers of a row where all rows are alike."""
    rows = _numbers(tensor)
    if len(rows) != ROWS or not np.array_equal(rows[0], rows[1], equal_nan=True):
        raise NotLayers("its forward uses constants that differ between rows")
    return rows[0].ravel()


def _named(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """All arguments by name."""
    fields = func._schema.arguments
    given = dict(zip((field.name for field in fields), args, strict=False)) | kwargs
    return {field.name: field.default_value for field in fields if field.has_default_value()} | given


def _moved(func: Any, args: Any, kwargs: Any) -> Any:
    """Operations that move numbers about: the same on their places shows where each comes from."""
    leaves, form = tree_flatten((args, kwargs))
    traced = [leaf for leaf in leaves if isinstance(leaf, Traced)]
    joins = func._schema.name in ("aten::cat", "aten::stack")
    parts, size = [], 0
    for number, leaf in enumerate(leaves):
        if isinstance(leaf, Traced) or (joins and isinstance(leaf, torch.Tensor)):
            parts.append(leaf.values if isinstance(leaf, Traced) else constants(_row_of(leaf)))
            n = len(parts[-1].shift)
            places = torch.arange(size, size + n).repeat(ROWS, 1)
            places[1] += 1 << 40
            leaves[number], size = places.reshape(leaf.shape), size + n
    given, options = tree_unflatten(leaves, form)
    values = together(parts)

    def come_back(places: torch.Tensor) -> Traced:
        straight = len(places) == ROWS and bool((places[1] - places[0] == 1 << 40).all())
        if not straight or bool((places[0] >= size).any()):
            raise NotLayers(_apart(func._schema.name.removeprefix("aten::"), places))
        return Traced.of(places.shape, traced[0].dtype, values.take(places[0].flatten().numpy()), traced[0].tape)

    return tree_map(come_back, func(*given, **options))


def _apart(name: str, places: torch.Tensor) -> str:
    """What an operation does by which rows no longer lie one after the other."""
    if len((places >> 40).unique()) < ROWS:
        return f"its forward picks one row ({name}): what hangs on the numbers of one (if, float) is not read"
    return (
        f"its forward moves numbers from one row to another, or the rows to another axis ({name}; .T, einsum), which "
        "is not read: keep the rows first, write products with weights as F.linear(x, weights)"
    )


# Operations -------------------------------------------------------------------------------------------------------


def _product(func: Any, args: Any, kwargs: Any) -> Traced:
    """x @ weights, x of two axes, or bias + x @ weights."""
    named = _named(func, args, kwargs)
    x, weights = (named["mat1"], named["mat2"]) if "mat1" in named else (named["self"], named["mat2"])
    bias = named["self"] if "mat1" in named else None
    if not isinstance(x, Traced) or isinstance(weights, Traced) or isinstance(bias, Traced):
        raise NotLayers("its forward multiplies matrices other than its values by constant weights")
    if named.get("alpha", 1) != 1 or named.get("beta", 1) != 1:
        raise NotLayers("its forward calls addmm with alpha or beta")
    like = func(*_filled(0.0, args), **kwargs)
    return _result(like, x.tape.linear(x.values, _numbers(weights).T, _row_of(like)), x.tape)


def _linear(func: Any, args: Any, kwargs: Any) -> Any:
    """F.linear; of more than two axes all but the last as if they were rows, one after the other."""
    named = _named(func, args, kwargs)
    x, weights, bias = named["input"], named["weight"], named["bias"]
    if not isinstance(x, Traced) or isinstance(weights, Traced) or isinstance(bias, Traced):
        raise NotLayers("its forward multiplies two of its values")
    like = func(*_filled(0.0, args), **_filled(0.0, kwargs))
    width = weights.shape[-1]
    groups = np.arange(len(x.values.shift)).reshape(-1, width)
    biases = _row_of(like).reshape(len(groups), -1)
    matrix = _numbers(weights)
    parts = [x.tape.linear(x.values.take(own), matrix, b) for own, b in zip(groups, biases, strict=True)]
    return _result(like, together(parts), x.tape)


def _broadcast(x: Traced, shape: torch.Size) -> Values:
    """The values of a row, repeated as broadcasting does."""
    places = torch.arange(len(x.values.shift)).repeat(ROWS, 1).reshape(x.shape).broadcast_to(shape)
    return x.values.take(places[0].flatten().numpy())


def _scaled(values: Values, scale: Any, shift: Any = 0.0) -> Values:
    """scale * values + shift; ValueError where these are not finite, as after a division by 0."""
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        raise ValueError("constant factors and shifts in the module's forward must be finite (is one divided by 0?)")
    return values._replace(scale=values.scale * scale, shift=values.shift * scale + shift)


def _sum(sign: float, signs_first: bool) -> Callable[[Any, Any, Any], Traced]:
    """self + sign * alpha * other, or sign * alpha * self + other."""

    def apply(func: Any, args: Any, kwargs: Any) -> Traced:
        named = _named(func, args, kwargs)
        factor = sign * named.get("alpha", 1)
        factors = {"self": factor if signs_first else 1.0, "other": 1.0 if signs_first else factor}
        like = func(*_filled(0.0, args), **_filled(0.0, kwargs))
        traced = [name for name in factors if isinstance(named[name], Traced)]
        parts = [_scaled(_broadcast(named[name], like.shape), factors[name]) for name in traced]
        tape = named[traced[0]].tape
        return _result(like, tape.add([*parts, constants(_row_of(like))]), tape)

    return apply


def _factor(func: Any, args: Any, kwargs: Any) -> Traced:
    """Products with a constant, and quotients by one."""
    leaves, _ = tree_flatten((args, kwargs))
    traced = [leaf for leaf in leaves if isinstance(leaf, Traced)]
    name = func._schema.name.removeprefix("aten::").rstrip("_")
    if len(traced) != 1 or (name == "div" and traced[0] is not args[0]):
        raise NotLayers("its forward multiplies two of its values, or divides by one")
    if _named(func, args, kwargs).get("rounding_mode") is not None:
        raise NotLayers("its forward divides and rounds")
    like = func(*_filled(1.0, args), **_filled(1.0, kwargs))
    return _result(like, _scaled(_broadcast(traced[0], like.shape), _row_of(like)), traced[0].tape)


def _negative(func: Any, args: Any, kwargs: Any) -> Traced:
    return _result(args[0], _scaled(args[0].values, -1.0), args[0].tape)


def _converted(func: Any, args: Any, kwargs: Any) -> Traced:
    """To another float type: the numbers are what they were but for rounding."""
    types = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, torch.dtype)]
    dtype = types[0] if types else args[0].dtype
    if not dtype.is_floating_point:
        raise NotLayers(f"its forward turns its values into {dtype}")
    return Traced.of(args[0].shape, dtype, args[0].values, args[0].tape)


def _batch_norm(func: Any, args: Any, kwargs: Any) -> Any:
    """By running mean and variance, a factor and a shift for each channel, the second axis."""
    named = _named(func, args, kwargs)
    x, mean, variance = named["input"], named["running_mean"], named["running_var"]
    if named.get("training") or mean is None or variance is None:
        raise NotLayers("batch normalisation without running statistics mixes the rows of a batch")
    scale = 1.0 / np.sqrt(_numbers(variance) + named["eps"])
    scale = scale if named["weight"] is None else scale * _numbers(named["weight"])
    shift = -_numbers(mean) * scale
    shift = shift if named["bias"] is None else shift + _numbers(named["bias"])
    repeats = len(x.values.shift) // len(scale)
    values = _scaled(x.values, scale.repeat(repeats), shift.repeat(repeats))
    result = _result(x, values, x.tape)
    return result if func._schema.name == "aten::batch_norm" else (result, mean[:0], mean[:0])


def _activated(name: str) -> Callable[[Any, Any, Any], Traced]:
    """An activation without numbers of its own."""
    return lambda func, args, kwargs: _result(args[0], args[0].tape.activate(name, args[0].values), args[0].tape)


def _gelu(func: Any, args: Any, kwargs: Any) -> Traced:
    name = {"none": "gelu", "tanh": "gelu_tanh"}[_named(func, args, kwargs)["approximate"]]
    return _activated(name)(func, args, kwargs)


def _elu(func: Any, args: Any, kwargs: Any) -> Traced:
    named = _named(func, args, kwargs)
    alpha, scale, inner = named["alpha"], named["scale"], named["input_scale"]
    x, tape = args[0], args[0].tape
    if np.allclose((alpha, scale), SELU, rtol=1e-12) and inner == 1:
        return _result(x, tape.activate("selu", x.values), tape)
    curve = _scaled(tape.activate("elu", _scaled(x.values, inner)), alpha * scale)
    if alpha * inner == 1:
        return _result(x, curve, tape)
    rest = scale * (1.0 - alpha * inner)
    return _result(x, tape.add([curve, _scaled(tape.activate("relu", x.values), rest)]), tape)


def _celu(func: Any, args: Any, kwargs: Any) -> Traced:
    x, alpha = args[0], _named(func, args, kwargs)["alpha"]
    return _result(x, _scaled(x.tape.activate("elu", _scaled(x.values, 1.0 / alpha)), alpha), x.tape)


def _softplus(func: Any, args: Any, kwargs: Any) -> Traced:
    named = _named(func, args, kwargs)
    x, beta = args[0], named["beta"]
    if named["threshold"] < EXACT_THRESHOLD:
        raise NotLayers(f"Softplus must have a threshold of at least {EXACT_THRESHOLD}")
    return _result(x, _scaled(x.tape.activate("softplus", _scaled(x.values, beta)), 1.0 / beta), x.tape)


def _log_sigmoid(func: Any, args: Any, kwargs: Any) -> Any:
    x = args[0]
    values = _scaled(x.tape.activate("softplus", _scaled(x.values, -1.0)), -1.0)
    return _result(x, values, x.tape), torch.empty(0)


def _leaky(x: Traced, slope: Any) -> Traced:
    """slope * x + (1 - slope) * relu(x)"""
    if np.all(slope == 0.01):
        return _result(x, x.tape.activate("leaky_relu", x.values), x.tape)
    positive = _scaled(x.tape.activate("relu", x.values), 1.0 - slope)
    return _result(x, x.tape.add([_scaled(x.values, slope), positive]), x.tape)


def _leaky_relu(func: Any, args: Any, kwargs: Any) -> Traced:
    return _leaky(args[0], _named(func, args, kwargs)["negative_slope"])


def _prelu(func: Any, args: Any, kwargs: Any) -> Traced:
    slopes = torch.ones(args[0].shape, dtype=torch.float64) * args[1].detach()
    return _leaky(args[0], _row_of(slopes))


OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "addmm": _product,
    "mm": _product,
    "linear": _linear,
    "add": _sum(1.0, signs_first=False),
    "sub": _sum(-1.0, signs_first=False),
    "rsub": _sum(-1.0, signs_first=True),
    "mul": _factor,
    "div": _factor,
    "neg": _negative,
    "to": _converted,
    "_to_copy": _converted,
    "batch_norm": _batch_norm,
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "relu": _activated("relu"),
    "tanh": _activated("tanh"),
    "sigmoid": _activated("sigmoid"),
    "silu": _activated("silu"),
    "mish": _activated("mish"),
    "gelu": _gelu,
    "elu": _elu,
    "celu": _celu,
    "softplus": _softplus,
    "log_sigmoid_forward": _log_sigmoid,
    "leaky_relu": _leaky_relu,
    "_prelu_kernel": _prelu,
}

CONSTANTS = {"full_like", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like"}  # of the shape or type alone

MOVES = {
    "alias", "cat", "chunk", "clone", "contiguous", "detach", "expand", "flip", "index", "index_select", "lift_fresh",
    "permute", "repeat", "reshape", "roll", "select", "slice", "split", "split_with_sizes", "squeeze", "stack", "t",
    "transpose", "unbind", "unsqueeze", "_unsafe_view", "view",
}  # fmt: skip
