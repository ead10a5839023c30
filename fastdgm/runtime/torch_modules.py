"""The modes of torch modules: eval while rows are drawn and scored, and afterwards what they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_evaluates = threading.RLock()  # two threads that set and restore the modes of one module would mix them up


@contextmanager
def in_eval_mode(*modules: Any) -> Iterator[None]:
    """Eval mode with gradients, one thread at a time; afterwards every part is in the mode in which it was."""
    with _evaluates:
        modes = [(part, part.training) for module in modules for part in module.modules()]
        for module in modules:
            module.eval()
        try:
            yield
        finally:
            for part, mode in modes:
                part.training = mode


@contextmanager
def evaluating(*modules: Any) -> Iterator[None]:
    """Eval mode without gradients, one thread at a time; afterwards every part is in the mode in which it was."""
    import torch

    with in_eval_mode(*modules), torch.no_grad():
        yield
