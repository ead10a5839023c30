"""Log-densities of rows on a GPU: parameters and tables there, modules where their owner put them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ....conditionals.base import Conditional
from ....data.cuda_boundary import as_cuda_block
from ....data.placement import Placement
from ....data.schema import Schema
from ....data.variables import Discrete
from ....runtime.cuda_queue import CudaQueue
from ..card import card_of, check_on_card, tensor_view, torch_on
from .inputs import Tensors, followed_columns
from .joint import JointDensity


def density_on_card(conditionals: Mapping[str, Conditional], order: Sequence[str], queue: CudaQueue) -> JointDensity:
    """The conditionals as they are, on a card; nothing of them is moved but copies of their parameters."""
    return JointDensity(conditionals, order).as_the_network(card_of(queue))


def check_modules(density: JointDensity, queue: CudaQueue) -> None:
    """ValueError, naming the variable, where a module is elsewhere than on the card."""
    for name, module in density.modules_by_member().items():
        check_on_card(module, queue, f"the module of {name!r}")


def log_prob(
    density: JointDensity, data: Any, schema: Schema, placement: Placement, names: Sequence[str] | None
) -> torch.Tensor:
    """log p (n,) of complete rows with a graph, on their card; with ``names`` its terms (n, n_names).

    Raises what ``as_cuda_block`` raises, and ValueError for modules elsewhere.
    """
    check_modules(density, placement.cuda)
    values = values_on_card(data, schema, placement)
    with torch_on(placement.cuda):
        found: torch.Tensor = density(values) if names is None else density.table(values, names)
    return found


def values_on_card(data: Any, schema: Schema, placement: Placement) -> Tensors:
    """Complete rows on a card as tensors by variable; columns of reals that are tensors keep their graph."""
    queue, values = placement.cuda, Tensors()
    with queue.on_card():
        block = as_cuda_block(data, schema, queue, placement.empty)
    with torch_on(queue):
        for name, variable in schema.variables.items():
            is_discrete = isinstance(variable, Discrete)
            numbers = block.part.codes if is_discrete else block.part.reals
            own = tensor_view(numbers, queue)[schema.rows[name] : schema.rows[name] + variable.size]
            own = own.long() if is_discrete else own
            values[name] = own.T.reshape(block.n, *variable.event_shape)
        return values | followed_columns(data, schema)
