"""What MADE and FVSBN share: a masked network, its kernels, and how it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..kernels import heads
from ..kernels import made as kernels
from ..kernels.made import Given, MaskedNet, Request, Results
from ..kernels.made_rows import Strips, new_strips, sample_rows_cpu
from ..memory import check_memory
from . import masked, stored
from .base import AutoregressiveModel
from .defined import refuse_undefined, undefined_draw
from .draw import Draw, Drawn
from .masked import HEADS
from .runs import run_rows

if TYPE_CHECKING:
    from .masked_training import MaskedStepper

Array = npt.NDArray[Any]
FEW_ROWS = 4  # sampled from strips; more make better use of the lanes of a tile


class MaskedModel(AutoregressiveModel):
    """A masked network with one head per variable; made by the families' constructors."""

    _net: MaskedNet
    _strips: tuple[MaskedNet, Strips] | None  # derived from that net when first needed

    @classmethod
    def _from_net(cls, net: MaskedNet) -> Self:
        """A model around a network that is known to be right."""
        model = cls.__new__(cls)
        model._set_net(net)
        return model

    def _set_net(self, net: MaskedNet) -> None:
        self._net, self._strips = net, None
        self.n_vars = len(net.order)
        self.dtype = net.weights.dtype
        self.order = net.order.copy()
        self.order.flags.writeable = False
        self.n_states = {heads.BERNOULLI: 2, heads.CATEGORICAL: net.n_states}.get(net.head)
        self.uniforms_per_variable = 2 if net.head == heads.MIXTURE else 1  # type: ignore[misc]

    @property
    def head(self) -> str:
        """Distribution of each variable: bernoulli, categorical, normal or mixture."""
        return next(name for name, code in HEADS.items() if code == self._net.head)

    @property
    def n_parameters(self) -> int:
        """Number of biases and unmasked weights."""
        return masked.count_parameters(self._net)

    def _net_to_read(self) -> MaskedNet:
        """The network for one call: a fit in another thread may swap it, torch may write into it at any time.

        Of memory that torch shares it is a copy, without what an optimiser or nn.init wrote into masked cells."""
        net = self._net
        return masked.without_masked(net) if self._shares_memory else net

    def _log_prob(self, x: Array, per_variable: bool) -> Array:
        net = self._net_to_read()
        result = score(net, x, no_context(net, len(x)), per_variable)
        refuse_undefined(result, lambda row: _terms(net, x[row : row + 1]), net.order, self.dtype)
        return result

    def _sample(self, draw: Draw) -> Drawn:
        net = self._net_to_read()
        return sample(net, draw, self.n_states, strips=self._strips_for(net, draw.n))

    def _strips_for(self, net: MaskedNet, n: int) -> Strips | None:
        """What few rows are sampled from; None for many, where parameters may change at any time, and where memory
        does not hold the weights twice."""
        if n > FEW_ROWS or self._shares_memory:
            return None
        cached = self._strips
        if cached is None or cached[0] is not net:
            try:
                cached = self._strips = net, new_strips(net)
            except ValueError:
                return None
        return cached[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_strips": None}

    def _stepper(self) -> MaskedStepper:
        from .masked_training import MaskedStepper  # compiles the backward kernels

        return MaskedStepper(self._net_to_read())

    def _adopt(self, parameters: dict[str, Array]) -> None:
        if self._shares_memory:
            for name, array in self._shared_parameters().items():
                array[:] = parameters[name]
        else:
            self._set_net(masked.with_parameters(self._net, parameters["weights"], parameters["biases"]))

    def _shared_parameters(self) -> dict[str, Array]:
        if not self._shares_memory:
            self._adopt({"weights": self._net.weights.copy(), "biases": self._net.biases.copy()})
            self._shares_memory = True
        return {"weights": self._net.weights, "biases": self._net.biases}

    def _with_parameters(self, parameters: dict[str, Array]) -> Self:
        net = masked.with_parameters(self._net, parameters["weights"], parameters["biases"])
        for name, own, other in (("weights", self._net.weights, net.weights), ("biases", self._net.biases, net.biases)):
            if other.shape != own.shape:
                raise ValueError(f"{name} must have shape {own.shape}, got {other.shape}")
        model = self._from_net(net)
        model._shares_memory = True
        return model

    def _gradients(
        self, parameters: dict[str, Array], x: Array, row_weights: Array
    ) -> tuple[Array, dict[str, Array], Array | None]:
        from .masked_training import gradients

        net = self._with_parameters(parameters)._net_to_read()
        return gradients(net, x, row_weights, by_inputs=self.n_states is None)

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return stored.to_state(self._net_to_read(), self.head)

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        return cls._from_net(stored.from_state(structure, arrays))

    def _check_truncation(self, draw: Draw) -> None:
        super()._check_truncation(draw)
        if self._net.head == heads.MIXTURE and draw.truncated:
            raise ValueError("a mixture of Normals cannot be tempered: p(x)**(1/T) is no mixture of Normals")


def no_context(net: MaskedNet, n: int) -> Array:
    """The context of a model that has none."""
    return np.empty((n, 0), net.weights.dtype)


def work_per_row(net: MaskedNet) -> float:
    """Multiply-adds of one row."""
    return float(net.reach.sum() + net.biases.size)


def read_only(array: Array) -> Array:
    """A contiguous view that numba compiles one signature for."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def score(net: MaskedNet, x: Array, context: Array, per_variable: bool) -> Array:
    """log_prob of rows (n,), or its terms (n, n_vars)."""
    n, n_vars = x.shape
    check_memory(8 * n * (n_vars if per_variable else 1), "log_prob")
    log_prob, terms = np.empty(n), np.empty((n if per_variable else 0, n_vars))
    x, context = read_only(x), read_only(context)

    def work(begin: int, end: int) -> None:
        kernels.log_prob_cpu(begin, end, net, x, context, terms, log_prob)

    run_rows(work, n, work_per_row(net))
    return terms if per_variable else log_prob


def sample(
    net: MaskedNet,
    draw: Draw,
    n_states: int | None,
    noise: Array | None = None,
    context: Array | None = None,
    strips: Strips | None = None,
) -> Drawn:
    """Draw rows; ``noise`` (n, n_vars) by position, instead of random numbers, is what the heads take. With the net's
    ``strips`` few rows are drawn in less time, the same bit for bit."""
    n, n_vars, dtype = draw.n, len(net.order), net.weights.dtype
    value_type = dtype if n_states is None else np.dtype(np.uint8 if n_states <= 256 else np.uint16)
    check_memory(n * n_vars * value_type.itemsize, "sample")
    scored = n if draw.return_log_prob else 0
    results = Results(
        np.empty((n, n_vars), value_type),
        np.empty(scored),
        np.empty(scored if draw.truncated else 0),
        np.empty(n, np.bool_),
    )
    request = Request(
        np.uint64(draw.key),
        np.uint64(draw.start if n else 0),  # no rows may start at 2**64
        draw.prefix_length,
        draw.n_per_row,
        draw.temperature if net.head == heads.NORMAL else draw.temperature_in(dtype),
        min(draw.top_k or 0, net.head_size + 1),
        1.0 if draw.top_p is None else draw.top_p,
        draw.truncated,
        draw.return_log_prob,
        _source(draw, noise),
    )
    given = Given(
        read_only(np.empty((0, 0), dtype) if draw.prefix is None else draw.prefix.astype(dtype)),
        read_only(_noise(draw, noise, net)),
        read_only(no_context(net, n) if context is None else context),
    )

    def work(begin: int, end: int) -> None:
        if strips is None:
            kernels.sample_cpu(begin, end, net, request, given, results)
        else:
            sample_rows_cpu(begin, end, net, strips, request, given, results)

    run_rows(work, n, work_per_row(net))
    if results.undefined.any():
        row = int(results.undefined.argmax())
        values = results.values[row : row + 1]
        defined = np.isfinite(values[0]) if n_states is None else _terms(net, values) < np.inf
        raise undefined_draw(row, defined, net.order, dtype, draw.temperature)
    refuse_undefined(results.log_prob, lambda row: _terms(net, results.values[row : row + 1]), net.order, dtype)
    if not draw.return_log_prob:
        return Drawn(results.values)
    return Drawn(results.values, results.log_prob, results.sampling_log_prob if draw.truncated else None)


def _terms(net: MaskedNet, x: Array) -> Array:
    """The terms (n_vars,) of one row, without context."""
    return score(net, x, no_context(net, 1), True)[0]


def _source(draw: Draw, noise: Array | None) -> int:
    if noise is not None:
        return kernels.NOISE
    return kernels.PHILOX if draw.uniforms is None else kernels.UNIFORMS


def _noise(draw: Draw, noise: Array | None, net: MaskedNet) -> Array:
    """Given noise, or given uniforms, (n, n_vars * words)."""
    if noise is not None:
        return noise
    if draw.uniforms is None:
        return np.empty((0, 0), np.float64)
    return draw.uniforms_in(net.weights.dtype if net.head == heads.BERNOULLI else np.float64)
