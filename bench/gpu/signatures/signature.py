"""What a twin is compiled for: numba's types of its arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba

from fastdgm.runtime.cuda_launch import Twin


class Signature(NamedTuple):
    """A twin of the tables of loops and the types that users' data give its arguments."""

    family: str  # as in families.FAMILIES
    verb: str
    variant: str  # of the data: "uint8", "float32 uint8"; empty where there is but one
    twin: Twin
    arguments: list[Any]

    @property
    def name(self) -> str:
        """Of the figures of this compilation."""
        return f"{self.family}: {self.verb}" + (f" [{self.variant}]" if self.variant else "")


def array(dtype: str, n_axes: int, layout: str = "C") -> numba.types.Array:
    """The type of a contiguous array that can be written."""
    return numba.types.Array(getattr(numba.types, dtype), n_axes, layout)


def plan_type(plan: type, *fields: Any) -> numba.types.NamedTuple:
    """That of a plan; fields are types, or names of the dtypes of flat arrays. ValueError for a wrong number."""
    if len(fields) != len(plan._fields):
        raise ValueError(f"{plan.__name__} has the fields {plan._fields}, not {len(fields)}")
    return numba.types.NamedTuple([array(own, 1) if isinstance(own, str) else own for own in fields], plan)
