"""Arrow tables of types that every engine knows: strings for dictionaries, signed integers, lists of any length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_SIGNED = {"uint8": "int16", "uint16": "int32"}
_SPARK = {"string": "string", "int16": "smallint", "int32": "int", "float": "float", "double": "double"}


def plain(table: Any) -> Any:
    """A table of dictionaries, floats and vectors, as ``Samples.to_arrow`` makes it, in plain types."""
    import pyarrow as pa

    columns = [own.cast(_plain_type(own.type)) for own in table.columns]
    return pa.table(columns, names=table.schema.names)


def _plain_type(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    return pa.type_for_alias(_SIGNED[str(kind)]) if str(kind) in _SIGNED else kind


def concatenated(tables: Sequence[Any]) -> Any:
    """The rows of all."""
    import pyarrow as pa

    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)


def whole(column: Any) -> Any:
    """A column of chunks as one array."""
    import pyarrow as pa

    chunks = column.chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks) if chunks else pa.array([], column.type)


def numpy_columns(table: Any) -> dict[str, npt.NDArray[Any]]:
    """Columns by name; strings are objects, vectors rows of two axes."""
    return {name: _numpy(own) for name, own in zip(table.schema.names, table.columns, strict=True)}


def _numpy(column: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    values = column.to_numpy()
    if not pa.types.is_list(column.type):
        return np.asarray(values)
    return np.stack(values) if len(values) else np.empty((0, 0), column.type.value_type.to_pandas_dtype())


def spark_ddl(schema: Any) -> str:
    """A schema of plain types as Spark writes it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> spark_ddl(pa.schema({"a b": pa.string(), "x": pa.list_(pa.float32())}))
    '`a b` string, `x` array<float>'
    """
    return ", ".join(f"{_quoted(field.name)} {_spark_type(field.type)}" for field in schema)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _spark_type(kind: Any) -> str:
    import pyarrow as pa

    return f"array<{_spark_type(kind.value_type)}>" if pa.types.is_list(kind) else _SPARK[str(kind)]
