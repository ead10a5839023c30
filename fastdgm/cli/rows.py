"""Commands that draw and score rows, chunk by chunk at constant memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from . import sequences
from .inputs import ROW_SUFFIXES, Inputs
from .models import KnownRows, RowModel, row_model
from .networks import ReadOptions, check_other_file, load
from .outputs import SCREEN, progress, say, write_scored
from .summary import ScoreSummary


def sample(
    net: str,
    n: int,
    seed: int | None,
    start: int,
    dtype: str | None,
    given: list[str],
    do: list[str],
    out: str | None,
    chunk: int | None,
    reading: ReadOptions,
) -> None:
    """Draw rows into a file, or as CSV onto the screen."""
    from ..bayesnet import BayesNet
    from ..runtime.seeds import key_from_seed

    out = SCREEN[0] if out is None else out
    _check_name(out, also=sequences.SUFFIXES)  # before the model is read
    check_other_file(out, net)
    model = load(net, reading)
    if not isinstance(model, BayesNet):
        _refuse_options_of_networks(model, net, dtype, given, do)
    seed = key_from_seed(seed)
    if is_of_sequences(model):
        sequences.sample(model, n, seed, start, out, chunk)
        return
    _check_name(out)
    own = KnownRows(model, dtype or "float32", given, do) if given or do else row_model(model, dtype or "float32")
    own.write(out, progress(own.draw(n, own.rows_per_chunk(chunk), seed, start), out, n))
    say(out, f"{n} rows x {own.n_vars} variables (seed {seed}, start {start})")


def _refuse_options_of_networks(model: Any, net: str, dtype: str | None, given: list[str], do: list[str]) -> None:
    asked = {"--dtype is that of real variables": dtype, "--given is for rows": given, "--do is for rows": do}
    for what, value in asked.items():
        if value:
            raise ValueError(f"{what} of Bayes nets, {net} holds a {type(model).__name__}")


def score(
    net: str,
    data: list[str],
    out: str | None,
    only_scores: bool,
    ignore_extra: bool,
    worst: int,
    chunk: int | None,
    reading: ReadOptions,
) -> None:
    """Print how likely rows are; write them with a column of log-probabilities where asked to."""
    if worst < 0:
        raise ValueError(f"--worst must be at least 0, got {worst}")
    if only_scores and out is None:
        raise ValueError("--only-scores says what -o writes, and there is no -o")
    _check_name(out)
    model = load(net, reading)
    with Inputs(data, sequences.SUFFIXES if is_of_sequences(model) else ROW_SUFFIXES) as inputs:
        if out is not None:
            check_other_file(out, net, *inputs.paths)
        summary = ScoreSummary(worst)
        if is_of_sequences(model):
            sequences.score(model, inputs, out, only_scores, chunk, summary)
            n_vars = n_cells = None
        else:
            own = row_model(model)
            scored = _scored(own, inputs, own.rows_per_chunk(chunk), ignore_extra, out, summary)
            write_scored(out, only_scores, scored, own.write_scored)
            n_vars, n_cells = own.n_vars, own.n_cells
    place = inputs.place if len(inputs.paths) > 1 else None
    print(summary.text(n_vars, place, n_cells), file=sys.stderr if out in SCREEN else sys.stdout)


def _scored(
    model: RowModel, inputs: Inputs, chunk: int, ignore_extra: bool, out: str | None, summary: ScoreSummary
) -> Iterator[Any]:
    """Rows and log_prob chunk by chunk, noted in the summary on the way."""
    from ..io.rows.scored import Scored

    found = inputs.read(model.schema.names, model.schema, chunk, ignore_extra=ignore_extra)
    for first, rows in progress(found, out, size=lambda part: len(part[1])):
        with inputs.located(first):
            scores = model.log_prob(rows)
            n_missing = model.n_missing(rows)
        summary.add(scores, n_missing)
        yield Scored(rows, scores)


def is_of_sequences(model: Any) -> bool:
    """Whether a model's rows are sequences of any length: those of a Markov chain may be."""
    from ..autoregressive.markov import MarkovChain

    return isinstance(model, MarkovChain) and model.n_vars is None


def _check_name(out: str | None, also: tuple[str, ...] = ()) -> None:
    """Refuse a file whose name does not say a format."""
    from ..io.rows import row_format

    if out is not None and out not in SCREEN and not out.lower().endswith(also or ("\0",)):
        row_format(out)
