"""The command that learns a network from rows."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..conditionals.table import CPT
from ..data.schema import Schema
from ..data.variables import Real
from ..errors import MissingValuesError, UnknownNameError
from ..runtime.files import check_target
from ..runtime.text import preview
from .inputs import Inputs
from .models import known_conditionals, rows_per_chunk
from .networks import ReadOptions, check_other_file, load_network
from .outputs import progress

if TYPE_CHECKING:
    from ..bayesnet import BayesNet
    from ..learning.counts import Prior

    Learn = Callable[[BayesNet, Any], Any]  # fit with its options

_ANY_SIZE = re.compile(r"large_|(?<=int)\d+|^u(?=int)|half(?=float)")  # of Arrow types that concatenate
Part = tuple[int, Any]  # the first row in all inputs, and rows


class PartialRowsError(Exception):
    """A value is missing, and so all rows have to be learnt from at once."""


def fit(
    net: str,
    data: list[str],
    out: str,
    prior: float | str,
    equivalent_sample_size: float,
    real: list[str],
    seed: int | None,
    ignore_extra: bool,
    chunk: int | None,
    reading: ReadOptions,
) -> None:
    """Learn the conditionals of a network's structure from rows: chunk by chunk if they follow from sums over rows.

    States that the network does not have are learnt as ``BayesNet.fit`` learns them, from all rows at once; so is all,
    by EM, where values are missing or variables have no column.
    """
    from ..bayesnet import BayesNet
    from ..io import write
    from ..learning.counts import checked_prior

    with Inputs(data) as inputs:
        check_other_file(out, net, *inputs.paths)
        model = load_network(net, reading, "fit")
        own_prior = checked_prior(prior, equivalent_sample_size)
        _check_output(model, out)
        fitted = untaught(model, real)
        known = Schema(fitted.variables)
        size = rows_per_chunk(len(model) + known.n_reals - len(known.sizes), chunk)

        def read() -> Iterator[Part]:
            return progress(inputs.read(model.names, known, size, ignore_extra=ignore_extra), out, size=_size)

        learn = partial(BayesNet.fit, prior=prior, equivalent_sample_size=equivalent_sample_size, seed=seed)
        parts = read()
        first = next(parts)  # there is at least one
        parts = chain([first], parts)
        if not _learns_in_chunks(fitted, first[1]):
            n_rows = _fit_together(fitted, list(parts), inputs, learn)
        else:
            try:
                fitted, n_rows = _fit_in_chunks(fitted, parts, inputs, own_prior)
            except PartialRowsError:
                n_rows = _fit_together(fitted, list(read()), inputs, learn)
    write(fitted, out)
    print(f"{out}: {fitted.n_parameters} parameters from {n_rows} rows")


def untaught(net: BayesNet, real: Sequence[str] = ()) -> BayesNet:
    """The same variables, of the same kinds where these are known, without what they have learnt.

    Raises ValueError for a variable said to be real where all are known.
    """
    from ..bayesnet import BayesNet

    conditionals = known_conditionals(net)
    if real and conditionals:
        raise ValueError(f"--real is for structures alone, this network has conditionals of {preview(net.names)}")
    if all(isinstance(own, CPT) for own in conditionals.values()):
        known = [name for name, own in net.variables.items() if isinstance(own, Real)]
        return BayesNet.from_edges(net.edges, net.names, net.states, [*known, *real])
    return BayesNet(conditionals)


def _learns_in_chunks(net: BayesNet, rows: Any) -> bool:
    """Whether all is known of the variables, which rows like these hold, and what is to be learnt follows from sums
    over rows."""
    from ..data.boundary import read_once
    from ..learning.base import SumEstimator, Target
    from ..learning.estimators import ESTIMATORS, KEPT, TRAINED, kind_of
    from ..learning.hidden_rows import absent_variables

    variables, conditionals = net.variables, known_conditionals(net)
    if len(variables) < len(net) or absent_variables(read_once(rows, net.names), variables, net.names):
        return False
    targets = [
        Target(name, variables[name], {parent: variables[parent] for parent in own}, conditionals.get(name))
        for name, own in net.parents.items()
        if not isinstance(conditionals.get(name), KEPT)
    ]
    if any(isinstance(target.conditional, TRAINED) for target in targets):
        return False
    return all(issubclass(ESTIMATORS[kind_of(target)], SumEstimator) for target in targets)


def _size(part: Part) -> int:
    return len(part[1])


def _fit_in_chunks(net: BayesNet, parts: Iterable[Part], inputs: Inputs, prior: Prior) -> tuple[BayesNet, int]:
    """The network learnt from rows of which only sums are held, and their number; all of its variables are known."""
    from ..bayesnet import BayesNet
    from ..learning.counts import training_rows
    from ..learning.fitting import Known, Learner

    schema = Schema(net.variables)
    learner = Learner(Known(net.parents, schema.variables, known_conditionals(net)), schema, prior)
    statistics, n_rows = None, 0
    for first, rows in parts:
        with inputs.located(first):
            try:
                own = training_rows(rows, schema.variables, net.names, None, "error")
                statistics = learner.collect(own, statistics)
            except MissingValuesError as error:
                raise PartialRowsError from error
        n_rows += own.block.n
    _check_some(n_rows)
    fitted = learner.estimate(statistics)
    if fitted.warning:
        warnings.warn(fitted.warning, UserWarning, stacklevel=2)
    return BayesNet(fitted.conditionals), n_rows


def _fit_together(net: BayesNet, parts: list[Part], inputs: Inputs, learn: Learn) -> int:
    """Learn from all rows at once, which say what the states are; their number."""
    parts = [part for part in parts if _size(part)]
    _check_some(len(parts))
    rows = _together(parts, net.names, inputs)
    try:
        learn(net, rows)
    except (MissingValuesError, UnknownNameError) as error:
        _blame_input(type(error), net, parts, inputs, learn)
        raise
    return len(rows)


def _blame_input(kind: type[Exception], net: BayesNet, parts: list[Part], inputs: Inputs, learn: Learn) -> None:
    """Raise the error of the first chunk that alone is wrong in this way, with its input and row."""
    for first, rows in parts:
        try:
            learn(untaught(net), rows)
        except kind:
            with inputs.located(first):
                raise
        except (ValueError, TypeError):
            continue


def _check_some(n: int) -> None:
    if n == 0:
        raise ValueError("a fit needs at least one row, the inputs have none")


def _together(parts: list[Part], names: Sequence[str], inputs: Inputs) -> Any:
    """All chunks as one array or table. Raises ValueError where their columns are of different types."""
    chunks = [rows for _, rows in parts]
    if all(isinstance(rows, np.ndarray) for rows in chunks):
        return np.concatenate(chunks)
    kinds = [_types(rows, names) for rows in chunks]
    for (first, _), own in zip(parts, kinds, strict=True):
        for name, kind in own.items():
            if kind != kinds[0].get(name, kind):
                raise ValueError(
                    f"{inputs.place(first)[0]}: a column is of one type in all inputs: {name!r} is {kind}, "
                    f"in {inputs.place(0)[0]} {kinds[0][name]}"
                )
    import pyarrow as pa

    tables = [rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows]) for rows in chunks]
    return pa.concat_tables(tables, promote_options="permissive")


def _types(rows: Any, names: Sequence[str]) -> dict[str, str]:
    """What the columns of a chunk hold, whatever the number of bytes; arrays have numbers alone."""
    if isinstance(rows, np.ndarray):
        return dict.fromkeys(names, "numbers of a .npy file")
    return {field.name: _ANY_SIZE.sub("", str(field.type)).replace("double", "float") for field in rows.schema}


def _check_output(model: BayesNet, out: str) -> None:
    """Find out before the work whether the format and the folder can take such a network."""
    from ..io import format_of

    form = format_of(Path(out))
    if model.is_fitted:
        form.write(model)
    if check_target(out) is not None and not os.path.isfile(out):
        return  # a device needs no folder to write a temporary file to
    try:
        with TemporaryFile(dir=os.path.dirname(os.path.realpath(out))):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, out) from None
