"""The joint distribution of some discrete variables: an answer with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence import known_values
from ..data.schema import Schema
from ..data.variables import Discrete, in_order
from ..errors import UnknownNameError
from ..runtime.arrays import read_only
from ..runtime.extras import how_to_install
from ..runtime.text import did_you_mean, preview, printable
from ..show.listing import MAX_COLUMNS, MAX_ROWS, Listing

Array = npt.NDArray[np.float64]


class PosteriorTable:
    """P(names | what is known): the probability of every configuration of some variables, with their states.

    Parameters
    ----------
    states : of every variable, in the order of the axes.
    table : one axis for each variable; float64, read-only.
    condition : what is known, as text; shown, and not looked at.

    Examples
    --------
    >>> joint = PosteriorTable({"rain": ["no", "yes"], "wet": ["dry", "wet"]}, [[0.5, 0.1], [0.05, 0.35]])
    >>> joint
    P(rain, wet)
    rain  wet=dry  wet=wet
    no    0.5      0.1
    yes   0.05     0.35
    >>> joint["yes", "wet"], joint.mode
    (0.35, {'rain': 'no', 'wet': 'dry'})
    """

    __slots__ = ("_schema", "condition", "table")

    def __init__(self, states: Mapping[str, Sequence[str]], table: npt.ArrayLike, condition: str = "") -> None:
        own = np.array(table, dtype=np.float64)
        self._schema = Schema({name: Discrete(tuple(labels)) for name, labels in states.items()})
        sizes = tuple(len(labels) for labels in self.states.values())
        if own.shape != sizes:
            raise ValueError(f"a table of {list(states)} has shape {sizes}, got {own.shape}")
        self.table: Array = read_only(own)
        self.condition: str = condition

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in the order of the axes."""
        return self._schema.names

    @property
    def states(self) -> Mapping[str, tuple[str, ...]]:
        """The states of every variable, in the order of its axis."""
        return MappingProxyType(self._schema.states)

    @property
    def mode(self) -> dict[str, str]:
        """The most probable configuration, the first of equally probable ones, by the names of its states."""
        codes = np.unravel_index(int(np.argmax(self.table)), self.table.shape)
        return {name: labels[code] for (name, labels), code in zip(self.states.items(), codes, strict=True)}

    @property
    def entropy(self) -> float:
        """- sum_x P(x) log P(x), in nats."""
        return entropy_of(self.table)

    def marginal(self, names: Sequence[str]) -> PosteriorTable:
        """The distribution of some of the variables, in the order asked for; the others are summed out.

        Raises UnknownNameError (a KeyError) for other names, ValueError for repeated ones.

        Examples
        --------
        >>> PosteriorTable({"a": ["x", "y"], "b": ["u", "v"]}, [[0.1, 0.2], [0.3, 0.4]]).marginal(["b"])
        P(b)
        u  0.4
        v  0.6
        """
        asked = in_order(names, "names")
        for name in asked:
            if name not in self.states:
                near = did_you_mean(str(name), self.names)
                raise UnknownNameError(f"no variable {name!r}; the table has {preview(self.names)}{near}")
        if not asked or len(set(asked)) < len(asked):
            raise ValueError(f"a marginal is of distinct variables, at least one, got {list(asked)}")
        kept = [name for name in self.names if name in asked]
        summed = self.table.sum(axis=tuple(i for i, name in enumerate(self.names) if name not in asked))
        table = summed.transpose([kept.index(name) for name in asked])
        return PosteriorTable({name: self.states[name] for name in asked}, table, self.condition)

    def __getitem__(self, states: Any) -> float:
        """The probability of one configuration: a state (label or code) of each variable, in order or by name."""
        if isinstance(states, Mapping):
            by_name = dict(states)
        else:
            own = states if isinstance(states, tuple) else (states,)
            if len(own) != len(self.names):
                raise ValueError(f"a state of each of {preview(self.names)} is needed, got {states!r:.60}")
            by_name = dict(zip(self.names, own, strict=True))
        codes = known_values(by_name, self._schema, "states").codes
        if len(codes) != len(self.names):
            missing = [name for name in self.names if name not in codes]
            raise ValueError(f"no state of {preview(missing)} is given: sum them out by marginal({list(codes)})")
        return float(self.table[tuple(codes[name] for name in self.names)])

    def to_pandas(self) -> Any:
        """A pandas Series of the probabilities, by the names of the states; a level of its index for each variable.

        Needs pandas.

        Examples
        --------
        >>> print(PosteriorTable({"a": ["x", "y"]}, [0.25, 0.75]).to_pandas().to_string())
        a
        x    0.25
        y    0.75
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(f"to_pandas needs pandas: {how_to_install('frames', 'pandas')}") from None
        if len(self.names) == 1:
            index = pd.Index(self.states[self.names[0]], name=self.names[0])
        else:
            index = pd.MultiIndex.from_product(self.states.values(), names=self.names)
        return pd.Series(self.table.ravel().copy(), index=index, name="probability")

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.table, dtype=dtype, copy=copy)

    def __reduce__(self) -> tuple[object, ...]:
        return PosteriorTable, (dict(self.states), self.table, self.condition)

    def __repr__(self) -> str:
        return self._listing().text

    def _repr_html_(self) -> str:
        return self._listing().html

    def _listing(self) -> Listing:
        """One variable from top to bottom; of several the last from left to right."""
        *rows, last = [[printable(own) for own in labels] for labels in self.states.values()]
        names = [printable(name) for name in self.names]
        head = f"P({', '.join(names)}{' | ' * bool(self.condition)}{self.condition})"
        if not rows:
            pairs = list(zip(last, self.table.tolist(), strict=True))
            return Listing(head, [], [(own, f"{p:.4g}") for own, p in pairs[:MAX_ROWS]], 1, len(pairs) - MAX_ROWS)
        more = ["..."] * (len(last) > MAX_COLUMNS)
        header = [*names[:-1], *(f"{names[-1]}={own}" for own in last[:MAX_COLUMNS]), *more]
        lines = self.table.reshape(-1, len(last))
        cells = []
        for i in range(min(len(lines), MAX_ROWS)):
            place = np.unravel_index(i, self.table.shape[:-1])
            labels = [own[code] for own, code in zip(rows, place, strict=True)]
            cells.append([*labels, *(f"{p:.4g}" for p in lines[i, :MAX_COLUMNS]), *more])
        return Listing(head, header, cells, len(rows), len(lines) - MAX_ROWS)


def entropy_of(table: Array) -> float:
    """- sum p log p in nats, 0 log 0 being 0."""
    positive = table[table > 0]
    return max(0.0, -float(positive @ np.log(positive)))
