"""A network while it is read: every check that all formats share, each with the place in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT, RowSumError, check_axes
from ..data.variables import MAX_STATES
from ..errors import FormatError
from ..runtime.text import preview
from .row_sums import RowSums, warn_once
from .text import Array, Source

MAX_VARIABLES = 100_000  # each takes some kilobytes: a few bytes of a file must not cost many
MAX_STATES_OF_A_FILE = 1 << 22
MAX_NAMES = 256  # of the family of one table: more than it can have, so that the error can count
MAX_CELLS = 1 << 28  # more numbers than a file of the permitted size can hold
MAX_FILLED_CELLS = 1 << 24  # entries per file that no number stands behind, such as those of BIF's default rows
Positions = npt.NDArray[np.int64]


class Family(NamedTuple):
    """A variable, its parents in the order of the table's axes, and the table's size."""

    child: str
    parents: tuple[str, ...]
    shape: tuple[int, ...]
    n_rows: int
    position: int | None

    @property
    def n_states(self) -> int:
        """Number of states of the child."""
        return self.shape[-1]

    @property
    def n_entries(self) -> int:
        """Of the table."""
        return self.n_rows * self.n_states


class GaussianFamily(NamedTuple):
    """A real variable and its parents: one linear regression for each configuration of the discrete ones."""

    child: str
    parents: tuple[str, ...]
    discrete_parents: tuple[str, ...]
    real_parents: tuple[str, ...]
    shape: tuple[int, ...]  # numbers of states of the discrete parents
    n_rows: int
    position: int | None

    @property
    def n_entries(self) -> int:
        """Intercepts, coefficients and variances."""
        return self.n_rows * (len(self.real_parents) + 2)


class Draft:
    """Variables and conditionals in the order a reader finds them; ``network()`` turns them into a BayesNet.

    Positions are those in the text; None where a format does not know them.
    """

    def __init__(self, source: Source, tolerance: float | None = None) -> None:
        self.source = source
        self.states: dict[str, tuple[str, ...]] = {}
        self._positions: dict[str, int | None] = {}  # of all variables
        self._conditionals: dict[str, Conditional] = {}
        self._families: set[str] = set()  # a table is announced before it is known
        self._begun: dict[str, int] = {}
        self._n_states = self._n_filled = 0
        self._row_sums = RowSums(tolerance)
        self.notes: list[str] = []  # for the one warning about the file

    def begin_network(self, what: str, position: int) -> None:
        """The beginning of the network in a file that has room for one: a second one is not merged into it."""
        if what in self._begun:
            first = self.source.line(self._begun[what])
            raise self.source.error(
                f"a file holds one network, got a second {what}, the first in line {first}", position
            )
        self._begun[what] = position

    def check_count(self, what: str, count: int, position: int | None) -> None:
        """Refuse more variables, or more tables, than a file may have, before they take memory."""
        if count > MAX_VARIABLES:
            raise self.source.error(f"a file has at most {MAX_VARIABLES} {what}, got more", position)

    def add_variable(self, name: str, states: Sequence[str], position: int | None) -> None:
        """Declare a discrete variable: a new name, with distinct states."""
        self._check_new(name, position)
        if not 1 <= len(states) <= MAX_STATES:
            raise self.source.error(f"a variable has 1 to {MAX_STATES} states, {name!r} has {len(states)}", position)
        if len(set(states)) < len(states):
            twice = _first_duplicate(states)
            raise self.source.error(f"state names must be distinct, {name!r} has {twice!r} twice", position)
        self._n_states += len(states)
        if self._n_states > MAX_STATES_OF_A_FILE:
            message = f"a file has at most {MAX_STATES_OF_A_FILE} states of all variables, {name!r} exceeds it"
            raise self.source.error(message, position)
        self.states[name] = tuple(states)
        self._positions[name] = position

    def add_real(self, name: str, position: int | None) -> None:
        """Declare a real variable: a new name."""
        self._check_new(name, position)
        self._positions[name] = position

    def _check_new(self, name: str, position: int | None) -> None:
        self.check_count("variables", len(self._positions) + 1, position)
        if not name:
            raise self.source.error("a variable has a name, got an empty one", position)
        if name in self._positions:
            raise self.source.error(f"variable names must be distinct, got {name!r} twice", position)

    def is_real(self, name: str) -> bool:
        """Whether a variable was declared as a real one."""
        return name in self._positions and name not in self.states

    def family(self, child: str, parents: Sequence[str], position: int | None) -> Family:
        """The family whose table comes next; its size is known before anything is allocated."""
        self._begin_family(child, parents, position)
        for name in (child, *parents):
            if name not in self.states:
                message = f"a table is over discrete variables, that of {child!r} names {name!r}, which is continuous"
                raise self.source.error(message, position)
        shape = tuple(len(self.states[name]) for name in (*parents, child))
        n_cells = self._n_cells(child, shape, position)
        try:
            check_axes(len(parents))
        except ValueError as error:
            raise self.source.error(f"table of {child!r}: {error}", position) from None
        return Family(child, tuple(parents), shape, n_cells // shape[-1], position)

    def gaussian_family(self, child: str, parents: Sequence[str], position: int | None) -> GaussianFamily:
        """The family of a real variable whose regressions come next; their size is known before they are made."""
        self._begin_family(child, parents, position)
        discrete = tuple(name for name in parents if name in self.states)
        real = tuple(name for name in parents if name not in self.states)
        shape = tuple(len(self.states[name]) for name in discrete)
        n_numbers = len(real) + 2  # and intercept and variance
        n_rows = self._n_cells(child, (*shape, n_numbers), position) // n_numbers
        try:
            check_axes(len(discrete))
        except ValueError as error:
            raise self.source.error(f"regressions of {child!r}: {error}", position) from None
        return GaussianFamily(child, tuple(parents), discrete, real, shape, n_rows, position)

    def _begin_family(self, child: str, parents: Sequence[str], position: int | None) -> None:
        for name in (child, *parents):
            if name not in self._positions:
                raise self.source.error(
                    f"the table of {child!r} names {name!r}, which is not declared; "
                    f"the {len(self._positions)} variables are {preview(self._positions)}",
                    position,
                )
        if child in self._families:
            raise self.source.error(f"a variable has one table, {child!r} has a second", position)
        self._families.add(child)
        if child in parents:
            raise self.source.error(f"a Bayes net has no cycle, got {child!r} -> {child!r}", position)
        if len(set(parents)) < len(parents):
            twice = _first_duplicate(parents)
            raise self.source.error(f"parents must be distinct, {child!r} has {twice!r} twice", position)

    def _n_cells(self, child: str, shape: Sequence[int], position: int | None) -> int:
        n_cells = 1
        for k in shape:
            n_cells *= k
            if n_cells > MAX_CELLS:
                raise self.source.error(
                    f"a table has at most {MAX_CELLS} entries, that of {child!r} would have more", position
                )
        return n_cells

    def add_gaussian(self, family: GaussianFamily, intercept: Array, coefficients: Array, std: Array) -> None:
        """Accept regressions, one for each configuration of the discrete parents, the last of which changes fastest.

        Arrays ``(n_rows,)``, ``(n_rows, n_real_parents)`` and ``(n_rows,)``.
        """
        columns = (*family.shape, len(family.real_parents))
        try:
            self._conditionals[family.child] = LinearGaussian(
                family.parents,
                intercept.reshape(family.shape),
                coefficients.reshape(columns),
                std.reshape(family.shape),
            )
        except ValueError as error:
            raise self.source.error(f"regressions of {family.child!r}: {error}", family.position) from None

    def add_table(
        self, family: Family, values: Array, row_positions: Positions | None = None, weights: bool = False
    ) -> None:
        """Accept a table given as a flat array: the child changes fastest, then the last parent.

        ``row_positions`` says where each row stands in the file, for the error message; ``weights`` that the format
        has tables of counts and the like, which mean distributions.
        """
        self.check_length(family, values)
        table = values.reshape(family.shape)
        with np.errstate(over="ignore", invalid="ignore"):  # sums of absurd numbers are reported as such below
            try:
                self._row_sums.divide(family.child, table, weights)
                cpt = CPT(family.parents, table, self.states[family.child])
            except RowSumError as error:
                can_be_divided = 0.0 < float(table[error.row].sum()) < np.inf
                raise self._row_error(family, error, row_positions, can_be_divided) from None
            except ValueError as error:
                raise self.source.error(f"table of {family.child!r}: {error}", family.position) from None
        self._conditionals[family.child] = cpt

    def check_length(self, family: Family, values: Array) -> None:
        """Refuse more or fewer numbers than the table has entries."""
        n_cells = family.n_entries
        if len(values) != n_cells:
            raise self.source.error(
                f"the table of {family.child!r} needs {n_cells} numbers "
                f"({' x '.join(map(str, family.shape))}), got {len(values)}",
                family.position,
            )

    def add_uniform(self, family: Family) -> None:
        """Accept a table that the file leaves out, where its format says that all states are equally likely then."""
        self.check_filled("tables without data", family, family.position)
        self.add_table(family, np.full(family.n_entries, 1.0 / family.n_states))
        self._row_sums.note_uniform(family.child)

    def check_filled(self, what: str, family: Family | GaussianFamily, position: int | None) -> None:
        """Refuse more entries than a file may have that no number of it stands behind, before they take memory."""
        self._n_filled += family.n_entries
        if self._n_filled > MAX_FILLED_CELLS:
            raise self.source.error(
                f"{what} fill at most {MAX_FILLED_CELLS} entries of a file; those of {family.child!r} would exceed it",
                position,
            )

    @property
    def tolerance(self) -> float:
        """How far a row may be off from summing to 1."""
        return self._row_sums.tolerance

    def _row_error(
        self, family: Family, error: RowSumError, row_positions: Positions | None, can_be_divided: bool
    ) -> FormatError:
        row = int(np.ravel_multi_index(error.row, family.shape[:-1])) if error.row else 0
        position = family.position if row_positions is None else int(row_positions[row])
        at = f", row {self.row_name(family, row)}" if family.parents else ""
        hint = f"; fastdgm.read(path, tolerance=...) accepts rows further off than {self.tolerance:g}"
        hint = hint if can_be_divided and "sums to 1" in str(error) else ""
        return self.source.error(f"table of {family.child!r}{at}: {error}{hint}", position)

    def row_name(self, family: Family, row: int) -> str:
        """The parent states of a row, for a message: ``(rain = yes, sprinkler = off)``."""
        named = []
        for parent in reversed(family.parents):
            row, code = divmod(row, len(self.states[parent]))
            named.append(f"{parent} = {self.states[parent][code]}")
        return f"({', '.join(reversed(named))})"

    def network(self) -> BayesNet:
        """The network, if every variable has its conditional. Warns once about all that had to be changed in it."""
        if not self._positions:
            raise self.source.error("a Bayes net has at least one variable, got none")
        for name, position in self._positions.items():
            if name not in self._conditionals:
                missing = "table" if name in self.states else "distribution"
                raise self.source.error(f"variable {name!r} has no {missing}", position)
        try:
            net = BayesNet({name: self._conditionals[name] for name in self._positions})
        except ValueError as error:
            raise self.source.error(str(error)) from None
        warn_once(self.source.name, self._row_sums.notes() + self.notes, stacklevel=5)  # the caller of fastdgm.read
        return net


def _first_duplicate(names: Sequence[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("called only where a name occurs twice")
