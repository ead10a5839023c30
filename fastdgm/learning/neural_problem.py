"""Which of a network's conditionals are learnt in closed form, which by gradients, which stay; and who is in the
bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.neural import Neural
from ..data.mixed import values_block
from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from ..data.variables import Discrete, Real
from ..errors import MissingValuesError
from ..runtime.text import preview
from .base import Learnt, Target, Weights
from .counts import Prior, TrainingRows
from .estimators import KEPT, TRAINED
from .fitting import learn_some
from .neural_rows import cells, missing_in

Mask = npt.NDArray[np.bool_]

MOST_CONFIGURATIONS = 1 << 12


class Problem(NamedTuple):
    """A network that is to be trained: its conditionals, their topological order, its guide."""

    conditionals: Mapping[str, Conditional]
    order: Sequence[str]
    guide: Mapping[str, Conditional]
    schema: Schema


class Seen(NamedTuple):
    """What rows lack: real variables that have no value in any row, discrete ones that have none in some or all."""

    latent: frozenset[str]
    hidden: tuple[str, ...]


def seen_in(rows: PartialRows) -> Seen:
    """MissingValuesError for vectors and numbers that lack values in some rows, or in some of their cells."""
    schema, latent, hidden = rows.schema, set[str](), list[str]()
    for name, variable in schema.variables.items():
        missing = [rows.missing[cell] for cell in cells(name, schema) if cell in rows.missing]
        if not missing:
            continue
        if isinstance(variable, Discrete) and not variable.event_shape:
            hidden.append(name)
        elif isinstance(variable, Real) and len(missing) == variable.size and all(own is None for own in missing):
            latent.add(name)
        else:
            some = next((own for own in missing if own is not None), None)
            raise MissingValuesError(
                f"{name!r} has a missing value in row {0 if some is None else int(np.argmax(some))}: in networks with "
                "Neural nodes, discrete variables that are no vectors may lack values in some rows, real ones in all "
                "rows or none: leave such rows out"
            )
    return Seen(frozenset(latent), tuple(hidden))


def check_guides(guide: Mapping[str, Conditional]) -> None:
    """ValueError, naming a variable, for a guide that cannot be trained."""
    for name, own in guide.items():
        if not isinstance(own, Neural) or own.family != "normal":
            raise ValueError(
                "fit trains guides that are Neural and of the family normal, whose draws have gradients; that of "
                f"{name!r} is {own!r:.100}"
            )


def check_hidden(problem: Problem, seen: Seen) -> None:
    """ValueError, naming a variable, where guides are not those of the latent real variables, or too much is hidden."""
    observed = [name for name in problem.guide if name not in seen.latent]
    if observed:
        raise ValueError(
            f"{observed[0]!r} has values in the data, so it is not latent and its guide has no use: leave out the "
            "column, or the guide"
        )
    for name in problem.order:
        if name in seen.latent and name not in problem.guide:
            raise ValueError(
                f"the real variable {name!r} has no values in the data and no guide: pass guide={{{name!r}: "
                'Neural([...], encoder, family="normal", ...)}, or its column'
            )
    n_configurations = prod(len(problem.schema.states[name]) for name in seen.hidden)
    if n_configurations > MOST_CONFIGURATIONS:
        raise ValueError(
            f"{preview(seen.hidden)} lack values and have {n_configurations} configurations together, which are summed "
            f"one by one: at most {MOST_CONFIGURATIONS}"
        )


def check_models(problem: Problem, seen: Seen) -> None:
    """ValueError, naming the variable, where an autoregressive model's family has no values in some rows."""
    unseen = {*seen.latent, *seen.hidden}
    for name, own in problem.conditionals.items():
        if isinstance(own, TRAINED):
            lacking = [member for member in (name, *own.parents) if member in unseen]
            if lacking:
                raise ValueError(
                    f"{name!r} has an autoregressive model, which learns from rows that have it and its parents: "
                    f"{preview(lacking)} must have values in all rows"
                )


def learn_closed_forms(problem: Problem, rows: PartialRows, weights: Weights, prior: Prior) -> Learnt:
    """Conditionals that are no modules, each from the rows in which it and its parents have values.

    Those of variables that never have one keep their parameters. ValueError, naming a variable, where parameters would
    have to be learnt and cannot be.
    """
    groups: dict[bytes, tuple[Mask | None, list[str]]] = {}
    for name in problem.order:
        own = problem.conditionals[name]
        if isinstance(own, (Neural, *KEPT, *TRAINED)):
            continue
        missing = missing_in(rows, [name, *own.parents])
        if missing is not None and missing.all():
            _check_keeps(name, own, rows)
            continue
        key = b"" if missing is None else missing.tobytes()
        groups.setdefault(key, (missing, []))[1].append(name)
    found, notes = dict[str, Conditional](), list[str]()
    for missing, names in groups.values():
        kept = slice(None) if missing is None else ~missing
        learnt = learn_some(*_part(problem, rows, names, kept, weights), prior)
        found |= learnt.conditionals
        notes += learnt.notes
    return Learnt(found, tuple(notes))


def _part(
    problem: Problem, rows: PartialRows, names: Sequence[str], kept: slice | Mask, weights: Weights
) -> tuple[list[Target], TrainingRows]:
    """Some variables as what is to be learnt, and the rows that they are learnt from, which hold them and their
    parents alone."""
    variables, parents = problem.schema.variables, {name: problem.conditionals[name].parents for name in names}
    needed = {own for name in names for own in (name, *parents[name])}
    schema = Schema({name: own for name, own in variables.items() if name in needed})
    targets = [
        Target(name, variables[name], {own: variables[own] for own in parents[name]}, problem.conditionals[name])
        for name in names
    ]
    codes = rows.values.codes[_rows_of(problem.schema, tuple(schema.states))][:, kept]
    reals = rows.values.reals[_rows_of(problem.schema, tuple(schema.sizes))][:, kept]
    values = Values(np.ascontiguousarray(codes), np.ascontiguousarray(reals))
    return targets, TrainingRows(values_block(values, schema), None if weights is None else weights[kept])


def _rows_of(schema: Schema, names: Sequence[str]) -> list[int]:
    """The rows of their block that are those of some variables."""
    return [schema.rows[name] + i for name in names for i in range(schema.variables[name].size)]


def _check_keeps(name: str, own: Conditional, rows: PartialRows) -> None:
    """A conditional that no row tells of: it keeps its parameters where its variable is never seen."""
    kind = type(own).__name__
    missing = missing_in(rows, [name])
    if missing is None or not missing.all():
        parents = [parent for parent in own.parents if missing_in(rows, [parent]) is not None]
        raise ValueError(
            f"the parameters of {name!r} cannot be learnt: a {kind} is learnt from rows that have the variable and its "
            f"parents, and no row has {preview([name, *parents])} together: a Neural conditional is learnt without"
        )
    if not own.is_fitted:
        raise ValueError(f"the parameters of {name!r} are not known, and no row has values to learn them from")


def members_of(conditionals: Mapping[str, Conditional], order: Sequence[str], seen: Seen) -> list[str]:
    """The variables whose terms are in the bound: those with modules, and those in whose family anything is latent or
    hidden."""
    unseen = {*seen.latent, *seen.hidden}
    return [
        name
        for name in order
        if isinstance(conditionals[name], Neural) or not unseen.isdisjoint((name, *conditionals[name].parents))
    ]
