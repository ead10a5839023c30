"""The engine of Neural conditionals on a GPU: modules in torch, batch by batch; features, draws and log-probabilities
in kernels on the same stream, on the same memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...conditionals.neural_inputs import module_dtype
from ...data.cuda_blocks import CudaPart
from ...data.schema import Values
from ...data.variables import Discrete
from ...kernels.module_reals import MixtureParts, NormalParts
from ...kernels.module_tiles import Cells
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ...runtime.torch_modules import evaluating
from ..cuda_engine import CudaEngine
from ..program_loops_cuda import LOOPS as TERMS
from .batches import in_batches
from .card import card_of, check_on_card, numba_view, tensor_view, torch_on
from .neural import NeuralEngine, NeuralMember, undefined_parameters
from .neural_loops_cuda import LOOPS

if TYPE_CHECKING:
    from torch import Tensor

Batch = tuple[int, int, list[Any]]  # (first, last, what the module gives for these rows)


class CudaNeural(CudaEngine[NeuralEngine]):
    """Variables whose parameters torch modules compute, on the card where these modules are.

    ValueError where a module is elsewhere, or what it gives is no distribution: to find that out, every verb waits once
    at its end and reads a number for each member.
    """

    def __init__(self, engine: NeuralEngine) -> None:
        super().__init__(engine)
        self._plans: dict[int, Any] = {}

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the members in order."""
        words, found = (np.uint64(key), np.uint64(start % 2**64)), []
        with torch_on(queue):
            for member in self.engine.members:
                twin = LOOPS[f"sample {member.own.family}", "cuda"]
                block, bad = _block(member, values), _none_bad(queue)
                for first, last, parts in self._batches(queue, member, *values):
                    cells = Cells(member.row, first, np.uint64(member.word))
                    parameters = _parameters(member, parts, values)
                    launch_on(queue, twin, last - first, *words, cells, parameters, block)
                    bad = _first_bad(bad, _undrawn(member, tensor_view(block, queue)[:, first:last]), first)
                found.append(bad)
            self._refuse(queue, "cannot be drawn", found, *values, start)

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """The sum over the members."""
        launch_on(queue, TERMS["clear", "cuda"], out.shape[0], out)
        with torch_on(queue):
            found = [self._add_terms(queue, member, part, out) for member in self.engine.members]
            self._refuse(queue, "has no log_prob", found, *part, 0)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """Member after member."""
        with torch_on(queue):
            found = []
            for member in self.engine.members:
                launch_on(queue, TERMS["clear", "cuda"], out.shape[1], out[member.number])
                found.append(self._add_terms(queue, member, part, out[member.number]))
            self._refuse(queue, "has no log_prob", found, *part, 0)

    def _add_terms(self, queue: CudaQueue, member: NeuralMember, part: CudaPart, out: Any) -> Tensor:
        """out += the member's terms; the first row whose sum is none, or a number beyond all rows."""
        twin, bad = LOOPS[f"log_prob {member.own.family}", "cuda"], _none_bad(queue)
        for first, last, parts in self._batches(queue, member, *part):
            cells, parameters = Cells(member.row, first, np.uint64(0)), _parameters(member, parts, part)
            launch_on(queue, twin, last - first, cells, parameters, _block(member, part), out)
            bad = _first_bad(bad, ~(tensor_view(out, queue)[first:last] < math.inf), first)
        return bad

    def _refuse(self, queue: CudaQueue, what: str, found: Sequence[Tensor], codes: Any, reals: Any, start: int) -> None:
        """Wait, and raise the error of the first member with a bad row."""
        import torch

        rows = queue.read_flags(numba_view(torch.stack(list(found)))).tolist()
        for member, row in zip(self.engine.members, rows, strict=True):
            if row < NO_ROW:
                parts = self._called(queue, member, codes, reals, row, row + 1)
                own = [queue.to_host(numba_view(part)) for part in parts]
                raise undefined_parameters(what, member, own, 0, start + row)

    # Modules ------------------------------------------------------------------------------------------------------

    def _batches(self, queue: CudaQueue, member: NeuralMember, codes: Any, reals: Any) -> Iterator[Batch]:
        check_on_card(member.own.call.module, queue, f"the module of {member.name!r}")
        n = (codes if codes.shape[0] else reals).shape[1]
        work = partial(self._called, queue, member, codes, reals)
        yield from in_batches(0, n, self.engine.rows_of_batch(member), work, f"the module of {member.name!r}")

    def _called(
        self, queue: CudaQueue, member: NeuralMember, codes: Any, reals: Any, first: int, last: int
    ) -> list[Tensor]:
        """The parameters of rows ``first`` to ``last``."""
        call, n = member.own.call, last - first
        if member.own.separate:
            columns = [self._column(queue, p, codes, reals, first, last) for p in member.parents]
            with evaluating(call.module):
                outputs = call.outputs(member.name, columns, n)
        else:
            features = self._features(queue, member, codes, reals, first, n)
            with evaluating(call.module):
                outputs = call.outputs_of(member.name, [features], n)
        return [output.detach().contiguous() for output in outputs]

    def _features(self, queue: CudaQueue, member: NeuralMember, codes: Any, reals: Any, first: int, n: int) -> Tensor:
        """(n, n_features) of a member's parents, as its module takes them."""
        import torch

        plan, n_features = self.engine.features_of(member)
        if member.number not in self._plans:
            self._plans[member.number] = queue.plan_to_device(plan)
        kind = module_dtype(member.own.call.module)
        wide = torch.float64 if kind == torch.float64 else torch.float32
        out = torch.empty((n, n_features), dtype=wide, device=card_of(queue))
        there = self._plans[member.number]
        launch_on(queue, LOOPS["features", "cuda"], n, there, first, codes, reals, numba_view(out))
        return out.to(kind)

    def _column(self, queue: CudaQueue, p: int, codes: Any, reals: Any, first: int, last: int) -> Tensor:
        """(n, *event_shape) of variable p: a copy, because a module may write into what it is given."""
        variable, row = self.engine.variable_rows(p)
        block = tensor_view(codes if isinstance(variable, Discrete) else reals, queue)
        own = block[row : row + variable.size, first:last]
        return own.t().clone().reshape(last - first, *variable.event_shape)


