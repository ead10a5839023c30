"""What a network is: names, parents, states, conditionals; its verbs are in ``queries.py`` and ``bayesnet.py``."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any, Self

from .conditionals.base import Conditional
from .conditionals.point_masses import point_masses
from .data.evidence import known_values
from .data.schema import Schema
from .data.variables import Discrete, Real, Variable, checked_states, in_order
from .errors import NotFittedError, UnknownNameError
from .graph import check_parents, topological_order
from .learning.protocol import ModelProtocol
from .runtime.text import did_you_mean, preview


class Network(ModelProtocol):
    """Variables, their parents, and their conditionals where these are known."""

    _guide: Mapping[str, Conditional] = MappingProxyType({})  # proposes values of latent real variables

    def __init__(self, conditionals: Mapping[str, Conditional]) -> None:
        if not isinstance(conditionals, Mapping):
            raise TypeError(f"a Bayes net is a mapping from names to conditionals, got {type(conditionals).__name__}")
        for name, conditional in conditionals.items():
            if not isinstance(conditional, Conditional):
                raise TypeError(
                    f"variable {name!r} needs a conditional, as CPT, Bernoulli or Normal, got {conditional!r}"
                )
        self._set_structure({name: own.parents for name, own in conditionals.items()})
        self._set_conditionals(dict(conditionals))
        self._declared: Mapping[str, Variable] = self._variables
        self._keeps_kinds = True
        self._made_of: Mapping[str, Conditional] = dict(conditionals)

    @classmethod
    def from_edges(
        cls,
        edges: Iterable[tuple[str, str]],
        nodes: Iterable[str] = (),
        states: Mapping[str, Sequence[object]] | None = None,
        real: Sequence[str] = (),
    ) -> Self:
        """A known structure whose conditionals, and states where not given, ``fit`` learns.

        Parameters
        ----------
        edges : (parent, child) pairs; a variable's parents keep the order in which they appear.
        nodes : names declared first, in this order; needed for variables without edges.
        states : names of the states, for some or all variables.
        real : variables that are real numbers whatever ``fit`` finds; without it, those with fractional floats are.

        Raises
        ------
        ValueError : a cycle, a repeated edge, repeated state names, or states of a real variable.
        KeyError : states of an unknown variable, or one that is said to be real.
        TypeError : sets, whose order changes from run to run, or states that are no mapping to lists.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet.from_edges([("rain", "wet")], states={"rain": ["no", "yes"]})
        >>> net.is_fitted, net.order
        (False, ('rain', 'wet'))
        """
        if isinstance(edges, set | frozenset):
            raise TypeError(f"edges must be a list of pairs, because their order counts, got the set {edges!r}")
        if states is not None and not isinstance(states, Mapping):
            raise TypeError(f"states must be a mapping from names to lists of state names, got {states!r}")
        parents: dict[str, dict[str, None]] = {}  # dicts as ordered sets
        for node in in_order(nodes, "nodes"):
            if node in parents:
                raise ValueError(f"variable names must be distinct, got {node!r} twice")
            parents[node] = {}
        for edge in edges:
            if not isinstance(edge, tuple | list) or len(edge) != 2:
                raise ValueError(f"an edge is a pair (parent, child), got {edge!r}")
            parent, child = edge
            parents.setdefault(parent, {})
            own = parents.setdefault(child, {})
            if parent in own:
                raise ValueError(f"edge {parent!r} -> {child!r} is given twice")
            own[parent] = None
        net = cls.__new__(cls)
        net._set_structure({name: tuple(own) for name, own in parents.items()})
        declared: dict[str, Variable] = {}
        for name in in_order(real, "real"):
            net._check_name(name)
            declared[name] = Real()
        for name, own_states in (states or {}).items():
            net._check_name(name)
            if name in declared:
                raise ValueError(f"variable {name!r} is real and has no states, got states={own_states!r:.100}")
            listed = in_order(own_states, f"the states of {name!r}")
            declared[name] = Discrete(checked_states(listed, len(listed)))
        net._set_states(declared)
        net._declared = declared
        net._keeps_kinds = False
        return net

    def _settings(self) -> dict[str, Any]:
        """What the constructor was given, or ``from_edges``."""
        if self._keeps_kinds:
            return {"conditionals": dict(self._made_of)}
        states = {name: own.states for name, own in self._declared.items() if isinstance(own, Discrete)}
        real = tuple(name for name in self._declared if name not in states)
        return {"edges": self.edges, "nodes": self.names, "states": states, "real": real}

    def _with_settings(self, settings: Mapping[str, Any]) -> Self:
        return type(self)(**settings) if self._keeps_kinds else type(self).from_edges(**settings)

    def __sklearn_clone__(self) -> Self:
        """What ``sklearn.base.clone`` gives: a network of the same structure, declared states and guide, and of the
        conditionals that the constructor was given; what ``fit`` learnt is not kept.

        Of torch modules and autoregressive models in it the copies have the weights of the moment.
        """
        settings, guide = copy.deepcopy((self._settings(), dict(self._guide)))
        net = self._with_settings(settings)
        net._guide = guide
        return net

    def _set_structure(self, parents: dict[str, tuple[str, ...]]) -> None:
        if not parents:
            raise ValueError("a Bayes net has at least one variable, got none")
        for name in parents:
            if not isinstance(name, str):
                raise TypeError(f"variable names are strings, got {name!r}")
        check_parents(parents)
        self._parents = parents
        self._order = topological_order(parents)
        self._variables: dict[str, Variable] = {}  # as far as they are known
        self._states: dict[str, tuple[str, ...]] = {}
        self._conditionals: Mapping[str, Conditional] = {}

    def _set_conditionals(self, conditionals: Mapping[str, Conditional]) -> None:
        """Swap all conditionals at once, after every one has been checked."""
        variables = {name: own.variable for name, own in conditionals.items()}
        bound = {
            name: own.bound(name, [variables[parent] for parent in own.parents]) for name, own in conditionals.items()
        }
        self._set_states(variables)
        self._conditionals = bound

    def _with_others(self, conditionals: Mapping[str, Conditional]) -> Mapping[str, Conditional]:
        """All conditionals, some replaced by others of the same variables and parents; they are checked."""
        if not conditionals:
            return self._conditionals
        found = dict(self._conditionals)
        for name, own in conditionals.items():
            found[name] = own.bound(name, [self._variables[parent] for parent in own.parents])
        return found

    def _set_states(self, variables: Mapping[str, Variable]) -> None:
        """Keep states in the order of the variables, whatever order they came in: it is that of the columns."""
        self._variables = {name: variables[name] for name in self._parents if name in variables}
        self._states = {name: own.states for name, own in self._variables.items() if isinstance(own, Discrete)}

    def do(self, values: Mapping[str, object]) -> Self:
        """The network under an intervention, which sets variables to values whatever their parents are (Pearl 2000):

            p(x | do(x_s = a)) = [x_s = a] prod over v not in s of P(x_v | parents of v)

        The variables that are set lose their parents and are point masses; all else stays, names, states and the order
        of the columns among them. Nothing is copied: conditionals and modules are shared.

        Parameters
        ----------
        values : a mapping from variables to values: codes or labels of discrete ones, numbers of real ones.

        Returns
        -------
        The mutilated network, of the same class. Its guide is that of this one, without the variables that are set.

        Raises
        ------
        KeyError : unknown names or labels. ValueError : codes out of range, several states, numbers that are not
            finite, a vector. NotFittedError : before ``fit``.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({
        ...     "rain": fd.Bernoulli(0.2),
        ...     "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"]),
        ... })
        >>> hosed = net.do({"wet": "wet"})
        >>> hosed.edges, hosed["wet"].table.tolist(), hosed["rain"].table.tolist()
        ((), [0.0, 1.0], [0.8, 0.2])
        """
        self._check_fitted()
        schema = Schema(self._variables)
        points = point_masses(known_values(values, schema, "do"), schema)
        net = type(self).__new__(type(self))
        net._set_structure({name: () if name in points else own for name, own in self._parents.items()})
        net._set_states(self._variables)
        net._conditionals = self._with_others(points)
        net._declared, net._keeps_kinds = self._declared, self._keeps_kinds
        net._made_of = net._conditionals
        net._guide = {name: own for name, own in self._guide.items() if name not in points}
        return net

    def _check_name(self, name: str) -> None:
        if isinstance(name, Iterable) and not isinstance(name, str):
            raise TypeError(f"a variable is asked for by its name, one string, got {name!r:.60}")
        if name not in self._parents:
            near = did_you_mean(str(name), self._parents)
            raise UnknownNameError(f"no variable {name!r}; the network has {preview(self._parents)}{near}")

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names in the order they were declared: the order of the columns."""
        return tuple(self._parents)

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Parents of every variable, in the order of its table's axes."""
        return MappingProxyType(self._parents)

    @property
    def variables(self) -> Mapping[str, Variable]:
        """What every variable is, as far as it is known: discrete, with its states, or real."""
        return MappingProxyType(self._variables)

    @property
    def states(self) -> Mapping[str, tuple[str, ...]]:
        """State names of every discrete variable; code k is the k-th name."""
        return MappingProxyType(self._states)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(parent, child) pairs, child by child."""
        return tuple((parent, child) for child, own in self._parents.items() for parent in own)

    @property
    def order(self) -> tuple[str, ...]:
        """Topological order: parents first, the earliest-declared ready variable first."""
        return self._order

    @property
    def is_fitted(self) -> bool:
        """Whether the parameters of all conditionals are known."""
        return bool(self._conditionals) and all(own.is_fitted for own in self._conditionals.values())

    @property
    def conditionals(self) -> Mapping[str, Conditional]:
        """The table of every variable. Raises NotFittedError before ``fit``."""
        self._check_fitted()
        return MappingProxyType(self._conditionals)

    @property
    def guide(self) -> Mapping[str, Conditional]:
        """The conditionals by which values of latent variables are proposed: those that ``fit`` or ``guided`` was
        given."""
        return MappingProxyType(dict(self._guide))

    @property
    def n_parameters(self) -> int:
        """Free parameters: the sum over variables, for tables of (k - 1) x parent configurations. What
        conditionals share, as weights of a torch module, counts once.

        Tables need not be known, only the states: NotFittedError where some are not.
        """
        if self._conditionals:
            shared = {key: size for own in self._conditionals.values() for key, size in own.shared_parameters.items()}
            own_alone = (own.n_parameters - sum(own.shared_parameters.values()) for own in self._conditionals.values())
            return sum(own_alone) + sum(shared.values())
        n_states = {name: len(states) for name, states in self._states.items()}
        unknown = [name for name in self._parents if name not in n_states]
        if unknown:
            raise NotFittedError(
                f"the states of {preview(unknown)} are not known yet: name them or call fit(data) first"
            )
        return sum(
            (n_states[name] - 1) * prod(n_states[parent] for parent in own) for name, own in self._parents.items()
        )

    def __getitem__(self, name: str) -> Any:  # of the kind that the variable has
        self._check_name(name)
        return self.conditionals[name]

    def __len__(self) -> int:
        return len(self._parents)

    def __contains__(self, name: object) -> bool:
        return name in self._parents

    def _check_fitted(self) -> None:
        if not self._conditionals:
            raise NotFittedError("this network has a structure but no tables yet: call fit(data) first")

    def _check_parameters(self) -> None:
        self._check_fitted()
        unknown = [name for name, own in self._conditionals.items() if not own.is_fitted]
        if unknown:
            raise NotFittedError(f"the parameters of {preview(unknown)} are not known yet: call fit(data) first")

    def __repr__(self) -> str:
        from .show.text import network_text

        return network_text(self)
