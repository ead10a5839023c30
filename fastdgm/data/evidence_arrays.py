"""Arrays of codes in which values are missing, read piece by piece where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernels.evidence_tiles import evidence_from_columns_cpu, evidence_from_rows_cpu
from ..runtime.arrays import read_only
from .blocks import States
from .labels import Column, bad_code
from .partial_columns import bad_float, floats_as_codes

Array = npt.NDArray[Any]


class PartialArray:
    """Rows ``(n, n_vars)`` of integers, or of floats that are whole or NaN, in any layout; masked values are missing.

    -1 is missing in signed integers where no state has that name, the largest number in unsigned ones where it is no
    state's code. Reading is safe from several threads.
    """

    def __init__(self, array: Array, states: States, dtype: np.dtype[Any]) -> None:
        native = array.dtype.newbyteorder("=")
        self._array = array.astype(native, copy=False)
        self._states = states
        self._n_states = np.array([len(own) for own in states.values()])
        self._limits = read_only(self._n_states.astype(dtype))
        is_signed = native.kind == "i"
        self._minus_one = [v for v, own in enumerate(states.values()) if is_signed and "-1" in own]
        self._is_masked = bool(np.ma.is_masked(array))
        self._is_narrow = native.kind != "f" and (
            native.itemsize < dtype.itemsize or self._n_states.max() > np.iinfo(native).max + is_signed
        )

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out`` (n_vars, end - begin).

        Raises ValueError that names the first value which is neither a state nor missing.
        """
        is_row_major = self._array.flags.c_contiguous or not self._array.flags.f_contiguous
        if self._array.dtype.kind == "f" or self._is_masked or self._is_narrow or not self._array.flags.forc:
            rows = read_only(np.ascontiguousarray(self._plain(begin, end)))
            bad = evidence_from_rows_cpu(0, end - begin, self._limits, rows, out)
        elif is_row_major:
            bad = evidence_from_rows_cpu(begin, end, self._limits, self._unsigned(), out)
        else:
            bad = evidence_from_columns_cpu(begin, end, self._limits, read_only(self._unsigned().T), out)
        if bad >= 0 or any(self._holds_minus_one(v, begin, end) for v in self._minus_one):
            raise self._problem(begin, end)

    def _unsigned(self) -> Array:
        return read_only(np.asarray(self._array).view(f"u{self._array.itemsize}"))

    def _plain(self, begin: int, end: int) -> Array:
        """Some rows as unsigned integers, no narrower than what they become, all bits set where a value is missing."""
        part = np.asarray(self._array[begin:end])
        if part.dtype.kind == "f":
            part = floats_as_codes(np.ascontiguousarray(part))
        elif part.dtype.kind == "i":
            part = part.astype(f"i{2 * part.itemsize}") if self._is_narrow else part
            part = part.view(f"u{part.itemsize}")
        elif self._is_narrow:
            marker = np.iinfo(part.dtype).max
            missing = (part == marker) & (self._n_states <= marker)
            part = np.where(missing, ~np.zeros((), f"u{2 * part.itemsize}"), part)
        if self._is_masked:
            part = np.where(np.ma.getmaskarray(self._array[begin:end]), ~np.zeros((), part.dtype), part)
        return part

    def _holds_minus_one(self, v: int, begin: int, end: int) -> bool:
        """Whether -1, which could also be the name of a state of variable ``v``, is among these rows."""
        return bool(np.ma.filled(self._array[begin:end, v] == -1, False).any())

    def _problem(self, begin: int, end: int) -> ValueError:
        """The error for the first value in these rows that is neither a state nor missing."""
        part = self._array[begin:end]
        is_signed = part.dtype.kind == "i"
        with np.errstate(invalid="ignore"):
            fine = (part >= 0) & (part < self._n_states)
            if part.dtype.kind == "f":
                fine = (fine & (np.trunc(part) == part)) | np.isnan(part)
            else:
                fine |= part == (-1 if is_signed else np.iinfo(part.dtype).max)
        fine[:, self._minus_one] &= part[:, self._minus_one] != -1
        fine = np.ma.filled(fine, True)
        if fine.all():
            return ValueError("data must not change while it is read: a value that is no code is no longer there")
        row, v = (int(i) for i in np.argwhere(~fine)[0])
        name, own = list(self._states.items())[v]
        value = np.asarray(part)[row, v]
        explain = bad_float if part.dtype.kind == "f" else bad_code
        return explain(Column(name, own), begin + row, value)
