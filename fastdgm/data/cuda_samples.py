"""Samples that stay on the GPU where they were drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import preview
from .placement import Placement
from .samples import Samples
from .schema import Schema, Values


class CudaSamples:
    """Rows by column on a GPU: ``x["wet"]`` is a column there, ``x[a:b]`` rows, ``x.to("cpu")`` :class:`Samples`.

    Examples
    --------
    On a machine with a GPU::

        x = net.sample(1_000_000, seed=0, device="cuda")
        net.log_prob(x)                        # there
        x.to("cpu").to_pandas()                # copied once
    """

    def __init__(
        self, values: Values, schema: Schema, placement: Placement, seed: int | None = None, start: int | None = None
    ) -> None:
        """``values`` are blocks of numba's device arrays that are known to be right."""
        self._blocks, self._schema, self.placement = values, schema, placement
        self.seed, self.start = seed, start

    @property
    def schema(self) -> Schema:
        """The variables."""
        return self._schema

    @property
    def blocks(self) -> Values:
        """The blocks of codes ``(n_codes, n)`` and of reals ``(n_reals, n)``, numba's arrays."""
        return self._blocks

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in column order."""
        return self._schema.names

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Rows ``(n, n_vars)``, a view."""
        raise NotImplementedError

    def __len__(self) -> int:
        return int(self._blocks.codes.shape[1])

    def to(self, device: str) -> Samples:
        """The rows on the CPU, copied once."""
        if device != "cpu":
            raise ValueError(f'to() takes "cpu", got {device!r}')
        codes, reals = (self.placement.cuda.to_host(own) for own in self._blocks)
        return Samples.of(Values(codes, reals), self._schema, self.seed, self.start)

    def keys(self) -> Sequence[str]:
        """Column names."""
        return self.names

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.to("cpu"), dtype)

    def __contains__(self, name: object) -> bool:
        return name in self._schema.variables

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("rows on a GPU are not walked one by one: x.to('cpu')")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) and key not in self._schema.variables:
            raise UnknownNameError(f"no variable {key!r}; the samples have {preview(self.names)}")
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """As :meth:`Samples.to_pandas`."""
        return self.to("cpu").to_pandas()
