"""Sequences of a Markov chain as text: one on a line, characters as they are, tokens and codes parted by blanks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..io.rows import csv
from ..io.rows.common import SCORE, Scores
from ..runtime.files import atomic_file
from ..runtime.seeds import check_chunk
from .inputs import Inputs
from .outputs import SCREEN, progress, say, write_scored
from .summary import ScoreSummary

if TYPE_CHECKING:
    from ..autoregressive.markov import MarkovChain

SUFFIXES = (".txt",)
COLUMN = "sequence"
_CHUNK = 100_000  # sequences


class Lines:
    """How the sequences of a chain and lines of text become each other.

    Raises ValueError where lines could not be told apart: symbols with a line break in them, tokens with a blank.
    """

    def __init__(self, chain: MarkovChain) -> None:
        self._chain = chain
        self._is_text = isinstance(chain.sample(1, seed=0, max_length=1)[0], str)
        self._has_tokens = chain.vocabulary is not None and not self._is_text
        symbols = chain.vocabulary or ()
        odd = [symbol for symbol in symbols if symbol in "\r\n" or (self._has_tokens and symbol.split() != [symbol])]
        if odd:
            raise ValueError(
                f"sequences are written one on a line, but {odd[0]!r} is one of the symbols: use them from Python"
            )

    def parse(self, lines: list[str]) -> list[Any]:
        """The sequences of lines."""
        if self._is_text:
            return list(lines)
        if self._has_tokens:
            return [line.split() for line in lines]
        return [np.array(line.split(), np.int64) for line in lines]

    def format(self, sequences: Iterable[Any]) -> list[str]:
        """The lines of sequences."""
        if self._is_text:
            return list(sequences)
        return [" ".join(map(str, sequence)) for sequence in sequences]

    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[list[str]]:
        """n lines of the seed in chunks."""
        for sequences in self._chain.iter_samples(n, chunk, seed=seed, start=start):
            yield self.format(sequences)

    def log_prob(self, lines: list[str]) -> Scores:
        """Of each line."""
        if not lines:
            return np.empty(0)
        scores: Scores = self._chain.log_prob(self.parse(lines))
        return scores


def sample(chain: MarkovChain, n: int, seed: int, start: int, out: str, chunk: int | None) -> None:
    """Draw sequences onto lines of a file or of the screen."""
    if out not in SCREEN and not out.lower().endswith(SUFFIXES):
        raise ValueError(f"sequences are written to files named *{', *'.join(SUFFIXES)}, got {out!r}")
    chunks = progress(Lines(chain).draw(n, _per_chunk(chunk), seed, start), out, n)
    if out in SCREEN:
        _write_lines(sys.stdout.buffer, chunks)
    else:
        with atomic_file(out) as file:
            _write_lines(file, chunks)
    say(out, f"{n} sequences (seed {seed}, start {start})")


def score(
    chain: MarkovChain, inputs: Inputs, out: str | None, only_scores: bool, chunk: int | None, summary: ScoreSummary
) -> None:
    """Score the lines of the inputs, whatever their names."""
    lines, size = Lines(chain), _per_chunk(chunk)

    def scored() -> Iterator[tuple[list[str], Scores]]:
        for first, part in progress(inputs.read_lines(size), out, size=lambda found: len(found[1])):
            with inputs.located(first):
                scores = lines.log_prob(part)
            summary.add(scores)
            yield part, scores

    if out is not None and out not in SCREEN and not only_scores and not out.lower().endswith(".csv"):
        raise ValueError(f"sequences with their scores are written to files named *.csv, got {out!r}")
    write_scored(out, only_scores, scored(), _write_table)


def _per_chunk(chunk: int | None) -> int:
    return _CHUNK if chunk is None else check_chunk(chunk)


def _write_table(out: str, chunks: Iterable[tuple[list[str], Scores]]) -> None:
    """CSV of sequences and their log-probabilities."""
    if out in SCREEN:
        _write_scored_lines(sys.stdout.buffer, chunks)
        return
    with atomic_file(out) as file:
        _write_scored_lines(file, chunks)


def _write_lines(file: BinaryIO, chunks: Iterable[list[str]]) -> None:
    for lines in chunks:
        file.write("".join(f"{line}\n" for line in lines).encode())


def _write_scored_lines(file: BinaryIO, chunks: Iterable[tuple[list[str], Scores]]) -> None:
    csv.write_line(file, [COLUMN, SCORE])
    for lines, scores in chunks:
        cells = zip(map(csv.quoted, lines), map(repr, scores.tolist()), strict=True)
        file.write("".join(f"{line},{score}\n" for line, score in cells).encode())
