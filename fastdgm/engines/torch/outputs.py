"""The output of a torch module as the logits of every variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.torch_modules import evaluating
from .graphed import graphed

Array = npt.NDArray[Any]
CELLS_AT_ONCE = 1 << 22  # logits of one batch
MOST_ROWS = 4096


@dataclass(frozen=True)
class Outputs:
    """A module whose output d are the logits of variable d given those before it.

    The module gives logits ``(n, n_vars, n_states)`` or, where it is ``binary``, log-odds of state 1 ``(n, n_vars)``.
    With a ``start`` it reads rows moved on by one, behind that code: its output d follows the input of variable d - 1.
    With ``n_context`` above 0 it is also given the context of the rows, a tensor ``(n, n_context)``; else that is None.
    """

    module: Any
    n_vars: int
    n_states: int
    binary: bool
    start: int | None = None
    n_context: int = 0

    @property
    def has_steps(self) -> bool:
        """Whether the module can give one position at a time."""
        return hasattr(self.module, "init_state") and hasattr(self.module, "step")

    @property
    def rows_at_once(self) -> int:
        """Rows of a batch."""
        return max(1, min(MOST_ROWS, CELLS_AT_ONCE // (self.n_vars * self.n_states)))

    def tensor(self, codes: Array) -> Any:
        """Codes as the module reads them: int64, where its parameters are."""
        import torch

        return torch.from_numpy(codes.astype(np.int64)).to(self._first_parameter().device)

    def context_tensor(self, context: Array) -> Any:
        """The context (n, n_context) as the module reads it: of the type of its parameters, where they are."""
        import torch

        if not self.n_context:
            return None
        first = self._first_parameter()
        return torch.from_numpy(np.array(context)).to(first.device, first.dtype)

    @property
    def number_type(self) -> Any:
        """Of the module's parameters, in which it reads a context."""
        return self._first_parameter().dtype

    def _first_parameter(self) -> Any:
        """One that says where the module computes and in which float type."""
        import torch

        found = list(self.module.parameters())
        return next((own for own in found if own.is_floating_point()), found[0] if found else torch.empty(0))

    def call(self, codes: Any, context: Any) -> Any:
        """What the module gives for tensors of codes and of their context."""
        import torch

        if self.start is not None:
            codes = torch.cat([torch.full_like(codes[:, :1], self.start), codes[:, :-1]], dim=1)
        return self.module(codes) if context is None else self.module(codes, context)

    def as_logits(self, output: Any, rows: tuple[int, ...], who: str = "the module") -> Any:
        """Logits ``(*rows, n_states)``; of log-odds z these are (0, z)."""
        import torch

        output = tensor_of(output, who)
        expected = rows if self.binary else (*rows, self.n_states)
        if tuple(output.shape) != expected:
            hint = _shape_hint(tuple(output.shape), rows, self.n_states)
            raise ValueError(f"{who} must give logits of shape {expected}, got {tuple(output.shape)}{hint}")
        return torch.stack([torch.zeros_like(output), output], dim=-1) if self.binary else output

    def logits(self, codes: Any, context: Any) -> Any:
        """(n, n_vars, n_states) tensor of tensors of codes and of their context."""
        return self.as_logits(self.call(codes, context), tuple(codes.shape))

    def terms(self, codes: Array, context: Array, dtype: Any) -> Any:
        """log p(x_d | before), (n, n_vars), as a tensor of at least the given type; differentiable."""
        return self.terms_of(self.tensor(codes), self.context_tensor(context), dtype)

    def terms_of(self, x: Any, context: Any, dtype: Any) -> Any:
        """The same of tensors as the module reads them."""
        import torch

        logits = self.logits(x, context)
        log_p = torch.log_softmax(logits.to(torch.promote_types(logits.dtype, dtype)), dim=-1)
        return log_p.gather(2, x[..., None])[..., 0]

    def evaluate(self, codes: Array, context: Array) -> Array:
        """The same as (n, n_vars) float64, in eval mode, batch by batch; ValueError for NaN."""
        import torch

        result = np.empty((len(codes), self.n_vars))
        with evaluating(self.module):
            for begin in range(0, len(codes), self.rows_at_once):
                own = slice(begin, begin + self.rows_at_once)
                result[own] = self.terms(codes[own], context[own], torch.float64).cpu().numpy()
        undefined = np.argwhere(np.isnan(result))
        if len(undefined):
            row, variable = (int(i) for i in undefined[0])
            raise ValueError(f"the module gives NaN for row {row}, variable {variable}")
        return result

    def by_whole_passes(self, codes: Any, context: Any, given: int, score_given: bool) -> Iterator[tuple[int, Any]]:
        """(position, logits as float64) by one call of the module per position not given; the first also serves those
        given.

        ``codes`` is read anew at every position: what was drawn is to be written into it.
        """
        if given and score_given:
            logits = self.logits(codes, context).double()
            yield from ((d, logits[:, d]) for d in range(given))
        one_pass = graphed(partial(self.logits, codes, context), codes.is_cuda, self.n_vars - given)
        for d in range(given, self.n_vars):
            yield d, one_pass()[:, d].double()

    def by_steps(self, codes: Any, context: Any) -> Iterator[tuple[int, Any]]:
        """(position, logits) by the module's own steps; ``codes`` is read as by whole passes."""
        n = len(codes)
        state = self.module.init_state(n) if context is None else self.module.init_state(n, context)
        previous = None if self.start is None else codes.new_full((len(codes),), self.start)
        for d in range(self.n_vars):
            output, state = self.module.step(state, previous)
            logits = self.as_logits(output, (len(codes),), "step()")
            yield d, logits.double()
            previous = codes[:, d].clone()


def _shape_hint(got: tuple[int, ...], rows: tuple[int, ...], n_states: int) -> str:
    """What usually makes modules give that shape for codes of shape ``rows``."""
    if len(rows) == 2 and rows[1] > 1 and got[:-1] in ((rows[0], 1), rows[:1]):
        return ": all positions are needed, not the last alone (what does forward give without targets?)"
    if got[:-1] == rows and got[-1] != n_states:
        return f": give n_states={got[-1]}, all states that the module has logits for"
    return ""


def tensor_of(output: Any, who: str) -> Any:
    """The logits in an output: itself, ``.logits`` or ``["logits"]`` as in transformers, the first part of a tuple.

    Raises TypeError where that is no tensor of floats.
    """
    import torch

    found = output
    if isinstance(output, Mapping) and "logits" in output:
        found = output["logits"]
    elif isinstance(output, tuple) and output:
        found = getattr(output, "logits", output[0])
    elif not isinstance(output, torch.Tensor):
        found = getattr(output, "logits", output)
    if not isinstance(found, torch.Tensor) or not found.is_floating_point():
        kind = found.dtype if isinstance(found, torch.Tensor) else type(found).__name__
        raise TypeError(f"{who} must give logits, a tensor of floats, got {kind}")
    return found
