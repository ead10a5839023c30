"""Training of a torch module by the steps that every gradient fit takes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..training import Step
from .outputs import Outputs

Array = npt.NDArray[Any]


def to_host(tensor: Any) -> Array:
    """A copy of a tensor as an array; bfloat16, which NumPy lacks, as float32."""
    import torch

    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy().copy()


class ModuleStepper:
    """A copy of the module with its Adam state; arrays on the host mirror both, wherever the module lives.

    ``parameters`` mirrors the whole state_dict, buffers included. Asking for the mirrors brings them up to date, and
    what is written into them holds from the next call on. Dropout draws from the number of the step, so that a resumed
    run gives the same numbers.
    """

    def __init__(self, outputs: Outputs) -> None:
        import torch

        self._outputs = replace(outputs, module=copy.deepcopy(outputs.module).train())
        self._module = self._outputs.module
        trained = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
        if not trained:
            raise ValueError("fit needs a module with parameters that require gradients, this one has none")
        self._optimizer = torch.optim.AdamW(trained.values())
        self._tensors = dict(self._module.state_dict())
        self._moments: dict[str, Any] = {}
        for name, p in trained.items():
            state = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
            self._optimizer.state[p] = state
            self._moments[f"first.{name}"], self._moments[f"second.{name}"] = state["exp_avg"], state["exp_avg_sq"]
        self._host = {name: to_host(tensor) for name, tensor in self._tensors.items()}
        self._host_moments = {name: to_host(tensor) for name, tensor in self._moments.items()}
        self._stepped = self._handed_out = False

    @property
    def parameters(self) -> dict[str, Array]:
        """The mirror of the state_dict."""
        self._pull()
        return self._host

    @property
    def moments(self) -> dict[str, Array]:
        """The mirror of Adam's moments."""
        self._pull()
        return self._host_moments

    def step(self, rows: Array, step: Step) -> float:
        """One step of AdamW; the sum of log_prob of the rows before it, in train mode."""
        import torch

        self._push()
        for group in self._optimizer.param_groups:
            betas = (step.beta1, step.beta2)
            group.update(lr=step.rate, betas=betas, eps=step.epsilon, weight_decay=step.weight_decay)
        for state in self._optimizer.state.values():
            state["step"].fill_(step.number - 1)
        device = next(self._module.parameters()).device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(step.number)
            log_prob = self._outputs.terms(rows, torch.float32).sum(dim=1)
            self._optimizer.zero_grad()
            (-log_prob.mean()).backward()
        self._optimizer.step()
        self._stepped = True
        return float(log_prob.detach().double().sum())

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64, in eval mode."""
        self._push()
        return self._outputs.evaluate(rows).sum(axis=1)

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


def load(tensors: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Copy arrays into tensors of the same names and shapes, in place."""
    import torch

    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(arrays[name]).reshape(arrays[name].shape)))
