"""What MADE and FVSBN share: a masked network, its kernels, and how it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..engines.draw import Draw, Drawn
from ..engines.masked import plan as masked
from ..engines.masked import stored
from ..engines.masked.plan import MaskedNet
from ..engines.masked.run import log_prob, sample
from ..engines.masked.strips import FEW_SAMPLED, FEW_SCORED, Strips, strips_of
from ..engines.training import Gradients
from .conditional import ConditionalModel

if TYPE_CHECKING:
    from ..data.placement import Placement
    from ..engines.cuda_rows import CudaRows
    from ..engines.cuda_training import CudaStepper
    from ..engines.masked.train import MaskedStepper

Array = npt.NDArray[Any]


class MaskedModel(ConditionalModel):
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
        self._net, self._strips, self._uploads = net, None, {}
        self.n_vars: int = len(net.order)
        self.dtype: np.dtype[Any] = net.weights.dtype
        self.order: Array = net.order.copy()
        self.order.flags.writeable = False
        self.n_states: int | None = masked.count_states(net)
        self.n_context: int = net.n_context
        self.uniforms_per_variable: int = masked.count_uniforms(net)

    @property
    def head(self) -> str:
        """Distribution of each variable: bernoulli, categorical, normal or mixture."""
        return masked.head_name(self._net)

    @property
    def n_parameters(self) -> int:
        """Number of biases and unmasked weights."""
        return masked.count_parameters(self._net)

    def _net_to_read(self) -> MaskedNet:
        """The network for one call: a fit in another thread may swap it, torch may write into it at any time.

        Of memory that torch shares it is a copy, without what an optimiser or nn.init wrote into masked cells."""
        net = self._net
        return masked.without_masked(net) if self._shares_memory else net

    def _log_prob(self, x: Array, context: Array, per_variable: bool) -> Array:
        net = self._net_to_read()
        return log_prob(net, x, context, per_variable, self._strips_for(net) if len(x) <= FEW_SCORED else None)

    def _sample(self, draw: Draw) -> Drawn:
        net = self._net_to_read()
        return sample(net, draw, self.n_states, strips=self._strips_for(net) if draw.n <= FEW_SAMPLED else None)

    def _strips_for(self, net: MaskedNet) -> Strips | None:
        """What few rows are scored and sampled with; None where parameters may change at any time, and where memory
        does not hold the weights twice."""
        if self._shares_memory:
            return None
        cached = self._strips
        if cached is not None and cached[0] is net:
            return cached[1]
        strips = strips_of(net)
        if strips is not None:
            self._strips = net, strips
        return strips

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_strips": None}

    def _cuda_source(self) -> MaskedNet:
        return self._net

    def _cuda_rows(self) -> CudaRows:
        from ..engines.masked.cuda_run import CudaMaskedRows  # imports the twins

        return CudaMaskedRows(self._net_to_read())

    def _cuda_stepper(self, placement: Placement) -> CudaStepper:
        from ..engines.masked.cuda_train import CudaMaskedStepper  # imports the twins

        return CudaMaskedStepper(self._net_to_read(), placement.cuda, placement.empty)

    def _uniforms_type(self) -> np.dtype[Any]:
        return self.dtype if self.head == "bernoulli" else np.dtype(np.float64)

    def _stepper(self) -> MaskedStepper:
        from ..engines.masked.train import MaskedStepper  # compiles the backward kernels

        return MaskedStepper(self._net_to_read())

    def _adopt(self, parameters: dict[str, Array]) -> None:
        if self._shares_memory:
            for name, array in self.share_parameters().items():
                array[:] = parameters[name]
        else:
            self._set_net(masked.with_parameters(self._net, parameters["weights"], parameters["biases"]))

    def _parameters_of_fit(self) -> dict[str, Array]:
        return {"weights": self._net.weights, "biases": self._net.biases}

    def share_parameters(self) -> dict[str, Array]:
        """Weights and biases in the kernels' order; see ``AutoregressiveModel``."""
        if not self._shares_memory:
            self._adopt({"weights": self._net.weights.copy(), "biases": self._net.biases.copy()})
            self._shares_memory = True
        return {"weights": self._net.weights, "biases": self._net.biases}

    def with_parameters(self, parameters: dict[str, Array]) -> Self:
        """The same network with other numbers; see ``AutoregressiveModel``."""
        net = masked.with_parameters(self._net, parameters["weights"], parameters["biases"])
        for name, own, other in (("weights", self._net.weights, net.weights), ("biases", self._net.biases, net.biases)):
            if other.shape != own.shape:
                raise ValueError(f"{name} must have shape {own.shape}, got {other.shape}")
        model = self._from_net(net)
        model._shares_memory, model._names = True, self._names
        return model

    def _gradients(self, x: Array, context: Array, row_weights: Array) -> Gradients:
        from ..engines.masked.train import gradients

        return gradients(self._net_to_read(), x, context, row_weights)

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        structure, arrays = stored.to_state(self._net_to_read(), self.head)
        return self._named(structure), arrays

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        own = {key: value for key, value in structure.items() if key != "names"}
        model = cls._from_net(stored.from_state(own, arrays))
        model._take_names(structure)
        return model

    def _check_truncation(self, draw: Draw) -> None:
        super()._check_truncation(draw)
        if self.head == "mixture" and draw.truncated:
            raise ValueError("a mixture of Normals cannot be tempered: p(x)**(1/T) is no mixture of Normals")
