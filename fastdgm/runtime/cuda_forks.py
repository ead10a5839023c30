"""A process that was forked after its parent had used a GPU cannot use one: CUDA's state does not survive a fork."""

from __future__ import annotations

import os

_is_used = False
_is_lost = False


def use_cuda() -> None:
    """Note that this process uses a GPU. RuntimeError where it cannot, because its parent did before the fork."""
    global _is_used
    if _is_lost:
        raise RuntimeError(
            "this process was forked after its parent had used a GPU, which CUDA does not allow: start processes with "
            "multiprocessing.get_context('spawn'), or fork before the first use"
        )
    _is_used = True


def _after_fork() -> None:
    global _is_lost
    _is_lost = _is_used


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
