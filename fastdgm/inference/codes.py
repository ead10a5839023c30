"""Rows to latent codes and back: means and samples of guides, expected values of what is observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from ..engines.keys import proposal_key
from ..engines.proposals import Columns
from ..graph import topological_order
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from .expected import expected_value
from .importance import LARGEST_BLOCK
from .joint import Joint
from .latent import taken
from .proposed import Guide, Proposed, proposals

Array = npt.NDArray[Any]


def encoded(guide: Guide, rows: PartialRows, names: Sequence[str]) -> dict[str, Array]:
    """The mean of the guide of each of these variables (n, *event_shape); of a latent parent its mean is put in."""
    order = _guides_needed(guide, names)
    schema = rows.schema
    check_known(rows, [parent for name in order for parent in guide[name].parents if parent not in guide], "encode")
    found = {name: _empty(rows, (rows.n,), name) for name in names}
    for begin, end in split(rows.n, LARGEST_BLOCK):
        values = _writable(rows, begin, end)
        for name in order:
            mean = expected_value(name, guide[name], schema, values)
            values.reals[_block(name, schema)] = mean.reshape(end - begin, -1).T
            if name in found:
                found[name][begin:end] = mean
    return found


def encoded_samples(
    network: Joint, guide: Guide, rows: PartialRows, names: Sequence[str], n_samples: int, key: int
) -> dict[str, Array]:
    """Samples of the guides (n_samples, n, *event_shape); those of latent parents are put in, sample by sample."""
    order = _guides_needed(guide, names)
    schema = rows.schema
    check_known(rows, [parent for name in order for parent in guide[name].parents if parent not in guide], "encode")
    how = Proposed({name: guide[name] for name in order}, frozenset(), (), frozenset())
    sources = proposals(network, how)
    found = {name: _empty(rows, (n_samples, rows.n), name) for name in names}
    for begin, end in split(rows.n, max(1, LARGEST_BLOCK // n_samples)):
        for first, last in split(n_samples, LARGEST_BLOCK):
            own = _writable(rows, begin, end)
            columns = Columns(np.arange(begin, end), first, last - first, n_samples)
            values = Values(*(np.repeat(block, columns.n_each, axis=1) for block in own))
            for source in sources:
                source.draw(columns, proposal_key(key), values)
            for name, out in found.items():
                drawn = values.reals[_block(name, schema)].reshape(-1, end - begin, columns.n_each)
                out[first:last, begin:end] = drawn.transpose(2, 1, 0).reshape(last - first, *out[0, begin:end].shape)
    return found


def decoded(network: Joint, rows: PartialRows, names: Sequence[str]) -> dict[str, Array]:
    """The expected value of each of these variables given its parents, which are known."""
    parts: dict[str, list[Array]] = {name: [] for name in names}
    for name in names:
        check_known(rows, network.conditionals[name].parents, "decode")
    for begin, end in split(rows.n, LARGEST_BLOCK) or [(0, 0)]:
        values = _writable(rows, begin, end)
        for name, own in parts.items():
            own.append(expected_value(name, network.conditionals[name], rows.schema, values))
    return {name: own[0] if len(own) == 1 else np.concatenate(own) for name, own in parts.items()}


def given_variables(rows: PartialRows) -> set[str]:
    """The variables that have values, in some rows at least."""
    schema = rows.schema
    absent = {row for row, missing in rows.missing.items() if missing is None}
    return {name for name in schema.names if not absent.issuperset(_cells(name, schema))}


def _cells(name: str, schema: Schema) -> range:
    """The rows of a variable in the blocks, codes before reals."""
    first = schema.rows[name] + (schema.n_codes if name in schema.sizes else 0)
    return range(first, first + schema.variables[name].size)


def check_known(rows: PartialRows, names: Sequence[str], verb: str) -> None:
    """ValueError that names the first of the variables that has no value, and where."""
    schema = rows.schema
    for name in names:
        for row in _cells(name, schema):
            if row in rows.missing:
                missing = rows.missing[row]
                where = "is absent" if missing is None else f"has none in row {int(np.argmax(missing))}"
                raise ValueError(f"{verb} needs the values of {name!r}, which {where}")


def _guides_needed(guide: Guide, names: Sequence[str]) -> tuple[str, ...]:
    """The latent variables whose guides are needed for those of some, parents first."""
    parents = {name: [parent for parent in own.parents if parent in guide] for name, own in guide.items()}
    needed, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += parents[name]
    return tuple(name for name in topological_order(parents) if name in needed)


def _block(name: str, schema: Schema) -> slice:
    return slice(schema.rows[name], schema.rows[name] + schema.sizes[name])


def _empty(rows: PartialRows, shape: tuple[int, ...], name: str) -> Array:
    shape = (*shape, *rows.schema.variables[name].event_shape)
    dtype = rows.values.reals.dtype
    check_memory(int(np.prod([float(size) for size in shape])) * dtype.itemsize, f"codes of shape {shape}")
    return np.empty(shape, dtype)


def _writable(rows: PartialRows, begin: int, end: int) -> Values:
    values = taken(rows.values, slice(begin, end))
    return Values(values.codes, np.array(values.reals))
