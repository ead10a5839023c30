"""What the graph alone says: which variables are above and below others, and which are independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .data.variables import in_order
from .graph import children_of, d_connected, markov_blanket, reached
from .network import Network
from .runtime.text import preview

Names = str | Sequence[str]


class StructureQuestions(Network):
    """A network whose graph answers; no conditionals are needed."""

    def ancestors(self, name: str) -> tuple[str, ...]:
        """All variables from which a directed path leads to this one, without itself, in the order of ``names``.

        Raises UnknownNameError (a KeyError) where there is no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.example("asia").ancestors("either")
        ('asia', 'tub', 'smoke', 'lung')
        """
        self._check_name(name)
        return self._in_declared_order(reached([name], self._parents) - {name})

    def descendants(self, name: str) -> tuple[str, ...]:
        """All variables to which a directed path leads from this one, without itself, in the order of ``names``.

        Raises UnknownNameError (a KeyError) where there is no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.example("asia").descendants("lung")
        ('either', 'xray', 'dysp')
        """
        self._check_name(name)
        return self._in_declared_order(reached([name], children_of(self._parents)) - {name})

    def markov_blanket(self, name: str) -> tuple[str, ...]:
        """The variables that shield this one from all others: its parents, its children and their other parents.

        P(x_v | all others) = P(x_v | its blanket). In the order of ``names``. Raises UnknownNameError (a KeyError)
        where there is no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.example("asia").markov_blanket("lung")
        ('tub', 'smoke', 'either')
        """
        self._check_name(name)
        return self._in_declared_order(markov_blanket(name, self._parents))

    def is_d_separated(self, x: Names, y: Names, given: Names = ()) -> bool:
        """Whether the graph alone makes x and y independent, given some variables: p(x, y | given) = p(x | given)
        p(y | given).

        By reachability along active trails (Koller and Friedman 2009, algorithm 3.1), in time linear in the number of
        edges. False does not mean dependent: tables may happen to make variables independent, and so do functions of
        their parents (``Deterministic``, zeros of tables), which the graph does not show.

        Parameters
        ----------
        x, y, given : a name, or several.

        Raises
        ------
        ValueError : no x or y, or a variable in two of them. KeyError : no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.example("asia")
        >>> net.is_d_separated("asia", "smoke"), net.is_d_separated("asia", "smoke", given=["xray"])
        (True, False)
        """
        own = {"x": self._asked(x, "x"), "y": self._asked(y, "y"), "given": self._asked(given, "given")}
        check_apart(own)
        return d_connected(own["x"], own["given"], self._parents).isdisjoint(own["y"])

    def _asked(self, names: Names, what: str) -> tuple[str, ...]:
        """One name or several, each known and once."""
        if isinstance(names, Mapping):
            raise TypeError(f"{what} is variables without values here, got {names!r:.60}")
        asked = (names,) if isinstance(names, str) else in_order(names, what)
        for name in asked:
            self._check_name(name)
        if len(set(asked)) < len(asked):
            raise ValueError(f"{what} are distinct variables, got {preview(asked)}")
        return asked

    def _in_declared_order(self, names: Iterable[str]) -> tuple[str, ...]:
        own = set(names)
        return tuple(name for name in self._parents if name in own)


def check_apart(groups: dict[str, tuple[str, ...]]) -> None:
    """ValueError where x or y is empty, or a variable is in two of the groups."""
    owner: dict[str, str] = {}
    for what, names in groups.items():
        if not names and what != "given":
            raise ValueError(f"{what} is at least one variable, got none")
        for name in names:
            if name in owner:
                raise ValueError(f"x, y and given have no variable in common, {name!r} is in {owner[name]} and {what}")
            owner[name] = what
