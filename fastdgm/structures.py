"""Ready-made structures: independence, full joint, Markov chain, naive Bayes, and what each of them costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .bayesnet import BayesNet
from .conditionals.gaussian import LinearGaussian
from .conditionals.multivariate import MultivariateNormal
from .conditionals.table import CPT, Categorical
from .data.variables import MAX_STATES, Real, in_order
from .errors import UnknownNameError
from .runtime.seeds import at_least_one
from .runtime.text import preview

MAX_FULL_JOINT = 4096  # variables, which have 8 million edges

# Names, or names with a number of states, a list of state names, or None for "learn them in fit".
Variables = Iterable[str] | Mapping[str, int | Iterable[object] | None]


def independent(variables: Variables) -> BayesNet:
    """All variables independent: p(x) = prod_v p(x_v).

    Of n binary variables it has n parameters.

    Parameters
    ----------
    variables : names, or a mapping from name to its number of states, its list of state names, or None.
        ``fit`` learns the tables, and the states where they are not given.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.independent({"coin": 2, "die": 6, "weather": ["dry", "wet"]}).n_parameters
    7
    """
    specs = _specs(variables)
    return BayesNet.from_edges([], specs, _known_states(specs))


def full_joint(variables: Variables) -> BayesNet:
    """No independence: p(x) = prod_v p(x_v | all earlier variables).

    Of n binary variables it has 2^n - 1 parameters. They are counted at any size; ``fit``, which needs the tables,
    refuses those that memory does not hold.

    Parameters
    ----------
    variables : as for :func:`independent`; the order is that of the chain rule.

    Raises
    ------
    ValueError : more than 4096 variables, whose graph alone would be large.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.full_joint({"a": 2, "b": 2, "c": 2})
    >>> net.edges, net.n_parameters
    ((('a', 'b'), ('a', 'c'), ('b', 'c')), 7)
    >>> fd.full_joint({f"pixel{i}": 2 for i in range(784)}).n_parameters == 2**784 - 1
    True
    """
    specs = _specs(variables)
    names = list(specs)
    if len(names) > MAX_FULL_JOINT:
        raise ValueError(
            f"a full joint has at most {MAX_FULL_JOINT} variables, each with all earlier ones as parents, "
            f"got {len(names)}"
        )
    edges = ((parent, child) for i, child in enumerate(names) for parent in names[:i])
    return BayesNet.from_edges(edges, names, _known_states(specs))


def markov_chain(
    variables: Variables, initial: npt.ArrayLike | None = None, transition: npt.ArrayLike | None = None
) -> BayesNet:
    """Each variable depends on the one before: p(x) = p(x_1) prod_t p(x_t | x_{t-1}).

    Of n binary variables it has 2n - 1 parameters.

    Parameters
    ----------
    variables : as for :func:`independent`, in the order of the chain.
    initial : ``(k,)`` probabilities of the first variable; with ``transition`` the tables are known.
    transition : ``(k, k)``, P(next = column | now = row), the same at every step.

    Raises
    ------
    ValueError : only one of the two given, a transition that is not (k, k), or states that disagree with k.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.markov_chain({f"x{t}": 2 for t in range(5)}).n_parameters
    9
    >>> chain = fd.markov_chain(["mon", "tue", "wed"], [0.5, 0.5], [[0.9, 0.1], [0.4, 0.6]])
    >>> chain["wed"].parents
    ('tue',)
    """
    specs = _specs(variables)
    states = _known_states(specs)
    if initial is None and transition is None:
        return BayesNet.from_edges(pairwise(specs), specs, states)
    if initial is None or transition is None:
        raise ValueError("a Markov chain with known tables needs both initial and transition, got only one of them")
    names = list(specs)
    first = CPT((), initial, states.get(names[0]))
    step = CPT(["now"], transition).table
    if step.shape != (first.n_states, first.n_states):
        raise ValueError(
            f"transition has shape (k, k), where initial has k states: expected shape {(first.n_states,) * 2}, "
            f"got {step.shape}"
        )
    tables = {names[0]: first}
    for before, name in pairwise(names):
        tables[name] = CPT([before], step, states.get(name))
    return BayesNet(tables)


def naive_bayes(
    target: str,
    features: Variables,
    *,
    target_states: int | Iterable[object] | None = None,
    real: Sequence[str] = (),
) -> BayesNet:
    """Features independent given the class: p(y, x) = p(y) prod_i p(x_i | y).

    Discrete features have tables, real ones are normal with a mean and a standard deviation for each class. With two
    classes and n binary features it has 2n + 1 parameters. ``predict`` and ``predict_proba`` give the class. Where a
    feature is real, the classes are declared and ``fit`` gets no column of them, they are hidden and learnt by EM.

    Parameters
    ----------
    target : name of the class variable, which comes first in ``names``.
    features : as for :func:`independent`.
    target_states : the number or the names of the classes; ``fit`` learns them where not given.
    real : features that are real numbers; ``fit`` finds those with fractional floats by itself.

    Raises
    ------
    ValueError : the class among the features, states of a real feature. KeyError : a real feature that is none, as the
        class is none.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.naive_bayes("spam", {"free": 2, "money": 2}, target_states=["no", "yes"])
    >>> net.edges, net.n_parameters
    ((('spam', 'free'), ('spam', 'money')), 5)
    >>> net = fd.naive_bayes("sex", ["height", "glasses"])
    >>> data = {"sex": ["f", "m", "f", "m"], "height": [1.62, 1.81, 1.66, 1.85], "glasses": [0, 1, 1, 0]}
    >>> net.fit(data).predict({"height": [1.7], "glasses": [1]}, "sex", labels=True).tolist()
    ['f']
    """
    own = _specs(features)
    if target in own:
        raise ValueError(f"the class variable is not one of its features, got {target!r} among {preview(own)}")
    if target in in_order(real, "real"):
        raise UnknownNameError(f"real features are some of {preview(own)}, got the class variable {target!r}")
    specs = {**_specs({target: target_states}), **own}
    return BayesNet.from_edges([(target, name) for name in own], specs, _known_states(specs), real)


def gaussian_mixture(n_components: int, n_vars: int, covariance: str = "full") -> BayesNet:
    """A mixture of normal vectors, to be learnt by EM: p(x) = sum_k p(z = k) Normal(x; m_k, S_k).

    Variables are the hidden component ``z`` and the vector ``x``. Arrays ``(n, n_vars)`` hold ``x`` alone: ``fit``
    learns from them, ``log_prob`` sums over z, ``predict_proba(x, "z")`` gives the components' shares of each row, and
    ``sample(n)["x"]`` draws such arrays. It has k - 1 + k (d + d (d + 1) / 2) parameters.

    Parameters
    ----------
    n_components : k, at least 1.
    n_vars : d, the length of x, at least 1.
    covariance : "full": each component has its own. Independent features are :func:`naive_bayes` with ``real=``.

    Raises
    ------
    ValueError : numbers below 1, or another covariance.

    Examples
    --------
    >>> import numpy as np
    >>> import fastdgm as fd
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (100, 2))])
    >>> mixture = fd.gaussian_mixture(2, 2).fit(x, seed=0)
    >>> sorted(mixture["z"].table.round(2).tolist()), mixture.log_prob(x).shape
    ([0.33, 0.67], (300,))
    """
    k, d = at_least_one(n_components, "n_components"), at_least_one(n_vars, "n_vars")
    if covariance != "full":
        raise ValueError(
            f'covariance must be "full", got {covariance!r}: features that are independent in each component are '
            "naive_bayes(..., real=[...])"
        )
    return BayesNet({"z": Categorical(np.full(k, 1.0 / k)), "x": MultivariateNormal.given(["z"], size=d)})


class ParameterCounts(NamedTuple):
    """Free parameters of a network and of its two extremes; exact integers, however large."""

    network: int
    independent: int
    full_joint: int


def parameter_counts(net: BayesNet) -> ParameterCounts:
    """What the network needs, and what independence or a full joint distribution would need.

    Independence takes sum_v (k_v - 1) parameters, the full joint prod_v k_v - 1. Real variables count as normal: d
    numbers of one have d + d (d + 1) / 2 parameters, and the full joint has, for each of the prod_v k_v configurations
    of discrete variables, as many for all real ones together.

    Raises
    ------
    NotFittedError : the states of a variable are not known yet. TypeError : a real variable that is not normal given
        its parents, or a discrete one with a real parent, because no table and no normal distribution is its joint.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.structures import parameter_counts
    >>> parameter_counts(fd.markov_chain({f"x{t}": 2 for t in range(10)}))
    ParameterCounts(network=19, independent=10, full_joint=1023)
    """
    own = net.n_parameters  # refused first where something is not known
    n_states = [len(states) for states in net.states.values()]
    sizes = _sizes(net) if len(n_states) < len(net) else []
    independent = sum(n_states) - len(n_states) + sum(map(_normal_parameters, sizes))
    n_configurations = prod(n_states)
    full_joint = n_configurations - 1 + n_configurations * _normal_parameters(sum(sizes))
    return ParameterCounts(own, independent, full_joint)


def _sizes(net: BayesNet) -> list[int]:
    """How many numbers each real variable is, in a network of conditionally normal ones."""
    for name, own in net.conditionals.items():
        if name not in net.states and not isinstance(own, LinearGaussian | MultivariateNormal):
            raise TypeError(
                f"parameter_counts compares with normal distributions, variable {name!r} has a {type(own).__name__}"
            )
        real = next((parent for parent in own.parents if name in net.states and parent not in net.states), None)
        if real is not None:
            raise TypeError(
                f"parameter_counts compares with a table of the discrete variables, {name!r} depends on {real!r}, "
                "which is real"
            )
    return [own.variable.size for own in net.conditionals.values() if isinstance(own.variable, Real)]


def _normal_parameters(size: int) -> int:
    """Of a normal vector: mean and covariance."""
    return size + size * (size + 1) // 2


def _specs(variables: Variables) -> dict[str, int | Iterable[object] | None]:
    """Names in order with what is known of their states; refuses anything but distinct names."""
    if isinstance(variables, str | set | frozenset) or not isinstance(variables, Iterable):
        raise TypeError(f"variables, in order, are a list of names or a mapping from names, got {variables!r}")
    items = variables.items() if isinstance(variables, Mapping) else ((name, None) for name in variables)
    specs: dict[str, int | Iterable[object] | None] = {}
    for name, spec in items:
        if not isinstance(name, str):
            raise TypeError(f"variable names are strings, got {name!r}")
        if name in specs:
            raise ValueError(f"variable names must be distinct, got {name!r} twice")
        specs[name] = spec
    if not specs:
        raise ValueError("a Bayes net has at least one variable, got none")
    return specs


def _known_states(specs: Mapping[str, int | Iterable[object] | None]) -> dict[str, Sequence[object]]:
    """State names of the variables that have them; a count k means the states "0" to "k - 1", shared by all of k."""
    numbered: dict[int, tuple[str, ...]] = {}
    states: dict[str, Sequence[object]] = {}
    for name, spec in specs.items():
        if isinstance(spec, int | np.integer) and not isinstance(spec, bool):
            if not 1 <= spec <= MAX_STATES:
                raise ValueError(f"variable {name!r} needs 1 to {MAX_STATES} states, got {spec}")
            if spec not in numbered:
                numbered[int(spec)] = tuple(map(str, range(spec)))
            states[name] = numbered[int(spec)]
        elif spec is not None:
            states[name] = _listed(name, spec)
    return states


def _listed(name: str, spec: object) -> Sequence[object]:
    if isinstance(spec, str | set | frozenset) or not isinstance(spec, Iterable):
        raise TypeError(f"the states of {name!r} are a number or a list of names in order, got {spec!r}")
    return list(spec)
