"""Commands on rows: sample, score, fit, chunk by chunk at constant memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from ..errors import UnknownNameError
from ..runtime.files import check_target
from .networks import check_other_file, load

if TYPE_CHECKING:
    from ..bayesnet import BayesNet
    from ..io.rows.scored import Scored
    from .summary import ScoreSummary

CHUNK_CELLS = 1 << 23


def sample(net: str, n: int, seed: int | None, start: int, out: str | None, chunk: int | None) -> None:
    """Draw rows into a file, or as CSV onto the screen."""
    from ..io.rows import csv, row_format, write_rows
    from ..runtime.seeds import key_from_seed

    if out is not None:
        row_format(out)  # before the network is read
        check_other_file(out, net)
    model = load(net)
    seed = key_from_seed(seed)
    chunks = model.iter_samples(n, _rows_per_chunk(model, chunk), seed=seed, start=start)
    if out is None:
        csv.write(sys.stdout.buffer, chunks, model.states)
        return
    write_rows(out, _progress(chunks, n), model.states)
    print(f"{out}: {n} rows x {len(model)} variables (seed {seed}, start {start})")


def score(net: str, data: str, out: str | None, only_scores: bool, worst: int, chunk: int | None) -> None:
    """Print how likely the rows of a file are; write them with a column of log-probabilities where asked to."""
    from ..io.rows import row_format, write_scored, write_scores
    from .summary import ScoreSummary

    if worst < 0:
        raise ValueError(f"--worst must be at least 0, got {worst}")
    if only_scores and out is None:
        raise ValueError("--only-scores says what -o writes, and there is no -o")
    if out is not None:
        row_format(out)
        check_other_file(out, net, data)
    model = load(net)
    summary = ScoreSummary(worst)
    scored = _scored(model, data, chunk, summary)
    if out is None:
        for _ in scored:
            pass
    elif only_scores:
        write_scores(out, (chunk.scores for chunk in scored))
    else:
        write_scored(out, scored, model.states)
    print(summary.text(len(model)))


def fit(net: str, data: str, out: str, prior: float | str, equivalent_sample_size: float, chunk: int | None) -> None:
    """Learn the tables of a network's structure from a file, chunk by chunk."""
    from ..bayesnet import BayesNet
    from ..io import write
    from ..io.rows import read_rows
    from ..learning.counts import checked_prior

    check_other_file(out, net, data)
    model = load(net)
    checked_prior(prior, equivalent_sample_size)
    _check_output(model, out)
    fitted = BayesNet.from_edges(model.edges, model.names, model.states)
    rows = 0
    for part in _progress(read_rows(data, model.states, _rows_per_chunk(model, chunk))):
        with _located(data, rows):
            fitted.partial_fit(part, prior=prior, equivalent_sample_size=equivalent_sample_size)
        rows += len(part)
    write(fitted, out)
    print(f"{out}: {fitted.n_parameters} parameters from {rows} rows")


def _rows_per_chunk(model: BayesNet, chunk: int | None) -> int:
    return max(1, CHUNK_CELLS // len(model)) if chunk is None else chunk


def _scored(model: BayesNet, data: str, chunk: int | None, summary: ScoreSummary) -> Iterator[Scored]:
    """Rows and log_prob chunk by chunk, noted in the summary on the way."""
    from ..io.rows import read_rows
    from ..io.rows.scored import Scored

    row = 0
    for part in _progress(read_rows(data, model.states, _rows_per_chunk(model, chunk))):
        with _located(data, row):
            scores = model.log_prob(part)
        summary.add(scores)
        row += len(part)
        yield Scored(part, scores)


@contextmanager
def _located(path: str, first_row: int) -> Iterator[None]:
    """Errors in a chunk of a file say which file, and where its row 0 stands there."""
    try:
        yield
    except (ValueError, TypeError, UnknownNameError) as error:
        counted = f", rows counted from {first_row}" if first_row else ""
        raise ValueError(f"{path}{counted}: {error}") from error


def _check_output(model: BayesNet, out: str) -> None:
    """Find out before the work whether the format and the folder can take such a network."""
    from ..io import format_of

    format_of(Path(out)).write(model)
    if check_target(out) is not None and not os.path.isfile(out):
        return  # a device needs no folder to write a temporary file to
    try:
        with TemporaryFile(dir=os.path.dirname(os.path.realpath(out))):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, out) from None


def _progress(chunks: Iterable[Any], total: int | None = None) -> Iterator[Any]:
    """The same chunks, with a bar on stderr where that is a terminal and tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield from chunks
        return
    with tqdm(total=total, unit=" rows", unit_scale=True, disable=None) as bar:  # None: only on a terminal
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))
