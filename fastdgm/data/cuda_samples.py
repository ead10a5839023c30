"""Samples that stay on the GPU where they were drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import preview
from .cuda_memory import CudaMemory
from .placement import Placement
from .rows_by_column import RowsByColumn
from .samples import SHOWN_ROWS, Samples
from .schema import Schema, Values
from .variables import Discrete


class CudaSamples(RowsByColumn):
    """Rows by column on a GPU: ``x["wet"]`` is a column there, ``x[a:b]`` rows, ``x.to("cpu")`` :class:`Samples`.

    Columns are views of a block of codes and one of reals, arrays of numba's (the CUDA array interface makes CuPy's or
    torch's of them without a copy): ``(n,)``, vectors ``(n, *event_shape)``. Nothing is copied from the card but by
    ``to("cpu")``, ``to_pandas()``, ``to_arrow()``, ``labels()``, and a few rows where it is shown.

    Examples
    --------
    On a machine with a GPU::

        x = net.sample(1_000_000, seed=0, device="cuda")
        net.log_prob(x)                        # there
        x.to("cpu").to_pandas()                # copied once
    """

    def __init__(
        self,
        values: Values,
        schema: Schema,
        placement: Placement,
        seed: int | None = None,
        start: int | None = None,
        is_known: bool = True,
    ) -> None:
        """``values`` are blocks of numba's device arrays; ``is_known``: which are known to be right and complete."""
        self.placement: Placement = placement
        self._blocks, self._schema = values, schema
        self.seed: int | None = seed
        self.start: int | None = start
        self.is_known: bool = is_known

    @property
    def blocks(self) -> Values:
        """The blocks of codes ``(n_codes, n)`` and of reals ``(n_reals, n)``, numba's arrays."""
        return self._blocks

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the codes, of the reals, float64 of both."""
        if self._schema.n_codes and self._schema.n_reals:
            return np.dtype(np.float64)
        return np.dtype((self._blocks.codes if self._schema.n_codes else self._blocks.reals).dtype)

    @property
    def device(self) -> str:
        """The GPU, as "cuda:0"."""
        return f"cuda:{self.placement.cuda.device}"

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Rows ``(n, n_cells)``, a view; of variables of one kind."""
        return self._rows().interface(self.placement.cuda.stream)

    def __dlpack__(self, **options: Any) -> Any:
        """Rows ``(n, n_cells)``, a view; of variables of one kind. Needs a CuPy."""
        import cupy

        return cupy.asarray(self).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.placement.cuda.device  # kDLCUDA

    def _rows(self) -> CudaMemory:
        if self._schema.n_codes and self._schema.n_reals:
            raise AttributeError(
                "samples of discrete and real variables are no single array of a GPU: take columns, as x['name']"
            )
        block = self._blocks.codes if self._schema.n_codes else self._blocks.reals
        return CudaMemory.of(block).transposed

    def values(self) -> Iterator[Any]:
        """Columns."""
        return map(self._column, self.names)

    def items(self) -> Iterator[tuple[str, Any]]:
        """(name, column) pairs."""
        return ((name, self._column(name)) for name in self.names)

    def memory_by_name(self) -> dict[str, CudaMemory]:
        """Where the columns lie."""
        return {name: self._memory(name) for name in self.names}

    def _memory(self, name: str) -> CudaMemory:
        """A column (n,) or (n, *event_shape)."""
        row, variable = self._schema.rows[name], self._schema.variables[name]
        block = CudaMemory.of(self._blocks.codes if isinstance(variable, Discrete) else self._blocks.reals)
        step, item = block.strides
        strides = [step]
        for length in variable.event_shape[:0:-1]:
            strides.append(strides[-1] * length)
        strides = strides[::-1] if variable.event_shape else []
        shape = len(self), *variable.event_shape
        return replace(block, pointer=block.pointer + row * step, shape=shape, strides=(item, *strides))

    def _column(self, name: str) -> Any:
        with self.placement.cuda.on_card():
            return self.placement.give_back(self._memory(name).array())

    def __iter__(self) -> Iterator[Any]:
        raise TypeError('rows on a GPU are not walked one by one: x.to("cpu") copies them')

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._schema.variables:
                raise UnknownNameError(f"no variable {key!r}; the samples have {preview(self.names)}")
            return self._column(key)
        if isinstance(key, slice) and key.indices(len(self))[2] == 1:
            begin, end, _ = key.indices(len(self))
            start = None if self.start is None else self.start + begin
            return self._picked(begin, max(begin, end), start)
        raise TypeError(
            f'samples on a GPU have columns x["name"] and rows x[a:b], got {key!r:.60}: x.to("cpu") has all that an '
            "array has"
        )

    def _picked(self, begin: int, end: int, start: int | None) -> CudaSamples:
        with self.placement.cuda.on_card():
            views = [CudaMemory.of(own).columns(begin, end).array() for own in self._blocks]
        return CudaSamples(Values(*views), self._schema, self.placement, self.seed, start, self.is_known)

    def as_array(self) -> Any:
        """Rows ``(n, n_cells)`` as an array of the placement's library: a view, a float64 copy where there are both
        kinds, in which missing codes are NaN."""
        if self._schema.n_codes and self._schema.n_reals:
            from .cuda_floats import rows_of_floats

            own = self.placement.current()
            with own.cuda.on_card():
                return own.give_back(rows_of_floats(self._blocks, self._schema, own.cuda, own.empty))
        with self.placement.cuda.on_card():
            return self.placement.give_back(self._rows().array())

    def to(self, device: str) -> Samples:
        """The rows on the CPU, copied once."""
        if device != "cpu":
            raise ValueError(f'to() takes "cpu", got {device!r:.60}')
        codes, reals = (self.placement.cuda.to_host(own) for own in self._blocks)
        return Samples.of(Values(codes, reals), self._schema, self.seed, self.start)

    def labels(self, name: str) -> npt.NDArray[np.object_]:
        """As :meth:`Samples.labels`; all columns are copied."""
        return self.to("cpu").labels(name)

    def to_pandas(self) -> Any:
        """As :meth:`Samples.to_pandas`."""
        return self.to("cpu").to_pandas()

    def to_arrow(self) -> Any:
        """As :meth:`Samples.to_arrow`."""
        return self.to("cpu").to_arrow()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> NoReturn:
        raise TypeError('samples on a GPU are copied where you say so: np.asarray(x.to("cpu"))')

    def __reduce__(self) -> NoReturn:
        raise TypeError('samples on a GPU are not pickled: x.to("cpu") can be')

    def __repr__(self) -> str:
        first, *rows = repr(self[:SHOWN_ROWS].to("cpu")).splitlines()
        kinds = first.partition(" variables, ")[2]
        head = f"CudaSamples: {len(self)} rows x {len(self.names)} variables, {kinds}, on {self.device}"
        return "\n".join([head, *rows, *["..."] * (len(self) > SHOWN_ROWS)])