NO_ROW = 2**62  # beyond all rows


def _none_bad(queue: CudaQueue) -> Tensor:
    import torch

    return torch.full((), NO_ROW, dtype=torch.int64, device=card_of(queue))


def _first_bad(before: Tensor, bad: Tensor, first: int) -> Tensor:
    """The first of all rows that is bad, by one before them and those from ``first`` on; nothing is waited for."""
    import torch

    if not len(bad):
        return before
    row = torch.where(bad.any(), first + bad.to(torch.int8).argmax(), NO_ROW)
    return torch.minimum(before, row)


def _undrawn(member: NeuralMember, block: Tensor) -> Tensor:
    """(n,) whether a column holds what stands for no draw: one code more than there are states, or no finite number."""
    import torch

    own = block[member.row : member.row + member.size]
    if member.own.states is None:
        return ~torch.isfinite(own).all(dim=0)
    return (own.to(torch.int32) >= len(member.own.states)).any(dim=0)


def _block(member: NeuralMember, blocks: Values | CudaPart) -> Any:
    return blocks.reals if member.own.states is None else blocks.codes


def _parameters(member: NeuralMember, parts: Sequence[Tensor], blocks: Values | CudaPart) -> Any:
    """What the twins of a family take: those of real variables in the type of the numbers, or wider."""
    import torch

    own, n = member.own, len(parts[0])
    if own.family == "bernoulli":
        return numba_view(parts[0].reshape(n, member.size))
    if own.family == "categorical":
        return numba_view(parts[0].reshape(n, member.size, -1))
    kind = getattr(torch, np.dtype(blocks.reals.dtype).name)
    for part in parts:
        kind = torch.promote_types(kind, part.dtype)
    shaped = [part.to(kind).reshape(n, member.size, -1) for part in parts]
    if own.family == "mixture":
        return MixtureParts(*map(numba_view, shaped))
    flat = [part[..., 0].contiguous() for part in shaped]
    if len(flat) == 1:
        flat.append(torch.full((1, member.size), math.log(own.std or 1.0), dtype=kind, device=flat[0].device))
    return NormalParts(*map(numba_view, flat))
