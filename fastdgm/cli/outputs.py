"""Where results go: a file or the screen, and a bar meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

SCREEN = ("-", "/dev/stdout")  # as an output: CSV


def say(out: str, what: str) -> None:
    """What was written, unless that went to the screen, where the rows are all there is."""
    if out not in SCREEN:
        print(f"{out}: {what}")


def write_scored(
    out: str | None, only_scores: bool, scored: Iterable[Any], write: Callable[[str, Iterable[Any]], None]
) -> None:
    """Write pairs of rows and scores as asked for; without an output only go through them."""
    from ..io.rows import csv, write_scores

    if out is None:
        for _ in scored:
            pass
    elif not only_scores:
        write(out, scored)
    elif out in SCREEN:
        csv.write_scores(sys.stdout.buffer, (scores for _, scores in scored))
    else:
        write_scores(out, (scores for _, scores in scored))


def progress(
    chunks: Iterable[Any], out: str | None, total: int | None = None, size: Callable[[Any], int] = len
) -> Iterator[Any]:
    """The same chunks, with a bar on stderr where that is a terminal, rows go elsewhere and tqdm is installed.

    It appears after the first chunk and estimates by the later ones: the first may compile for longer than all of
    them take.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield from chunks
        return
    remaining = iter(chunks)
    try:
        first = next(remaining)
    except StopIteration:
        return
    yield first
    disable = True if out in SCREEN else None  # None: only on a terminal
    with tqdm(total=total, initial=size(first), unit=" rows", unit_scale=True, disable=disable) as bar:
        for chunk in remaining:
            yield chunk
            bar.update(size(chunk))
