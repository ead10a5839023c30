"""Calls of the user's torch modules: in eval mode while rows are drawn and scored, and errors for want of memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .extras import how_to_install

_evaluates = threading.RLock()  # two threads that set and restore the modes of one module would mix them up
_MEMORY_TEXTS = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def _forget_lock() -> None:
    """After a fork the thread that held it does not exist in the child."""
    global _evaluates
    _evaluates = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def check_is_module(module: Any, who: str, rule: str) -> None:
    """ImportError where torch is not installed, which ``who`` needs; TypeError, beginning with the rule, for anything
    but a torch module."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{who} needs torch: {how_to_install('torch', 'torch')}") from error
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"{rule} a torch.nn.Module, got {type(module).__name__}")


@contextmanager
def in_eval_mode(*modules: Any) -> Iterator[None]:
    """Eval mode with gradients, one thread at a time; afterwards every part is in the mode in which it was.

    Whoever holds it may wait for no other thread.
    """
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
    """Eval mode without gradients, as ``in_eval_mode``."""
    import torch

    with in_eval_mode(*modules), torch.no_grad():
        yield


@contextmanager
def left_as_it_was(module: Any) -> Iterator[None]:
    """Afterwards the buffers of a module and torch's random numbers are what they were."""
    import torch

    buffers = [(own, own.clone()) for own in module.buffers() if not torch.nn.parameter.is_lazy(own)]
    places = {own.device for own in module.parameters() if own.device.type == "cuda"}
    with torch.random.fork_rng(sorted(places, key=str)):
        try:
            yield
        finally:
            with torch.no_grad():
                for own, before in buffers:
                    if own.shape == before.shape:
                        own.copy_(before)


@contextmanager
def restored_on_error(modules: Sequence[Any]) -> Iterator[None]:
    """Whatever ends the block early leaves the modules in the states that they had."""
    before = [{name: own.detach().clone() for name, own in module.state_dict().items()} for module in modules]
    try:
        yield
    except BaseException:
        for module, state in zip(modules, before, strict=True):
            module.load_state_dict(state)
        raise


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch raised it because memory was not enough: on a CPU that is a RuntimeError like any other."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in _MEMORY_TEXTS)
    )
