"""One position of many rows, as ``picking.py``, by tensors that stay on their device: nothing waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..draw import Draw

if TYPE_CHECKING:
    from torch import Tensor


def is_defined(logits: Tensor) -> Tensor:
    """(n,) whether rows have probabilities: logits are finite or -inf, and not all of them -inf."""
    import torch

    return torch.isfinite(logits.amax(dim=1))


def truncated(logits: Tensor, draw: Draw) -> Tensor:
    """logits / temperature; -inf but for the top_k most probable states, of them the fewest with a share of top_p."""
    import torch

    if draw.temperature < 1.0:
        logits = logits - logits.amax(dim=1, keepdim=True)
    scaled = logits / draw.temperature
    falling, order = torch.sort(scaled, dim=1, descending=True, stable=True)
    reached = torch.exp(falling - falling[:, :1]).cumsum(dim=1)
    kept = torch.ones_like(reached, dtype=torch.bool)
    n_largest = reached.shape[1] if draw.top_k is None else min(draw.top_k, reached.shape[1])
    if draw.top_p is not None and draw.top_p < 1.0:
        before = torch.nn.functional.pad(reached[:, :-1], (1, 0))
        kept = before < draw.top_p * reached[:, n_largest - 1 : n_largest]
    kept[:, n_largest:] = False
    return torch.where(torch.empty_like(kept).scatter_(1, order, kept), scaled, -torch.inf)


def pick(logits: Tensor, uniforms: Tensor) -> Tensor:
    """The smallest state whose cumulative probability exceeds the uniform; never one of probability 0."""
    import torch

    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True))
    cumulative = weights.cumsum(dim=1)
    states = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(dim=1)
    last = weights.shape[1] - 1 - (weights.flip(1) > 0.0).to(torch.int8).argmax(dim=1)
    return torch.minimum(states, last)


def pick_log_odds(logits: Tensor, uniforms: Tensor) -> Tensor:
    """1 where u < sigmoid(z) for logits (0, z): u (1 + exp(-z)) < 1."""
    import torch

    return (uniforms * (1.0 + torch.exp(logits[:, 0] - logits[:, 1])) < 1.0).to(torch.int64)
