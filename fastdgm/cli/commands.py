"""What the commands of the command line do; the arguments are named as cli.py parses them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from ..errors import UnknownNameError
from ..runtime.files import check_target

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
        _check_other_file(out, net)
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
        _check_other_file(out, net, data)
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


def info(net: str) -> None:
    """Print the size of a network and what may surprise its user."""
    from .description import description

    print(description(load(net)))


def fit(net: str, data: str, out: str, prior: float | str, equivalent_sample_size: float, chunk: int | None) -> None:
    """Learn the tables of a network's structure from a file, chunk by chunk."""
    from ..bayesnet import BayesNet
    from ..io import write
    from ..io.rows import read_rows
    from ..learning.counts import checked_prior

    _check_other_file(out, net, data)
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


def convert(net: str, out: str) -> None:
    """Write a network in another format."""
    from ..io import write

    _check_other_file(out, net)
    write(load(net), out)


def draw(net: str, out: str) -> None:
    """Draw the graph of a network."""
    _check_other_file(out, net)
    load(net).plot(out)


def load(net: str) -> BayesNet:
    """An argument with a dot or slash is a file, anything else the name of an example."""
    if _is_file(net):
        from ..bayesnet import BayesNet
        from ..io import read

        model = read(net)
        if not isinstance(model, BayesNet):
            raise ValueError(f"the command line works on Bayes nets, {net} holds a {type(model).__name__}")
        return model
    from ..examples import example

    return example(net)


def _is_file(net: str) -> bool:
    return "." in net or "/" in net or os.sep in net


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


def _check_other_file(out: str, net: str, *data: str) -> None:
    """Refuse to write over what is read, under whatever name: paths, links and hard links."""
    for path in (net, *data) if _is_file(net) else data:
        with suppress(OSError):  # one of them does not exist
            if os.path.samefile(out, path):
                raise ValueError(f"the output would replace the input: {out} is {path}")


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
