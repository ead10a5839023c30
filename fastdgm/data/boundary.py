"""The boundary for data: any accepted form -> a block of codes that kernels read.

Nothing is copied where dtype and layout allow: columns of the network's own code type, or row-major codes of any
integer type, go to the loops as they are, which check them on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.arrays import read_only
from .blocks import Block, ColumnBlock, States, TableBlock
from .code_arrays import code_array_block, rows_array
from .collected import collected
from .columns import table_columns
from .learnt_variables import infer_variables
from .mixed import columns_by_name, known_rows, mixed_array_block, samples_block, table_block
from .samples import Samples
from .schema import Schema
from .variables import Variable

Array = npt.NDArray[Any]
Variables = Mapping[str, Variable]


def as_block(data: Any, states: States) -> Block:
    """Samples, arrays, sequences of rows, torch CPU tensors, mappings of columns and frames -> a block of codes."""
    data = collected(data)
    if isinstance(data, Samples):
        own = data.schema
        same = own.states is states or list(own.states.items()) == list(states.items())
        if own.n_reals or not same:
            return TableBlock(data, states)
        if data.dtype == own.code_dtype:
            return ColumnBlock(read_only(np.ascontiguousarray(data.block)), states)
        return code_array_block(data.block.T, states)
    if is_table(data):
        return TableBlock(data, states)
    return code_array_block(rows_array(data), states)


def as_network_block(data: Any, schema: Schema) -> Block:
    """As ``as_block``, for the variables of any network: codes, and reals that are finite."""
    if schema.is_discrete and not schema.has_discrete_vectors:
        return as_block(data, schema.states)
    data = collected(data)
    if isinstance(data, Samples) and data.schema == schema:
        return samples_block(data)
    if is_table(data):
        return table_block(data, schema)
    return mixed_array_block(rows_array(data), schema)


def as_training_block(data: Any, known: Variables, names: Sequence[str]) -> Block:
    """As ``as_network_block``; variables that ``known`` lacks are learnt, as ``infer_variables`` does."""
    data = read_once(data, names)
    return as_network_block(data, _learnt_schema(data, known, names))


class KnownRows(NamedTuple):
    """The rows of data without labels that are no states."""

    block: Block
    kept: Array  # which rows of the data these are, (n_rows,) booleans
    first_problem: str  # the error for the first label that is no state


def as_known_block(data: Any, known: Variables, names: Sequence[str]) -> Block | KnownRows:
    """As ``as_training_block``; where rows hold labels that are no states, those without them."""
    data = read_once(data, names)
    schema = _learnt_schema(data, known, names)
    try:
        return as_network_block(data, schema)
    except UnknownNameError as error:
        problem = str(error)
    block, kept = known_rows(columns_of(data, schema.names, schema.vectors), schema)  # raises for unknown columns
    return KnownRows(block, kept, problem)


def read_once(data: Any, names: Sequence[str]) -> Any:
    """A table as its columns, because an Arrow stream can be read only once; anything else as it is."""
    data = collected(data)
    return table_columns(data, names) if is_table(data) and not isinstance(data, Samples) else data


def _learnt_schema(data: Any, known: Variables, names: Sequence[str]) -> Schema:
    if all(name in known for name in names):
        return Schema({name: known[name] for name in names})
    return Schema(infer_variables(columns_of(data, names, Schema(known).vectors), known, names))


def columns_of(data: Any, names: Sequence[str], vectors: Mapping[str, int]) -> Any:
    """A table, or Samples, as it is; rows of an array as columns by name."""
    if isinstance(data, Samples) or is_table(data):
        return data
    array = rows_array(data)
    n_cells = len(names) + sum(size - 1 for size in vectors.values())
    if array.ndim != 2 or array.shape[1] != n_cells:
        raise ValueError(f"an array of rows has shape (n_rows, {n_cells}), got shape {array.shape}")
    return columns_by_name(array, names, vectors)


def is_table(data: Any) -> bool:
    """Whether data has named columns."""
    return (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__dataframe__")
        or hasattr(data, "columns")
        or hasattr(data, "column_names")
    )
