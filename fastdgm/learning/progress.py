"""The progress bar of a fit, by tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..runtime.extras import how_to_install

Report = Callable[[dict[str, float]], None]


def check_progress(progress: bool | None) -> None:
    """TypeError for what is neither None nor a bool, ImportError where a bar is asked for and tqdm is missing."""
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be None, True or False, got {progress!r}")
    if progress and _tqdm() is None:
        raise ImportError(f"progress=True shows a tqdm bar: {how_to_install('train', 'tqdm')}")


@contextmanager
def reporter(progress: bool | None, total: int, done: int, unit: str = "epochs") -> Iterator[Report]:
    """What is told of every epoch, or step; None shows a bar where tqdm is installed and standard error is a terminal.

    The bar, which counts in ``unit``, appears after the first epoch and estimates by the later ones: the first may
    compile for longer than all of them take.
    """
    tqdm = None if progress is False else _tqdm()
    if tqdm is None:
        yield lambda record: None
        return
    disable = False if progress else None  # None: only on a terminal
    with ExitStack() as shown:
        bars: list[Any] = []

        def report(record: dict[str, float]) -> None:
            if bars:
                bars[0].update()
            else:
                bar = tqdm(total=total, initial=done + 1, unit=f" {unit}", disable=disable)
                bars.append(shown.enter_context(bar))
            losses = (f"{name} {record[name]:.4g}" for name in ("train", "valid") if name in record)
            bars[0].set_postfix_str(", ".join(losses))

        yield report


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm
