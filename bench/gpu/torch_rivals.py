"""The usual ways to do the same in torch, on the card where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from networks import MaskedNetwork  # of bench/

import fastdgm as fd

NAIVE_PASSES = 16  # of n_vars passes one in so many is timed: all cost the same
STEPS_BEFORE_CAPTURE = 2


def torch_device() -> str:
    """Of tensors; the CPU in numba's simulator."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def on_card(array: np.ndarray) -> torch.Tensor:
    """A copy there."""
    return torch.from_numpy(np.array(array, order="C")).to(torch_device())


class TableGathers:
    """A network of tables: one gather for each variable, indices by multiplication and addition."""

    def __init__(self, net: fd.BayesNet, codes: torch.Tensor) -> None:
        """``codes`` (n_vars, n), uint8."""
        self.codes, self.families = codes, []
        for v, name in enumerate(net.names):
            columns = [*map(net.names.index, net.parents[name]), v]
            table = net.conditionals[name].table
            strides = np.cumprod([1, *table.shape[:0:-1]])[::-1].tolist()
            with np.errstate(divide="ignore"):
                self.families.append((columns, strides, on_card(np.log(table).ravel())))

    def log_prob(self) -> torch.Tensor:
        """(n,) float64, nats."""
        with torch.inference_mode():
            total = torch.zeros(self.codes.shape[1], dtype=torch.float64, device=self.codes.device)
            for columns, strides, table in self.families:
                index = sum(self.codes[c].long() * stride for c, stride in zip(columns, strides, strict=True))
                total += table[index]
            return total


def log_likelihood(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log p of every bit, in its shape."""
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").neg_()


class MaskedPasses:
    """A masked network with masks applied beforehand; a pass gives the logits of all variables."""

    def __init__(self, network: MaskedNetwork, rows: np.ndarray) -> None:
        layers = zip(network.weights, network.biases, strict=True)
        self.layers = [(on_card(weight), on_card(bias)) for weight, bias in layers]
        self.x = on_card(rows.astype(np.float32))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_vars) of rows (n, n_vars); ReLU between layers."""
        for number, (weight, bias) in enumerate(self.layers):
            x = torch.nn.functional.linear(x if number == 0 else x.relu_(), weight, bias)
        return x

    def log_prob(self) -> torch.Tensor:
        """(n,) nats, by one pass."""
        with torch.inference_mode():
            return log_likelihood(self.logits(self.x), self.x).sum(1)

    def passes(self) -> int:
        """How many are timed of the naive method."""
        return max(1, self.x.shape[1] // NAIVE_PASSES)

    def sample_naively(self) -> torch.Tensor:
        """The first variables (n, n_vars), by a pass for each."""
        x = torch.zeros_like(self.x)
        with torch.inference_mode():
            for d in range(self.passes()):
                x[:, d] = torch.rand(len(x), device=x.device) < torch.sigmoid(self.logits(x)[:, d])
        return x


class NADESteps:
    """The loop of Larochelle and Murray (2011) over variables, all rows at once, O(hidden) per row and variable."""

    def __init__(self, parameters: Mapping[str, np.ndarray], n: int) -> None:
        self.W, self.V, self.b, self.c = (on_card(parameters[name]) for name in "WVbc")
        device = torch_device()
        self.sums, self.hidden = (torch.empty(n, len(self.c), device=device) for _ in range(2))
        self.x, self.uniforms, self.logits = (torch.empty(len(self.b), n, device=device) for _ in range(3))

    def sample(self) -> torch.Tensor:
        """(n_vars, n), in memory of its own that is used again."""
        with torch.inference_mode():
            self.uniforms.uniform_()
            self._step_loop(drawn=True)
        return self.x

    def log_prob(self, x: np.ndarray) -> torch.Tensor:
        """(n,) nats of rows (n, n_vars)."""
        with torch.inference_mode():
            self.x.copy_(torch.from_numpy(np.ascontiguousarray(x.T, np.float32)))
            self._step_loop(drawn=False)
            return log_likelihood(self.logits, self.x).sum(0)

    def _step_loop(self, drawn: bool) -> None:
        n = self.x.shape[1]
        self.sums.copy_(self.c.expand(n, -1))
        torch.sigmoid(self.sums, out=self.hidden)
        for d in range(len(self.x)):
            torch.addmv(self.b[d : d + 1].expand(n), self.hidden, self.V[d], out=self.logits[d])
            if drawn:
                self.x[d] = self.uniforms[d] < torch.sigmoid(self.logits[d])
            torch.sigmoid(self.sums.addr_(self.x[d], self.W[d]), out=self.hidden)

    def captured(self) -> Callable[[], Any]:
        """``sample`` as a CUDA graph: one launch for all steps."""
        if torch_device() == "cpu":
            return self.sample
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(STEPS_BEFORE_CAPTURE):
                self.sample()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.sample()
        return graph.replay
