"""Ragged sequences that stay on the GPU where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .cuda_arrays import is_on_card
from .placement import Placement
from .sequences import Stream, codes_as_stream


class CudaCodes(NamedTuple):
    """The codes of sequences on a GPU, end to end and without ends, known to be states; arrays are numba's."""

    values: Any  # uint8 or uint16 (size,)
    offsets: Any | None  # int64 (n + 1,), ours alone; None: all have ``longest`` codes
    n: int
    size: int
    longest: int


class CudaSequences:
    """Sequences of codes on a GPU: ``values[offsets[i] : offsets[i + 1]]`` are those of sequence i.

    ``x[i]`` is a view of sequence i, ``x.to("cpu")`` what ``sample`` gives on the CPU: strings, lists of tokens or
    arrays of codes.

    Examples
    --------
    On a machine with a GPU::

        names = fd.MarkovChain(order=3).fit(["emma", "ava", "anna"])
        x = names.sample(1_000_000, seed=0, device="cuda")
        names.log_prob(x)                      # there
        names.log_prob((x.values, x.offsets))  # as arrays of anybody's
        x.to("cpu")                            # copied once
    """

    def __init__(
        self, codes: CudaCodes, n_states: int, placement: Placement, decode: Callable[[Stream], list[Any]]
    ) -> None:
        """``codes`` have offsets; ``decode`` makes of a stream what a model was fitted on."""
        self._codes, self._decode = codes, decode
        self.n_states: int = n_states
        self.placement: Placement = placement

    @property
    def codes(self) -> CudaCodes:
        """The codes, as numba's arrays."""
        return self._codes

    @property
    def values(self) -> Any:
        """Codes of all sequences end to end, an array of the library that was asked for."""
        return self.placement.give_back(self._codes.values)

    @property
    def offsets(self) -> Any:
        """int64 ``(n + 1,)``: where sequences begin, and the number of all codes."""
        return self.placement.give_back(self._codes.offsets)

    def __len__(self) -> int:
        return self._codes.n

    def __repr__(self) -> str:
        return f"CudaSequences({self._codes.n} sequences, {self._codes.size} codes)"

    def __getitem__(self, i: int) -> Any:
        n = self._codes.n
        if not -n <= i < n:
            raise IndexError(f"sequence {i} of {n}")
        begin = i % n
        a, b = self.placement.cuda.read_flags(self._offsets[begin : begin + 2]).tolist()
        return self.placement.give_back(self._codes.values[a:b])

    def __iter__(self) -> NoReturn:
        raise TypeError("sequences on a GPU are not walked one by one: x.to('cpu')")

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError("sequences on a GPU are not copied unasked: x.to('cpu')")

    def to(self, device: str) -> list[Any]:
        """The sequences on the CPU, copied once. ValueError for any other device."""
        if device != "cpu":
            raise ValueError(f'to() takes "cpu", got {device!r:.60}')
        queue = self.placement.cuda
        values, offsets = queue.to_host(self._codes.values), queue.to_host(self._offsets)
        return self._decode(codes_as_stream(np.asarray(values), np.asarray(offsets), self.n_states))

    @property
    def _offsets(self) -> Any:
        assert self._codes.offsets is not None
        return self._codes.offsets


def sequences_placement(data: Any) -> Placement | None:
    """Where sequences on a GPU are: our own, rows of an array, or a tuple (values, offsets) or (padded, lengths); None
    for those of the CPU."""
    if isinstance(data, CudaSequences):
        return data.placement
    values = data[0] if isinstance(data, tuple) and data else data
    return Placement.of(values) if is_on_card(values) else None
