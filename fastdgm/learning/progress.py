"""The progress bar of a fit, by tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Report = Callable[[dict[str, float]], None]


def check_progress(progress: bool | None) -> None:
    """TypeError for what is neither None nor a bool, ImportError where a bar is asked for and tqdm is missing."""
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be None, True or False, got {progress!r}")
    if progress and _tqdm() is None:
        raise ImportError('progress=True shows a tqdm bar: pip install "fastdgm[train]"')


@contextmanager
def reporter(progress: bool | None, epochs: int, done: int) -> Iterator[Report]:
    """What is told of every epoch; None shows a bar where tqdm is installed and standard error is a terminal."""
    tqdm = None if progress is False else _tqdm()
    if tqdm is None:
        yield lambda record: None
        return
    disable = False if progress else None  # None: only on a terminal
    with tqdm(total=epochs, initial=done, unit=" epochs", disable=disable) as bar:

        def report(record: dict[str, float]) -> None:
            bar.set_postfix_str(
                ", ".join(f"{name} {record[name]:.4g}" for name in ("train", "valid") if name in record)
            )
            bar.update()

        yield report


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm
