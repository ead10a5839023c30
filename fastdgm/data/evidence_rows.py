"""Rows of discrete variables, in any form in which they come, as evidence."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .boundary import is_table
from .code_arrays import check_shape, rows_array
from .collected import collected
from .column_pieces import is_missing, kinds_of
from .columns import matched_columns, refuse_no_columns, table_columns
from .evidence_arrays import PartialArray
from .evidence_block import ColumnsReader, Evidence, EvidenceBlock, evidence_type
from .given_values import given_values
from .labels import Column
from .likelihoods import Likelihood, likelihood_of
from .missing_codes import missing_code
from .mixed import columns_by_name
from .partial_columns import PartialColumn
from .samples import Samples
from .schema import Schema

__all__ = ["Evidence", "EvidenceBlock", "as_evidence", "evidence_type", "given_evidence", "missing_code"]
Array = npt.NDArray[Any]
NO_LIKELIHOODS: Mapping[int, Likelihood] = MappingProxyType({})


def as_evidence(data: Any, schema: Schema) -> EvidenceBlock:
    """Rows in any form, in which values may be missing and columns absent, of discrete variables.

    Missing are -1 in signed integers, the largest number in unsigned ones where it is no state, NaN, None, null, NA,
    empty labels, masked values, and columns that are absent. In a mapping an array of floats ``(n, k)`` is a likelihood
    of a variable of k states. Arrays are read where they are; nothing is read before a piece of the block is.

    Raises
    ------
    UnknownNameError : columns that are no variables, or no column of any variable; labels that are no states.
    ValueError : an array of another shape, columns of different lengths, likelihoods that are none.
    """
    data = collected(data)
    if isinstance(data, Samples) and data.schema == schema:
        return EvidenceBlock(schema, len(data), PartialArray(data.block.T, schema.states, evidence_type(schema)))
    if is_table(data):
        columns = table_columns(data, schema.names)
        return evidence_of_columns(columns, schema, _nothing_known(schema))
    array = _numbers_of_objects(rows_array(data))
    check_shape(array, schema.states)
    if array.dtype.kind in "iuf":
        return EvidenceBlock(schema, len(array), PartialArray(array, schema.states, evidence_type(schema)))
    return evidence_of_columns(columns_by_name(array, schema.names, {}), schema, _nothing_known(schema))


def given_evidence(given: Any, schema: Schema, n: int | None = None, option: str = "given") -> EvidenceBlock:
    """Known values of some variables, in a mapping from their names, or of rows.

    In a mapping a scalar (code, label or boolean) is the state; a list, tuple or set of such are the states that are
    allowed; an array of floats ``(k,)`` is a likelihood, one ``(n, k)`` that of each row; an array of codes or labels,
    or a column of pandas, polars or Arrow, has a value for each row, any of which may be missing. A frame, Samples, or
    an array of codes of all variables are rows as ``as_evidence`` reads them.

    Parameters
    ----------
    n : the number of rows; None: as many as the columns have, or one where no value is that of a row.
    option : the name of the argument, for messages.

    Raises
    ------
    UnknownNameError : variables or labels that do not exist. ValueError : codes out of range, a scalar or an allowed
        state that is missing (leave the variable out), no allowed state, likelihoods of another shape, negative, not
        finite or all zero, columns that have not ``n`` rows. TypeError : no such mapping or rows.

    Examples
    --------
    >>> from fastdgm.data.variables import Discrete
    >>> schema = Schema({"age": Discrete(("<5", "5-12", "13+")), "sick": Discrete(("no", "yes"))})
    >>> block = given_evidence({"age": ["<5", "13+"], "sick": "yes"}, schema)
    >>> codes, soft, likelihoods = block.read(0, 1)
    >>> codes.tolist(), soft, likelihoods.tolist()
    ([[255], [1]], (0,), [[1.0], [0.0], [1.0]])
    """
    if not isinstance(given, Mapping) or isinstance(given, Samples):
        block = _evidence_of_rows(given, schema, option)
    else:
        known = given_values(given, schema, option)
        codes = _nothing_known(schema)
        for row, code in known.codes.items():
            codes[row] = code
        if not known.columns:
            return EvidenceBlock(schema, 1 if n is None else n, ColumnsReader(codes, {}), known.likelihoods)
        block = evidence_of_columns(known.columns, schema, codes, known.likelihoods)
    if n is not None and block.n != n:
        raise ValueError(
            f"{option}: values for each row are as many as rows, got {block.n} for {n} rows; the states that are "
            "allowed in all rows are given as a list"
        )
    return block


def _evidence_of_rows(given: Any, schema: Schema, option: str) -> EvidenceBlock:
    given = collected(given)
    if not is_table(given) and (isinstance(given, str | bytes | Set) or rows_array(given).ndim != 2):
        raise TypeError(f"{option} is a mapping from variables to values, or rows of them, got {given!r:.60}")
    return as_evidence(given, schema)


def evidence_of_columns(
    columns: Mapping[str, Any],
    schema: Schema,
    codes: Array,
    likelihoods: Mapping[int, Likelihood] = NO_LIKELIHOODS,
) -> EvidenceBlock:
    """Columns, at least one, beside codes (n_vars,) and likelihoods that are the same in all rows.

    Raises as ``as_evidence``.
    """
    soft = {name: own for name, column in columns.items() if (own := _soft_column(name, column, schema)) is not None}
    others = {name: column for name, column in columns.items() if name not in soft}
    hard, n_hard = matched_columns(others, schema.names, partial=True)
    refuse_no_columns(columns, schema.names)
    lengths = dict.fromkeys(hard, n_hard) | {name: own.n or 0 for name, own in soft.items()}
    return EvidenceBlock(
        schema,
        _common_length(lengths),
        ColumnsReader(
            codes, {schema.rows[name]: _partial_column(name, column, schema) for name, column in hard.items()}
        ),
        {**likelihoods, **{schema.rows[name]: own for name, own in soft.items()}},
    )


def _nothing_known(schema: Schema) -> Array:
    """Missing codes of all variables (n_vars,)."""
    return np.full(schema.n_codes, missing_code(evidence_type(schema)), evidence_type(schema))


def _soft_column(name: str, column: Any, schema: Schema) -> Likelihood | None:
    """A column of likelihoods (n, k); None for one of codes or labels."""
    values = likelihood_of(column)
    if values is None or values.ndim != 2 or name not in schema.states:
        return None
    return Likelihood(Column(name, schema.states[name]), values)


def _partial_column(name: str, column: Any, schema: Schema) -> PartialColumn:
    return PartialColumn(Column(name, schema.states[name]), column, evidence_type(schema))


def _common_length(lengths: Mapping[str, int]) -> int:
    first, n = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != n:
            raise ValueError(f"columns are equally long: {first!r} has {n} rows, {name!r} has {length}")
    return n


def _numbers_of_objects(array: Array) -> Array:
    """Rows of integers, floats and None as floats, NaN where there is none; any others as they are."""
    if array.dtype.kind != "O" or np.ma.isMaskedArray(array) or array.ndim != 2:
        return array
    cells = array.ravel().tolist()
    if not kinds_of(cells) <= {"integer", "float", "missing"}:
        return array
    numbers = [np.nan if is_missing(cell) else cell for cell in cells]
    return np.array(numbers, np.float64).reshape(array.shape)
