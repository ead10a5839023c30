"""The log_prob of a model as a torch module: gradients by the model's own backward kernels. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from ..data.cuda_arrays import is_on_card
from ..inference.cuda_refusals import not_on_card

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..autoregressive.base import AutoregressiveModel


class LogProb(torch.nn.Module):
    """x -> log p(x), with the model's parameters as torch Parameters of the same memory; ``model.to_torch()`` makes it.

    Any torch optimiser so trains the model itself, and the module can be a part of a larger one. It stays on the CPU
    and in the model's dtype. Masked weights have gradients of 0 and are never read, whatever they hold.

    Values, gradients and samples are always those of the module's tensors as they are. Code that puts other tensors in
    their place (``p.data = ...``, ``load_state_dict(assign=True)``, ``vector_to_parameters``, a new Parameter) ends the
    shared memory: the model then keeps the numbers that it had, the module goes its own way. Bring them back with
    ``model.to_torch().load_state_dict(module.state_dict())``.

    Raises ValueError where a parameter has another shape than the model's, or is not finite and would be read;
    TypeError where it is complex, or on another device than the CPU.

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
        for name, array in model.share_parameters().items():
            self.register_parameter(name, torch.nn.Parameter(torch.from_numpy(array)))

    def forward(self, x: Any, context: Any = None) -> torch.Tensor:
        """log p of each row, (n,) float64 nats; differentiable by the parameters, by the context, and by x where x is
        continuous.

        Raises what the model's ``log_prob`` raises, and TypeError for rows of a GPU, of which the model itself has the
        ``log_prob``, and which its ``fit`` learns from.
        """
        _check_on_cpu(x, context)
        given = None if context is None else torch.as_tensor(context)
        result: torch.Tensor = _LogProbFunction.apply(self.model, torch.as_tensor(x), given, *self._tensors())
        return result

    def sample(self, *arguments: Any, **keywords: Any) -> Any:
        """The model's ``sample`` under the parameters as they are here, as torch tensors."""
        shared = all(_shares(self, name, array) for name, array in self.model.share_parameters().items())
        model = self.model if shared else _with_tensors(self.model, self._tensors())
        return model.sample(*arguments, **{"like": torch.empty(0), **keywords})

    def _tensors(self) -> list[torch.Tensor]:
        """By name, not ``self.parameters()``: pruning and parametrizations keep what to use under the name alone."""
        return [getattr(self, name) for name in self.model.share_parameters()]

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """``.to()`` and its kin would end the shared memory, ``share_memory()`` in place: it is tried on one number."""
        for name, parameter in self.named_parameters():
            number = torch.empty(1, dtype=parameter.dtype, device=parameter.device)
            address = number.data_ptr()
            if fn(number).data_ptr() != address:
                raise TypeError(
                    f"LogProb shares memory with its {type(self.model).__name__}: it stays on the CPU, in "
                    f"{parameter.dtype}, where it is; {name} was to be moved"
                )
        return self

    def __getstate__(self) -> dict[str, Any]:
        """What shares memory is in the model already: a copy shares memory with a copy of the model."""
        arrays = self.model.share_parameters()
        own: dict[str, Any] = dict(self._parameters)
        shared = {name: own[name].requires_grad for name, array in arrays.items() if _shares(self, name, array)}
        return {**vars(self), "_parameters": own | dict.fromkeys(shared), "_shared": shared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        shared = state.pop("_shared")
        super().__setstate__(state)
        self._parameters = dict(self._parameters)
        for name, requires_grad in shared.items():
            tensor = torch.from_numpy(self.model.share_parameters()[name])
            self._parameters[name] = torch.nn.Parameter(tensor, requires_grad)


class _LogProbFunction(torch.autograd.Function):
    """Of the tensors that it is given; the model gives no more than the structure."""

    @staticmethod
    def forward(
        model: AutoregressiveModel, x: torch.Tensor, context: torch.Tensor | None, *parameters: torch.Tensor
    ) -> torch.Tensor:
        result: torch.Tensor = _with_tensors(model, parameters).log_prob(x, context=context)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.model, *tensors = inputs
        ctx.save_for_backward(*tensors)  # torch then notices when they are changed before backward

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_log_prob: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Runs the forward pass again: keeping every hidden unit of every row would cost more memory than time."""
        model, (x, context, *parameters) = ctx.model, ctx.saved_tensors
        weights = np.ascontiguousarray(by_log_prob.numpy(), model.dtype)
        found = _with_tensors(model, parameters).gradients_given(x, context, weights)
        by_name = zip(model.share_parameters(), parameters, strict=True)
        by_x = torch.from_numpy(found.x).reshape(x.shape) if ctx.needs_input_grad[1] and found.x is not None else None
        return (
            None,
            by_x,
            _by_context(context, found.context) if ctx.needs_input_grad[2] else None,
            *(torch.from_numpy(found.parameters[name]).to(own) for name, own in by_name),
        )


def _by_context(context: torch.Tensor, by_row: npt.NDArray[Any]) -> torch.Tensor:
    """In the shape in which the context came; of one row for all it is the sum."""
    gradient = torch.from_numpy(by_row)
    if context.ndim == 1 or len(context) == 1:
        gradient = gradient.sum(dim=0)
    return gradient.reshape(context.shape).to(context)


def _with_tensors(model: AutoregressiveModel, tensors: Sequence[torch.Tensor]) -> AutoregressiveModel:
    return model.with_parameters(_arrays(model, tensors))


def _check_on_cpu(*data: Any) -> None:
    """TypeError for rows of a GPU: parameters and backward kernels are of the CPU."""
    if any(map(is_on_card, data)):
        raise not_on_card("the module of to_torch(), which shares memory with its model,")


def _arrays(model: AutoregressiveModel, tensors: Sequence[torch.Tensor]) -> dict[str, npt.NDArray[Any]]:
    """Parameters by name, in the model's dtype; the tensors' own memory where that is possible."""
    if any(tensor.is_complex() for tensor in tensors):
        raise TypeError(f"parameters must be real, got {[tensor.dtype for tensor in tensors]}")
    elsewhere = [str(tensor.device) for tensor in tensors if tensor.device.type != "cpu"]
    if elsewhere:
        raise TypeError(
            f"the kernels of to_torch() are of the CPU, a parameter is on {elsewhere[0]}: move it to the CPU"
        )
    dtype = torch.float64 if model.dtype == np.float64 else torch.float32
    arrays = (tensor.detach().to(dtype).contiguous().numpy() for tensor in tensors)
    return dict(zip(model.share_parameters(), arrays, strict=True))


def _shares(module: LogProb, name: str, array: npt.NDArray[Any]) -> bool:
    """Whether a Parameter of the module is that array, all of it."""
    own = module._parameters.get(name)
    if own is None or own.device.type != "cpu":
        return False
    shape, kind = tuple(own.shape), torch.from_numpy(array).dtype
    return own.data_ptr() == array.ctypes.data and own.is_contiguous() and (shape, own.dtype) == (array.shape, kind)
