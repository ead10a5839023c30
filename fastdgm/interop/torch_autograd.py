"""The log_prob of a model as a torch module: gradients by the model's own backward kernels. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from ..autoregressive.base import AutoregressiveModel


class LogProb(torch.nn.Module):
    """x -> log p(x), with the model's parameters as torch Parameters of the same memory; ``model.to_torch()`` makes it.

    Any torch optimiser so trains the model itself, and the module can be a part of a larger one. It stays on the CPU
    and in the model's dtype. Masked weights are 0 and get gradients of 0: write nothing else there.

    Examples
    --------
    >>> import fastdgm as fd, torch
    >>> model = fd.FVSBN(2)
    >>> module = model.to_torch()
    >>> optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    >>> for _ in range(50):
    ...     optimizer.zero_grad()
    ...     (-module(torch.tensor([[0, 0], [1, 1]])).mean()).backward()
    ...     _ = optimizer.step()
    >>> bool(model.log_prob([[1, 1]])[0] > model.log_prob([[1, 0]])[0])  # the model has learned
    True
    """

    def __init__(self, model: AutoregressiveModel) -> None:
        super().__init__()
        self.model = model
        for name, array in model._shared_parameters().items():
            self.register_parameter(name, torch.nn.Parameter(torch.from_numpy(array)))

    def forward(self, x: Any) -> torch.Tensor:
        """log p of each row, (n,) float64 nats; differentiable by the parameters, and by x where x is continuous.

        Raises what the model's ``log_prob`` raises.
        """
        return _LogProbFunction.apply(self.model, torch.as_tensor(x), *self.parameters())

    def sample(self, *arguments: Any, **keywords: Any) -> Any:
        """The model's ``sample``, as torch tensors."""
        return self.model.sample(*arguments, **{"like": next(self.parameters()), **keywords})

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """``.to()`` and its kin would end the shared memory."""
        for name, parameter in self.named_parameters():
            if fn(parameter.data).data_ptr() != parameter.data_ptr():
                raise TypeError(
                    f"LogProb shares memory with its {type(self.model).__name__}: it stays on the CPU, in "
                    f"{parameter.dtype}, where it is; {name} was to be moved"
                )
        return self

    def __reduce__(self) -> tuple[type[LogProb], tuple[AutoregressiveModel]]:
        """A copy shares memory with a copy of the model."""
        return type(self), (self.model,)


class _LogProbFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, model: AutoregressiveModel, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        rows = model._check_data(x)
        ctx.model, ctx.rows = model, rows
        ctx.save_for_backward(x, *parameters)  # torch then notices when they are changed before backward
        return torch.from_numpy(model._log_prob(rows, False))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_log_prob: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Runs the forward pass again: keeping every hidden unit of every row would cost more memory than time."""
        model, (x, *parameters) = ctx.model, ctx.saved_tensors
        names = model._shared_parameters()
        arrays = {name: tensor.detach().numpy() for name, tensor in zip(names, parameters, strict=True)}
        weights = np.ascontiguousarray(by_log_prob.numpy(), model.dtype)
        _, gradients, by_x = model._gradients(arrays, ctx.rows, weights)
        wanted = ctx.needs_input_grad[1] and by_x is not None
        return (
            None,
            torch.from_numpy(by_x).reshape(x.shape) if wanted else None,
            *(torch.from_numpy(gradients[name]) for name in names),
        )
