"""Commands on what is known and what is missing: posterior, impute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any, NamedTuple

from ..io.rows import csv, row_format
from ..runtime.files import atomic_file
from ..runtime.seeds import key_from_seed
from ..runtime.text import printable
from ..show.listing import Listing
from .given import values_of
from .inputs import Inputs
from .models import NetworkRows
from .networks import ReadOptions, check_other_file, load_network
from .outputs import SCREEN, progress, say

if TYPE_CHECKING:
    from ..conditionals.multivariate import MultivariateNormal
    from ..data.samples import Samples
    from ..inference.completions import How
    from ..inference.impossible import Impossible
    from ..inference.posterior_table import PosteriorTable

MAX_PRINTED = 1000  # lines of a table on the screen; a file has all
PROBABILITY = "probability"


class _Table(NamedTuple):
    """An answer as lines of labels and numbers."""

    header: list[str]
    n_labels: int
    n_lines: int
    lines: Iterator[tuple[tuple[str, ...], list[float]]]


def posterior(net: str, given: list[str], do: list[str], of: list[str], out: str | None, reading: ReadOptions) -> None:
    """Print the joint distribution of some variables given values of others, or bars of all variables."""
    if out is not None and out not in SCREEN and not out.lower().endswith(".csv"):
        raise ValueError(f"a posterior is written to files named *.csv, got {out!r}")
    if out is not None and not of:
        raise ValueError("-o writes the joint distribution of the variables that --of names, and there is no --of")
    if out is not None:
        check_other_file(out, net)
    model = load_network(net, reading, "posterior")
    known = values_of(given, model.variables, "--given")
    forced = values_of(do, model.variables, "--do")
    if not of:
        print((model.do(forced) if forced else model).plot(posterior=known).text)
        return
    table = _table(model.posterior(of, given=known, do=forced or None))
    condition = ", ".join([*given, *(f"do({own})" for own in do)])
    if out is None:
        _print(table, f"P({', '.join(of)}{' | ' * bool(condition)}{condition})")
    else:
        _write(table, out)


def _table(answer: PosteriorTable | MultivariateNormal) -> _Table:
    """The configurations of discrete variables with their probabilities; of real ones mean and covariance."""
    from ..conditionals.multivariate import MultivariateNormal

    if isinstance(answer, MultivariateNormal):
        names = answer.names or ()
        numbers = ([mean, *row] for mean, row in zip(answer.mean.tolist(), answer.covariance.tolist(), strict=True))
        header = ["variable", "mean", *(f"covariance with {name}" for name in names)]
        return _Table(header, 1, len(names), zip(((name,) for name in names), numbers, strict=True))
    if PROBABILITY in answer.names:
        raise ValueError(f"a table of {PROBABILITY!r} would have two columns of that name: rename the variable")
    lines = zip(product(*answer.states.values()), ([own] for own in answer.table.ravel().tolist()), strict=True)
    return _Table([*answer.names, PROBABILITY], len(answer.names), answer.table.size, lines)


def _print(table: _Table, headline: str) -> None:
    rows = [
        [*map(printable, labels), *(f"{number:.6g}" for number in numbers)]
        for labels, numbers in islice(table.lines, MAX_PRINTED)
    ]
    header = [printable(own) for own in table.header]
    headline = printable(headline, MAX_PRINTED)
    print(Listing(headline, header, rows, table.n_labels, table.n_lines - MAX_PRINTED).text)


def _write(table: _Table, out: str) -> None:
    def write(file: Any) -> None:
        csv.write_line(file, map(csv.quoted, table.header))
        for labels, numbers in table.lines:
            csv.write_line(file, [*map(csv.quoted, labels), *map(repr, numbers)])

    if out in SCREEN:
        write(sys.stdout.buffer)
        return
    with atomic_file(out) as file:
        write(file)
    say(out, f"{table.n_lines} lines")


def impute(
    net: str,
    data: list[str],
    out: str,
    how: How,
    seed: int | None,
    n_per_row: int,
    impossible: Impossible,
    ignore_extra: bool,
    chunk: int | None,
    reading: ReadOptions,
) -> None:
    """Fill in what is missing in rows, chunk by chunk, into a file or as CSV onto the screen."""
    if out not in SCREEN:
        row_format(out)
    if seed is not None and how != "sample":
        raise ValueError(f"--seed is for --how sample, {how} draws nothing")
    model = load_network(net, reading, "impute")
    own = NetworkRows(model)
    key = key_from_seed(seed) if how == "sample" else None
    counts = _Counts()

    def filled() -> Iterator[Samples]:
        found = inputs.read(own.schema.names, own.schema, own.rows_per_chunk(chunk), ignore_extra=ignore_extra)
        for first, rows in progress(found, out, size=lambda part: len(part[1])):
            with inputs.located(first):
                complete = model.impute(
                    rows, how=how, seed=key, start=first * n_per_row, n_per_row=n_per_row, impossible=impossible
                )
            counts.add(len(complete), n_per_row * own.n_missing(rows), complete.n_missing)
            yield complete

    with Inputs(data) as inputs:
        check_other_file(out, net, *inputs.paths)
        chunks = filled()
        begin = list(islice(chunks, 2))  # one without rows, and the first: what is wrong there is told before any row
        own.write(out, chain(begin, chunks))
    drawn = "" if key is None else f", seed {key}"
    say(out, f"{counts.n_rows} rows x {own.n_vars} variables, {counts.text} (how {how}{drawn})")


class _Counts:
    """Of rows and of values that were missing."""

    def __init__(self) -> None:
        self.n_rows = self._n_missing = self._n_left = 0

    def add(self, n_rows: int, n_missing: int, n_left: int) -> None:
        """Those of a chunk; some are left missing in rows that are impossible."""
        self.n_rows += n_rows
        self._n_missing += n_missing
        self._n_left += n_left

    @property
    def text(self) -> str:
        """What happened to them."""
        left = f", {self._n_left} left missing" if self._n_left else ""
        return f"{self._n_missing - self._n_left} values filled in{left}"
