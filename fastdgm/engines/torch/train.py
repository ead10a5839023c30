"""Training of torch modules by the steps that every gradient fit takes."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..training import Step, parted
from .outputs import Outputs

Array = npt.NDArray[Any]


class Loss(NamedTuple):
    """What a step descends, a tensor without axes, and the sum of log_prob that it reports."""

    descended: Any
    log_prob: Any


def to_host(tensor: Any) -> Array:
    """A copy of a tensor as an array; bfloat16, which NumPy lacks, as float32."""
    import torch

    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy().copy()


class TorchStepper(ABC):
    """Modules with their Adam state; arrays on the host mirror both, wherever the modules live.

    ``parameters`` mirrors the whole state of the modules, buffers included; names are those in the module behind the
    prefix that the module has. Asking for the mirrors brings them up to date, and what is written into them holds from
    the next call on. Dropout draws from a seed of the step, so that a resumed run gives the same numbers.
    """

    def __init__(self, modules: Mapping[str, Any], max_gradient_norm: float | None = None) -> None:
        """``modules`` by prefix; they are changed in place. Gradients are scaled down to ``max_gradient_norm``."""
        import torch

        self.modules: dict[str, Any] = dict(modules)
        self._max_gradient_norm = max_gradient_norm
        named = {prefix + name: p for prefix, own in modules.items() for name, p in own.named_parameters()}
        once = {id(p): name for name, p in reversed(named.items())}  # tied parameters under their first name
        self._trained = {name: p for name, p in named.items() if p.requires_grad and once[id(p)] == name}
        if not self._trained:
            raise ValueError("fit needs a module with parameters that require gradients, this one has none")
        self._devices = sorted({p.device.index for p in self._trained.values() if p.device.type == "cuda"})
        self._optimizer = torch.optim.AdamW(self._trained.values(), fused=True)
        self._tensors = {prefix + name: own for prefix, m in modules.items() for name, own in m.state_dict().items()}
        self._moments: dict[str, Any] = {}
        for name, p in self._trained.items():
            state = {
                "step": torch.zeros((), device=p.device),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }
            self._optimizer.state[p] = state
            self._moments[f"first.{name}"], self._moments[f"second.{name}"] = state["exp_avg"], state["exp_avg_sq"]
        self._host = {name: to_host(tensor) for name, tensor in self._tensors.items()}
        self._host_moments = {name: to_host(tensor) for name, tensor in self._moments.items()}
        self._stepped = self._handed_out = False

    @abstractmethod
    def loss(self, rows: Array, step: Step) -> Loss:
        """Of the rows, in train mode."""

    @abstractmethod
    def evaluate(self, rows: Array) -> Array:
        """log_prob of the rows, (n,) float64, in eval mode."""

    def why_not_finite(self, rows: Array, step: Step) -> str | None:
        """What makes the loss of the rows not finite, where more can be said of it."""
        return None

    @abstractmethod
    def noise_seed(self, step: Step) -> int:
        """What torch's generator is seeded with in a step."""

    @property
    def parameters(self) -> dict[str, Array]:
        """The mirror of the modules' states."""
        self._pull()
        return self._host

    @property
    def moments(self) -> dict[str, Array]:
        """The mirror of Adam's moments."""
        self._pull()
        return self._host_moments

    def step(self, rows: Array, step: Step) -> float:
        """One step of AdamW; the sum of log_prob of the rows before it, in train mode.

        FloatingPointError, before anything changes, where a gradient is not finite although the loss is, or it is known
        which part of the loss is not.
        """

        self._push()
        for group in self._optimizer.param_groups:
            betas = (step.beta1, step.beta2)
            group.update(lr=step.rate, betas=betas, eps=step.epsilon, weight_decay=step.weight_decay)
        for state in self._optimizer.state.values():
            state["step"].fill_(step.number - 1)
        with _seeded(self.noise_seed(step), self._devices):
            loss = self.loss(rows, step)
            self._optimizer.zero_grad()
            loss.descended.backward()
        log_prob = float(loss.log_prob)
        if np.isfinite(log_prob):
            self._check_gradients()
            self._optimizer.step()
            self._stepped = True
            return log_prob
        with _seeded(self.noise_seed(step), self._devices):
            why = self.why_not_finite(rows, step)
        if why is not None:
            raise FloatingPointError(f"{why}, so the loss is {-log_prob}")
        return log_prob

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64, in eval mode."""
        self._push()
        return self.evaluate(rows)

    def _check_gradients(self) -> None:
        """FloatingPointError, naming a gradient that is not finite; then those that are too long are scaled down."""
        import torch

        gradients = [p.grad for p in self._trained.values() if p.grad is not None]
        squares = [torch.dot(own, own) for own in (gradient.reshape(-1) for gradient in gradients)]
        if not np.isfinite(sum(map(float, squares))) and (name := self._not_finite()) is not None:
            raise FloatingPointError(f"the gradient of {name} is not finite")
        if self._max_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._trained.values(), self._max_gradient_norm)

    def _not_finite(self) -> str | None:
        """The first parameter whose gradient is not finite; squares may leave the range of their type before."""
        import torch

        for name, p in self._trained.items():
            if p.grad is not None and not bool(torch.isfinite(p.grad).all()):
                return name
        return None

    def _pull(self) -> None:
        if self._stepped:
            for host, tensors in ((self._host, self._tensors), (self._host_moments, self._moments)):
                for name, tensor in tensors.items():
                    host[name][...] = to_host(tensor)
        self._stepped, self._handed_out = False, True

    def _push(self) -> None:
        if self._handed_out:
            load(self._tensors, self._host)
            load(self._moments, self._host_moments)
        self._handed_out = False


class ModuleStepper(TorchStepper):
    """A copy of an autoregressive module."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = replace(outputs, module=copy.deepcopy(outputs.module).train())
        super().__init__({"": self._outputs.module})

    def loss(self, rows: Array, step: Step) -> Loss:
        """The mean of -log_prob."""
        import torch

        log_prob = self._outputs.terms(*parted(rows, np.float32), torch.float32).sum(dim=1)
        return Loss(-log_prob.mean(), log_prob.detach().double().sum())

    def evaluate(self, rows: Array) -> Array:
        """Batch by batch."""
        return self._outputs.evaluate(*parted(rows, np.float32)).sum(axis=1)

    def noise_seed(self, step: Step) -> int:
        """Its number."""
        return step.number


@contextmanager
def _seeded(seed: int, devices: Sequence[int]) -> Iterator[None]:
    """torch's generators of CPU and some GPUs begin with the seed, and go on afterwards as if they had not."""
    import torch

    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed notes a traceback for GPUs that are not in use
        for device in devices:
            torch.cuda.default_generators[device].manual_seed(seed)
        yield


def load(tensors: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Copy arrays into tensors of the same names and shapes, in place."""
    import torch

    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(arrays[name]).reshape(arrays[name].shape)))
