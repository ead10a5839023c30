"""Masked networks of binary variables in plain torch: scoring, and sampling by one pass per variable or a loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from fastdgm.engines.masked import plan as masked
from fastdgm.kernels import made as layout


class TorchMasked:
    """The network of a MADE or FVSBN in natural order, ReLU between layers, units sorted by degree."""

    def __init__(self, model: Any) -> None:
        net = model._net
        numbers = range(1, len(net.layers))
        self.weights = [torch.from_numpy(masked.layer_view(net, i).copy()) for i in numbers]
        self.biases = [torch.from_numpy(masked.bias_view(net, i).copy()) for i in numbers]
        self.masks = [torch.from_numpy(mask_of(net, i)) for i in numbers]
        self.known = [row.tolist() for row in net.known]  # units of each layer whose degree is at most so much
        self.n_vars = len(net.order)
        self.halves = [weight[:, : max(1, weight.shape[1] // 2)].T.contiguous() for weight in self.weights]

    @torch.inference_mode()
    def logits(self, x: torch.Tensor, baked: bool = True) -> torch.Tensor:
        """Of all variables at once. ``baked``: masked weights are zeros already, else masked at every call."""
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = linear(x if number == 0 else x.relu_(), weight if baked else weight * self.masks[number], bias)
        return x

    @torch.inference_mode()
    def log_prob(self, x: torch.Tensor, baked: bool = True) -> torch.Tensor:
        """(n,) nats of float32 rows."""
        return binary_cross_entropy_with_logits(self.logits(x, baked), x, reduction="none").sum(1).neg_()

    @torch.inference_mode()
    def sample_naive(self, n: int, uniforms: torch.Tensor | None = None, passes: int | None = None) -> torch.Tensor:
        """One whole pass per variable (n, n_vars), of the first ``passes`` variables."""
        u = torch.rand(n, self.n_vars) if uniforms is None else uniforms
        x = torch.zeros(n, self.n_vars)
        for d in range(self.n_vars if passes is None else passes):
            x[:, d] = u[:, d] < torch.sigmoid(self.logits(x)[:, d])
        return x

    @torch.inference_mode()
    def sample_prefix(self, n: int, uniforms: torch.Tensor | None = None) -> torch.Tensor:
        """(n_vars, n): a hidden unit is computed once, from what it reads, as soon as that is known.

        Of the loops in torch that we tried (also: adding each variable to all sums at once, and rows first), the
        fastest. As many multiplications as ``halved_mm``.
        """
        u = torch.rand(self.n_vars, n) if uniforms is None else uniforms
        state = [torch.empty(self.n_vars, n)] + [torch.empty(len(bias), n) for bias in self.biases[:-1]]
        bits = torch.empty(n, dtype=torch.bool)
        for number in range(1, len(state)):
            self._finish(state, number, 0, 0)
        for d in range(self.n_vars):
            k = self.known[len(state) - 1][d]
            bias = self.biases[-1][d : d + 1].expand(n)
            z = torch.addmv(bias, state[-1][:k].T, self.weights[-1][d, :k])
            state[0][d] = torch.lt(u[d], z.sigmoid_(), out=bits)
            for number in range(1, len(state)):
                self._finish(state, number, self.known[number][d], d + 1)
        return state[0]

    def _finish(self, state: list[torch.Tensor], number: int, begin: int, degree: int) -> None:
        """Units of one layer from ``begin`` to the last of this degree."""
        end, k = self.known[number][degree], self.known[number - 1][degree]
        if end > begin:
            weight, bias = self.weights[number - 1][begin:end, :k], self.biases[number - 1][begin:end, None]
            torch.addmm(bias, weight, state[number - 1][:k], out=state[number][begin:end])
            state[number][begin:end].relu_()

    @torch.inference_mode()
    def halved_mm(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """Dense products of half the inputs of each layer: as much as the masks leave, at the best rate there is."""
        return [torch.mm(x, half) for x, half in zip(inputs, self.halves, strict=True)]

    def halved_inputs(self, n: int) -> list[torch.Tensor]:
        """What ``halved_mm`` takes."""
        return [torch.rand(n, half.shape[0]) for half in self.halves]


def mask_of(net: Any, number: int) -> np.ndarray:
    """(units, sources) float32 ones and zeros."""
    first, units = (int(net.layers[number, field]) for field in (layout.FIRST, layout.UNITS))
    sources = masked.layer_view(net, number).shape[1]
    return (np.arange(sources) < net.reach[first : first + units, None]).astype(np.float32)
