"""Masked networks of binary variables in plain torch: scoring, and sampling by one pass per variable or a loop."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .torch_base import TorchPeer, torch

NAIVE_PASSES = 16  # of n_vars passes one in so many is timed: all cost the same


class TorchMasked(TorchPeer):
    """The network as torch tensors: ReLU between layers, units sorted by degree."""

    def open(self) -> None:
        self.weights, self.biases, self.masks = (list(map(torch.from_numpy, arrays)) for arrays in self.source[:3])
        self.x = torch.from_numpy(self.rows.astype(np.float32))

    def logits(self, x: torch.Tensor, baked: bool = True) -> torch.Tensor:
        """Of all variables at once. ``baked``: masked weights are zeros already, else masked at every call."""
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            used = weight if baked else weight * self.masks[number]
            x = torch.nn.functional.linear(x if number == 0 else x.relu_(), used, bias)
        return x

    def score(self, baked: bool) -> torch.Tensor:
        """(n,) nats."""
        with torch.inference_mode():
            return self.log_likelihood(self.logits(self.x, baked), self.x).sum(1)


class MasksAtEveryCall(TorchMasked):
    """As torch modules of MADE do it."""

    library, label = "torch-masked", "torch, one pass, masks at every call"
    operations: ClassVar = {"log_prob": lambda self: self.score(baked=False)}


class MasksBeforehand(TorchMasked):
    """As one would after training."""

    library, label = "torch-baked", "torch, one pass, masks applied beforehand"
    operations: ClassVar = {"log_prob": lambda self: self.score(baked=True)}


class OnePassPerVariable(TorchMasked):
    """The textbook's way to sample."""

    library, label = "naive", "torch, one pass per variable"
    note = f"one pass in {NAIVE_PASSES} timed, scaled; masks applied beforehand"

    def open(self) -> None:
        super().open()
        self.passes = max(1, self.variables // NAIVE_PASSES)
        self.scale = self.variables / self.passes

    @classmethod
    def thread_counts(cls, threads: int) -> list[int]:
        return [1] if threads == 1 else []  # so slow that more threads tell nothing

    def sample(self) -> torch.Tensor:
        return self.draw(torch.rand(self.n_rows, self.variables), self.passes)

    def draw(self, u: torch.Tensor, passes: int) -> torch.Tensor:
        """(n, n_vars), of the first ``passes`` variables, from uniforms (n, n_vars)."""
        x = torch.zeros(u.shape)
        with torch.inference_mode():
            for d in range(passes):
                x[:, d] = u[:, d] < torch.sigmoid(self.logits(x)[:, d])
        return x

    operations: ClassVar = {"sample": sample}


class IncrementalLoop(TorchMasked):
    """A hidden unit is computed once, from what it reads, as soon as that is known.

    Of the loops in torch that we tried (also: adding each variable to all sums at once, and rows first), the fastest.
    As many multiplications as ``HalvedProduct``.
    """

    library, label = "prefix-loop", "torch, incremental loop"

    def sample(self) -> torch.Tensor:
        return self.draw(torch.rand(self.variables, self.n_rows))

    def draw(self, u: torch.Tensor) -> torch.Tensor:
        """(n_vars, n) from uniforms of that shape."""
        n = u.shape[1]
        state = [torch.empty(self.variables, n)] + [torch.empty(len(bias), n) for bias in self.biases[:-1]]
        bits = torch.empty(n, dtype=torch.bool)
        with torch.inference_mode():
            for number in range(1, len(state)):
                self._finish(state, number, 0, 0)
            for d in range(self.variables):
                k = self.source.known[len(state) - 1][d]
                bias = self.biases[-1][d : d + 1].expand(n)
                z = torch.addmv(bias, state[-1][:k].T, self.weights[-1][d, :k])
                state[0][d] = torch.lt(u[d], z.sigmoid_(), out=bits)
                for number in range(1, len(state)):
                    self._finish(state, number, self.source.known[number][d], d + 1)
        return state[0]

    def _finish(self, state: list[torch.Tensor], number: int, begin: int, degree: int) -> None:
        """Units of one layer from ``begin`` to the last of this degree."""
        end, k = self.source.known[number][degree], self.source.known[number - 1][degree]
        if end > begin:
            weight, bias = self.weights[number - 1][begin:end, :k], self.biases[number - 1][begin:end, None]
            torch.addmm(bias, weight, state[number - 1][:k], out=state[number][begin:end])
            state[number][begin:end].relu_()

    operations: ClassVar = {"sample": sample}


class HalvedProduct(TorchMasked):
    """Dense products of half the inputs of each layer: as much as the masks leave, at the best rate there is."""

    library, label = "halved-mm", "floor: torch.mm of the unmasked half"

    def open(self) -> None:
        super().open()
        self.halves = [weight[:, : max(1, weight.shape[1] // 2)].T.contiguous() for weight in self.weights]
        self.inputs = [torch.rand(self.n_rows, half.shape[0]) for half in self.halves]

    def multiply(self) -> list[torch.Tensor]:
        with torch.inference_mode():
            return [torch.mm(x, half) for x, half in zip(self.inputs, self.halves, strict=True)]

    operations: ClassVar = {"log_prob": multiply}
