"""Autoregressive modules on a GPU: rows drawn and scored in torch there, by random words of our kernels.

A step costs what its module does. A module without ``step`` runs once for each position, as one CUDA graph where it can
be captured; states of modules with ``step`` are theirs, so these launch their kernels one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...runtime.arrays import code_type
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ...runtime.torch_modules import evaluating
from ..cuda_rows import CudaDrawn, CudaRows, Empty
from ..draw import Draw
from .batches import rows_at_once
from .card import card_of, check_on_card, numba_view, tensor_view, torch_on
from .noise_cuda import LOOPS
from .outputs import Outputs
from .tensor_picking import is_defined, pick, pick_log_odds, truncated

if TYPE_CHECKING:
    from torch import Tensor


class _Drawing(NamedTuple):
    """A batch of rows, which is filled position by position; all tensors are on the module's device."""

    codes: Tensor  # int64 (n, n_vars); those of the prefix are there
    uniforms: Tensor  # float64 (n_vars, n)
    context: Tensor | None
    log_prob: Tensor  # float64 (n,)
    sampling_log_prob: Tensor
    undefined: Tensor  # bool (n,)


class CudaModuleRows(CudaRows):
    """A module on one card, whose parameters are read anew by every call."""

    def __init__(self, outputs: Outputs, say_cost: Callable[[Draw], None]) -> None:
        self._outputs, self._say_cost = outputs, say_cost

    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """Batch by batch."""
        import torch

        outputs, n = self._on(queue), x.shape[0]
        out = empty((n, outputs.n_vars) if per_variable else (n,), np.float64)
        with torch_on(queue), evaluating(outputs.module):
            codes, found = tensor_view(x, queue), tensor_view(out, queue)
            for own in self._batches(n):
                terms = outputs.terms_of(codes[own].long(), self._context(queue, context, own), torch.float64)
                found[own] = terms if per_variable else terms.sum(dim=1)
        return out

    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """Batch by batch, position by position."""
        outputs, n = self._on(queue), draw.n
        self._say_cost(draw)
        values = empty((n, outputs.n_vars), code_type(outputs.n_states))
        totals, undefined = empty((2, n), np.float64), empty((n,), np.bool_)
        with torch_on(queue), evaluating(outputs.module):
            views = [tensor_view(own, queue) for own in (values, totals, undefined)]
            for own in self._batches(n):
                drawing = self._begin(queue, draw, own)
                fill(outputs, draw, drawing)
                views[0][own] = drawing.codes.to(views[0].dtype)
                views[1][0, own], views[1][1, own] = drawing.log_prob, drawing.sampling_log_prob
                views[2][own] = drawing.undefined
        if not draw.return_log_prob:
            return CudaDrawn(values, undefined=undefined)
        return CudaDrawn(values, totals[0], totals[1] if draw.truncated else None, undefined)

    def _on(self, queue: CudaQueue) -> Outputs:
        check_on_card(self._outputs.module, queue, f"the module {type(self._outputs.module).__name__}")
        return self._outputs

    def _batches(self, n: int) -> Iterator[slice]:
        """Rows of one call of the module."""
        size = rows_at_once("cuda", self._outputs.n_vars * self._outputs.n_states)
        return (slice(begin, min(n, begin + size)) for begin in range(0, n, size))

    def _context(self, queue: CudaQueue, context: Any, own: slice) -> Tensor | None:
        if not self._outputs.n_context:
            return None
        return tensor_view(context, queue)[own].to(self._outputs.number_type)

    def _begin(self, queue: CudaQueue, draw: Draw, own: slice) -> _Drawing:
        """The rows ``own`` before the first position."""
        import torch

        device, n, n_vars = card_of(queue), own.stop - own.start, self._outputs.n_vars
        codes = torch.zeros((n, n_vars), dtype=torch.int64, device=device)
        if draw.prefix is not None and draw.prefix_length:
            of_rows = torch.arange(own.start, own.stop, device=device) // draw.n_per_row
            codes[:, : draw.prefix_length] = tensor_view(draw.prefix, queue).long()[of_rows]
        context = None if draw.context is None else self._context(queue, draw.context, own)
        totals = torch.zeros((2, n), dtype=torch.float64, device=device)
        undefined = torch.zeros(n, dtype=torch.bool, device=device)
        return _Drawing(codes, self._uniforms(queue, draw, own), context, totals[0], totals[1], undefined)

    def _uniforms(self, queue: CudaQueue, draw: Draw, own: slice) -> Tensor:
        """(n_vars, n): those given, or Philox's."""
        import torch

        if draw.uniforms is not None:
            return tensor_view(draw.uniforms, queue)[own].t()
        n = own.stop - own.start
        out = torch.empty((self._outputs.n_vars, n), dtype=torch.float64, device=card_of(queue))
        words = np.uint64(draw.key), np.uint64(draw.start + own.start), np.uint64(draw.first_word)
        launch_on(queue, LOOPS["uniforms", "cuda"], n, *words, numba_view(out))
        return out


def fill(outputs: Outputs, draw: Draw, drawing: _Drawing) -> None:
    """Draw all positions that are not given; nothing is waited for."""
    import torch

    codes, given = drawing.codes, draw.prefix_length
    by_passes = outputs.by_whole_passes(codes, drawing.context, given, draw.return_log_prob)
    for d, logits in outputs.by_steps(codes, drawing.context) if outputs.has_steps else by_passes:
        drawing.undefined.logical_or_(~is_defined(logits))
        if d >= given:
            weighted = truncated(logits, draw) if draw.truncated else logits
            codes[:, d] = (pick_log_odds if outputs.binary else pick)(weighted, drawing.uniforms[d])
            if draw.truncated and draw.return_log_prob:
                drawing.sampling_log_prob.add_(_own(torch.log_softmax(weighted, dim=1), codes[:, d]))
        if draw.return_log_prob:
            drawing.log_prob.add_(_own(torch.log_softmax(logits, dim=1), codes[:, d]))


def _own(log_p: Tensor, states: Tensor) -> Tensor:
    return log_p.gather(1, states[:, None])[:, 0]
