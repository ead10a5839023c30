"""Log-probabilities and draws of the families of ``conditionals/neural_families.py`` in torch, with gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Parameters = Sequence["Tensor"]  # the parts of a family; the normal one's log_std also where it is fixed

HALF_LOG_2_PI = 0.9189385332046727


def bernoulli_terms(parameters: Parameters, x: Tensor) -> Tensor:
    """log sigmoid(+-logit) of every cell."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    (logits,) = parameters
    return -binary_cross_entropy_with_logits(logits, x.to(logits.dtype), reduction="none")


def categorical_terms(parameters: Parameters, x: Tensor) -> Tensor:
    """log softmax(logits)[x] of every cell."""
    import torch

    (logits,) = parameters
    return torch.log_softmax(logits, dim=-1).gather(-1, x.long()[..., None])[..., 0]


def normal_terms(parameters: Parameters, x: Tensor) -> Tensor:
    """log Normal(x; mean, exp(log_std)) of every cell, in the wider of the types of numbers and parameters."""
    import torch

    mean, log_std = parameters
    scaled = (x - mean) * torch.exp(-log_std)
    return -0.5 * scaled * scaled - log_std - HALF_LOG_2_PI


def mixture_terms(parameters: Parameters, x: Tensor) -> Tensor:
    """log sum_j softmax(logits)[j] Normal(x; mean_j, exp(log_std_j)) of every cell."""
    import torch

    logits, mean, log_std = parameters
    terms = torch.log_softmax(logits, dim=-1) + normal_terms((mean, log_std), x[..., None])
    nothing = torch.isneginf(terms)  # where all are, the gradient of logsumexp would be NaN
    total = torch.logsumexp(terms.masked_fill(nothing, torch.finfo(terms.dtype).min), dim=-1)
    return total.masked_fill(nothing.all(-1), -torch.inf)


TERMS: dict[str, Callable[[Parameters, Tensor], Tensor]] = {
    "bernoulli": bernoulli_terms,
    "categorical": categorical_terms,
    "normal": normal_terms,
    "mixture": mixture_terms,
}


def with_fixed_std(parameters: Parameters, std: float | None) -> Parameters:
    """The parts of a family, the fixed log std of a normal one added."""
    import torch

    if std is None:
        return parameters
    (mean,) = parameters
    return mean, torch.full_like(mean, math.log(std))
