"""zuko's masked autoregressive flows, with sampling at the cost of one pass per transform."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.matrices import real_matrix
from ..data.placement import Placement
from ..engines.masked.flow import affine_net, from_noise, to_noise
from ..engines.masked.plan import MaskedNet, count_parameters
from ..runtime.memory import check_memory
from ..runtime.seeds import check_rows, key_from_seed
from .torch_masked import arrange, copied, ending, float_type, read_layers, twin_of
from .torch_order import causal_order

Array = npt.NDArray[Any]
CHECKED_ROWS = 16
TOLERANCE = 1e-6  # in float64: far above rounding, far below what another function would give


def accelerate(flow: Any) -> FastMAF:
    """The same density and the same samples as a ``zuko.flows.MAF``, from its weights (copied).

    For a flow that stays one (trained on, with gradients, with other layers) see ``fastdgm.interop.flows.accelerate``.

    Supported are affine transforms (MonotonicAffineTransform, slope 1e-3), any number of them, any order and
    adjacency, context, ``residual=True``, and the activations ReLU, ELU, Tanh, Sigmoid, Softplus and SiLU, over a
    standard normal base. The result is compared with the flow on random rows before it is returned.

    Raises
    ------
    ImportError : zuko is not installed.
    TypeError : not such a flow; the message names the part.

    Examples
    --------
    >>> import torch, zuko  # doctest: +SKIP
    >>> from fastdgm.interop.zuko import accelerate
    >>> fast = accelerate(zuko.flows.MAF(3, context=2, transforms=3, randperm=True))  # doctest: +SKIP
    >>> x = fast.sample(1000, c=torch.zeros(2), seed=0)  # doctest: +SKIP
    >>> fast.log_prob(x, c=torch.zeros(2)).shape  # doctest: +SKIP
    torch.Size([1000])
    """
    try:
        import zuko
    except ImportError as error:
        raise ImportError('accelerate needs zuko 1.3 or later: pip install "zuko>=1.3"') from error
    if not isinstance(flow, zuko.flows.Flow):
        raise TypeError(f"accelerate takes a zuko flow such as zuko.flows.MAF, got {type(flow).__name__}")
    _check_base(flow.base)
    composed = isinstance(flow.transform, zuko.lazy.LazyComposedTransform)
    transforms = list(flow.transform.transforms) if composed else [flow.transform]
    if not transforms:
        raise TypeError("accelerate takes a flow of at least one transform, got none")
    n_vars = len(flow.base().base_dist.loc)
    _verify(flow, FastMAF([_net(transform, n_vars, np.dtype(np.float64)) for transform in transforms]))
    return FastMAF([_net(transform, n_vars, float_type(flow)) for transform in transforms])


class FastMAF:
    """A masked autoregressive flow x -> z, z standard normal; made by :func:`accelerate`.

    x and z are (..., n_vars), the context c is (..., n_context); their leading axes are broadcast. Torch tensors in
    (x, z or c) give torch tensors out, without gradients. Densities are float64; x and z have the flow's dtype.
    """

    def __init__(self, nets: Sequence[MaskedNet]) -> None:
        self._nets = tuple(nets)
        self.n_vars: int = len(nets[0].order)
        self.n_context: int = nets[0].n_context
        self.dtype: np.dtype[Any] = nets[0].weights.dtype

    def log_prob(self, x: Any, c: Any = None) -> Any:
        """log p(x | c) = log Normal(z; 0, 1) + log |dz / dx|, in nats, (...,)."""
        rows, context, batch = self._rows(x, c, "x")
        z, log_det = self._forward(rows, context)
        z = z.astype(np.float64)
        log_prob = log_det - 0.5 * (z * z).sum(axis=1) - 0.5 * self.n_vars * math.log(2 * math.pi)
        return Placement.of(x, c).give_back(log_prob.reshape(batch))

    def forward(self, x: Any, c: Any = None) -> tuple[Any, Any]:
        """z of x (..., n_vars), and log |dz / dx| (...,)."""
        rows, context, batch = self._rows(x, c, "x")
        z, log_det = self._forward(rows, context)
        give_back = Placement.of(x, c).give_back
        return give_back(z.reshape(*batch, self.n_vars)), give_back(log_det.reshape(batch))

    def inverse(self, z: Any, c: Any = None) -> Any:
        """x of z (..., n_vars): one pass per transform, whatever the number of variables."""
        rows, context, batch = self._rows(z, c, "z")
        return Placement.of(z, c).give_back(self._inverse(rows, context).reshape(*batch, self.n_vars))

    def sample(
        self, shape: int | Sequence[int] = (), c: Any = None, *, seed: int | np.random.Generator | None = None
    ) -> Any:
        """Draw x of shape (*shape, ..., n_vars), where ... are the leading axes of c.

        Parameters
        ----------
        shape : a number of samples, or a shape of them.
        c : context; where it is a NumPy array, so is the result.
        seed : int in [0, 2**64), a numpy Generator, or None for a fresh one. The noise is NumPy's, not the
            counter-based words of our own models: there is no ``start``. A seed gives the same first samples for
            any number of them.
        """
        import torch

        asked: tuple[Any, ...] = (shape,) if np.ndim(shape) == 0 else tuple(shape)  # type: ignore[arg-type]
        context = None if c is None else _array(c, self.n_context, "c")
        batch = (*(check_rows(size)[0] for size in asked), *(() if context is None else context.shape[:-1]))
        size = math.prod(batch) * self.n_vars
        check_memory(16 * size, f"samples of shape {(*batch, self.n_vars)}")
        noise = np.random.default_rng(key_from_seed(seed)).standard_normal(size)
        x = self.inverse(noise.reshape(*batch, self.n_vars), context)
        return x if isinstance(c, np.ndarray) else torch.from_numpy(x)

    def __repr__(self) -> str:
        return (
            f"FastMAF(n_vars={self.n_vars}, n_context={self.n_context}, transforms={len(self._nets)}): "
            f"{sum(count_parameters(net) for net in self._nets):,} parameters, {self.dtype}"
        )

    def _rows(self, x: Any, c: Any, name: str) -> tuple[Array, Array, tuple[int, ...]]:
        """x and c as matrices of as many rows, and the leading axes of both."""
        values = _array(x, self.n_vars, name)
        if (c is None) != (self.n_context == 0):
            given = "none" if c is None else "one"
            raise ValueError(f"the flow has a context of {self.n_context} features, c is {given}")
        context = np.empty(0) if c is None else _array(c, self.n_context, "c")
        try:
            batch = np.broadcast_shapes(values.shape[:-1], context.shape[:-1])
        except ValueError:
            raise ValueError(
                f"the leading axes of {name} and c must broadcast, got shapes {values.shape} and {context.shape}"
            ) from None
        return self._matrix(values, batch, name), self._matrix(context, batch, "c"), batch

    def _matrix(self, array: Array, batch: tuple[int, ...], name: str) -> Array:
        width = array.shape[-1]
        rows = np.broadcast_to(array, (*batch, width)).reshape(math.prod(batch), width)
        return real_matrix(rows, width, self.dtype, name)

    def _forward(self, x: Array, context: Array) -> tuple[Array, Array]:
        total = np.zeros(len(x))
        for net in self._nets:
            x, log_det = to_noise(net, x, context)
            total += log_det
        return x, total

    def _inverse(self, z: Array, context: Array) -> Array:
        for net in reversed(self._nets):
            z = from_noise(net, z, context)
        return z


def _array(x: Any, width: int, name: str) -> Array:
    detach = getattr(x, "detach", None)  # a torch tensor that requires a gradient
    array = np.asarray(x if detach is None else detach().cpu())
    if array.ndim == 0 or array.shape[-1] != width:
        raise ValueError(f"{name} must have shape (..., {width}), got {array.shape}")
    return array


# From zuko --------------------------------------------------------------------------------------------------------


def _check_base(base: Any) -> None:
    import zuko

    distribution = base() if isinstance(base, zuko.lazy.UnconditionalDistribution) else base
    if not isinstance(distribution, zuko.distributions.DiagNormal):
        raise TypeError(f"accelerate takes flows over DiagNormal, got the base {type(distribution).__name__}")
    normal = distribution.base_dist
    if not (bool((normal.loc == 0).all()) and bool((normal.scale == 1).all())):
        raise TypeError("accelerate takes flows over a standard normal base: loc 0 and scale 1, got other numbers")


def _net(transform: Any, n_vars: int, dtype: np.dtype[Any]) -> MaskedNet:
    """zuko's hyper network reads variables, then context, and gives shift and scale of each variable in turn."""
    import zuko

    if not isinstance(transform, zuko.flows.MaskedAutoregressiveTransform):
        raise TypeError(f"accelerate takes MaskedAutoregressiveTransform, got {type(transform).__name__}")
    if transform.univariate is not zuko.transforms.MonotonicAffineTransform:
        name = getattr(transform.univariate, "__name__", repr(transform.univariate))
        raise TypeError(f"accelerate takes the univariate MonotonicAffineTransform with slope 1e-3, got {name}")
    twin = twin_of(transform.hyper)
    layers, n_inputs = ending(read_layers(twin)), twin.n_inputs
    variables = np.where(np.arange(n_inputs) < n_vars, np.arange(n_inputs), -1)
    order = causal_order(layers, variables, np.arange(2 * n_vars).reshape(n_vars, 2))
    columns = np.concatenate([np.arange(n_vars, n_inputs), order])
    arranged = arrange(layers, columns, (2 * order[:, np.newaxis] + np.arange(2)).ravel())
    return affine_net(arranged, order, n_inputs - n_vars, dtype)


def _verify(flow: Any, fast: FastMAF) -> None:
    """The flow itself, in float64, must give the same noise and densities on random rows."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(CHECKED_ROWS, fast.n_vars, generator=generator, dtype=torch.float64)
    c = torch.randn(CHECKED_ROWS, fast.n_context, generator=generator, dtype=torch.float64) if fast.n_context else None
    with torch.no_grad():
        z, log_det = copied(flow, torch.float64).transform(c).call_and_ladj(x)
    own_z, own_log_det = fast.forward(x, c)
    same = [torch.isclose(*pair, rtol=TOLERANCE, atol=TOLERANCE) for pair in ((own_z, z), (own_log_det, log_det))]
    if not all(bool(each.all()) for each in same):
        raise TypeError("the flow computes something else than the masked layers of its transforms")
