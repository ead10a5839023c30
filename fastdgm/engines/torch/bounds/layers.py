"""Layers that do something else in training than afterwards: dropout, and batch-norm, which mixes rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def batch_norms(modules: Sequence[Any]) -> list[Any]:
    """The batch-norm layers of modules."""
    return [part for module in modules for part in module.modules() if isinstance(part, _BatchNorm)]


@contextmanager
def by_running_means(layers: Sequence[Any]) -> Iterator[None]:
    """Batch-norm layers as they are in eval mode: one row alone has no spread of its own."""
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()


def layer_notes(modules: Mapping[str, Any]) -> list[str]:
    """What to tell of modules with such layers, by the prefix of their parameters' names."""
    mixing = [name.removesuffix(": ") for name, own in modules.items() if batch_norms([own])]
    thinned = [name.removesuffix(": ") for name, own in modules.items() if _has_dropout(own)]
    notes = []
    if mixing:
        notes.append(
            f"the modules of {', '.join(map(repr, mixing))} have batch-norm layers, which mix the rows of a minibatch: "
            "in training the loss of a row depends on the others; validation, draws and scores use running means"
        )
    if thinned:
        notes.append(
            f"the modules of {', '.join(map(repr, thinned))} have dropout: training losses are those of thinned "
            "modules; validation, draws and scores use all units"
        )
    return notes


def _has_dropout(module: Any) -> bool:
    return any(isinstance(part, _DropoutNd) and part.p > 0.0 for part in module.modules())
