"""Rows as tensors: what densities take, out of what users give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ....data.boundary import as_network_block
from ....data.schema import Schema
from ....data.variables import Discrete, Variable
from ....errors import MissingValuesError, UnknownNameError
from ....runtime.text import did_you_mean, preview

Tensors = dict[str, torch.Tensor]

HIDDEN = "hidden values are summed out by the network's own log_prob, of arrays or of tensors that need no gradient"


def values_of_rows(data: Any, schema: Schema) -> Tensors:
    """Complete rows of any make as tensors by variable; columns of reals that are tensors keep their graph.

    Raises what ``as_network_block`` raises.
    """
    block = as_network_block(data, schema)
    part = block.read(0, block.n)
    values: Tensors = {}
    for name, variable in schema.variables.items():
        numbers = part.codes if isinstance(variable, Discrete) else part.reals
        own = torch.from_numpy(numbers[schema.rows[name] : schema.rows[name] + variable.size].copy())
        own = own.long() if isinstance(variable, Discrete) else own
        values[name] = own.T.reshape(block.n, *variable.event_shape)
    return values | followed_columns(data, schema)


def followed_columns(data: Any, schema: Schema) -> Tensors:
    """The real variables among columns that are tensors, as they are."""
    if isinstance(data, torch.Tensor):
        data = _cells(data, schema)
    return {
        name: data[name].reshape(len(data[name]), *schema.variables[name].event_shape)
        for name in schema.real_names
        if isinstance(data.get(name), torch.Tensor) and data[name].is_floating_point()
    }


def _cells(rows: torch.Tensor, schema: Schema) -> Tensors:
    """The columns of (n, n_cells): rows of the transposed matrix, which are contiguous."""
    sizes = [variable.size for variable in schema.variables.values()]
    parts = rows.T.contiguous().split(sizes)
    return {
        name: part.T if variable.event_shape else part[0]
        for (name, variable), part in zip(schema.variables.items(), parts, strict=True)
    }


# Tensors alone ----------------------------------------------------------------------------------------------------


def checked_tensors(data: Any, schema: Schema, *, check: bool) -> Tensors:
    """{name: tensor (n, *event_shape)} out of the same, or out of a tensor (n, n_cells) where all variables are of one
    kind; discrete ones as int64 codes.

    Codes are looked at only with ``check``: a tensor that torch.func or torch.compile traces has no values. Reals are
    left to ``check_finite``.

    Raises KeyError for unknown names, MissingValuesError for absent columns, TypeError for what is no tensor,
    ValueError for other shapes and codes out of range.
    """
    if isinstance(data, torch.Tensor):
        n_cells = schema.n_codes + schema.n_reals
        if schema.n_codes and schema.n_reals:
            raise ValueError("one tensor is of variables of one kind: give {name: tensor} where some are discrete")
        if data.ndim != 2 or data.shape[1] != n_cells:
            raise ValueError(f"a tensor of rows has shape (n, {n_cells}), got {tuple(data.shape)}")
        columns = _cells(data, schema)
    elif isinstance(data, Mapping):
        columns = dict(data)
        _check_names(columns, schema)
    else:
        raise TypeError(f"rows are {{name: tensor}}, or a tensor (n, n_cells), got {type(data).__name__}")
    n = len(columns[schema.names[0]]) if getattr(columns[schema.names[0]], "ndim", 0) else -1
    return {name: _column(name, columns[name], own, n, check) for name, own in schema.variables.items()}


def _check_names(columns: Mapping[str, Any], schema: Schema) -> None:
    for name in columns:
        if name not in schema.variables:
            hint = did_you_mean(str(name), schema.names)
            raise UnknownNameError(f"no variable {name!r} in the network; they are {preview(schema.names)}{hint}")
    absent = [name for name in schema.names if name not in columns]
    if absent:
        raise MissingValuesError(f"the data has no column {preview(absent)}: {HIDDEN}")


def _column(name: str, column: Any, variable: Variable, n: int, check: bool) -> torch.Tensor:
    if not isinstance(column, torch.Tensor):
        raise TypeError(f"columns are tensors, that of {name!r} is {type(column).__name__}")
    if n < 0 or tuple(column.shape) != (n, *variable.event_shape):
        shape = ("n" if n < 0 else n, *variable.event_shape)
        expected = str(shape).replace("'", "")
        raise ValueError(f"the column of {name!r} has shape {expected}, got {tuple(column.shape)}")
    if column.is_complex():
        raise TypeError(f"the column of {name!r} is of real numbers, got {column.dtype}")
    if isinstance(variable, Discrete):
        return _codes(name, column, variable, check)
    if not column.is_floating_point():
        column = column.to(torch.get_default_dtype())
    return column


def check_finite(values: Mapping[str, torch.Tensor]) -> None:
    """MissingValuesError for NaN, ValueError for infinite numbers. No density of such is finite, so who has finite
    ones need not ask."""
    for name, value in values.items():
        column = value.detach().reshape(len(value), -1)
        bad = ~torch.isfinite(column).all(1)
        if bool(bad.any()):
            row = int(bad.int().argmax())
            if bool(torch.isnan(column[row]).any()):
                raise MissingValuesError(f"{name!r} is missing (NaN) in row {row}: {HIDDEN}")
            raise ValueError(f"real values are finite: {name!r} is infinite in row {row}")


def _codes(name: str, column: torch.Tensor, variable: Discrete, check: bool) -> torch.Tensor:
    codes = column.detach().long()
    if not check:
        return codes
    wrong = (codes < 0) | (codes >= variable.n_states)
    if column.is_floating_point():
        wrong = wrong | (column.detach() != codes)
    wrong = wrong.reshape(len(codes), -1)
    if bool(wrong.any()):
        row = int(wrong.any(1).int().argmax())
        value = column.reshape(len(codes), -1)[row][wrong[row]][0].item()
        if value == -1 or value != value:
            raise MissingValuesError(f"{name!r} is missing in row {row}: {HIDDEN}")
        raise ValueError(
            f"codes of {name!r} are whole numbers from 0 to {variable.n_states - 1} ({preview(variable.states)}): "
            f"row {row} is {value}"
        )
    return codes
