"""Which hidden real variables are sampled, in which order and from what, in rows with one pattern of missing values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from typing import NamedTuple

from ..conditionals.base import Conditional
from ..conditionals.deterministic import Deterministic
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.neural import Neural
from ..data.partial import Pattern
from ..data.schema import Schema
from ..data.variables import Real
from ..engines.base import Members
from ..engines.elimination.plan import MAX_CONFIGURATIONS, Scope
from ..engines.hybrid import engine_of
from ..engines.proposals import EngineProposal, Proposal
from ..graph import reached, topological_order
from ..runtime.text import preview
from .hidden_reals import closed_form, components
from .hidden_sums import connected_to, kept_variables
from .joint import Joint
from .joint_normal import rows_of
from .parts import without_missing_cells

Guide = Mapping[str, Conditional]


class Proposed(NamedTuple):
    """What is sampled, and what is scored then."""

    sources: Mapping[str, Conditional]  # by variable, in the order in which they are drawn: the guide's, or the net's
    guided: frozenset[str]  # those by the guide
    selectors: Scope  # hidden discrete variables that these read: drawn from anew in each of their configurations
    families: frozenset[str]  # variables whose factors count; those that are drawn from cancel out

    @property
    def is_exact(self) -> bool:
        """Whether nothing has to be sampled."""
        return not self.sources


def proposed(network: Joint, guide: Guide, pattern: Pattern, target: str | None = None) -> Proposed:
    """Hidden real variables without a closed form, from the guide where it has them, else from the network.

    Raises ValueError, naming the variables, where a guide reads what is missing, a vector is known in part, or sampled
    values would have to hit a point.
    """
    everything = pattern
    at_first = kept_variables(network.parents, network.schema, pattern, target)
    pattern, _ = without_missing_cells(network, pattern, at_first)
    kept, sampled = _sampled(network, guide, pattern, target, at_first)
    sources = {name: guide.get(name, network.conditionals[name]) for name in network.order if name in sampled}
    guided = frozenset(name for name in sources if name in guide)
    families = frozenset(kept) - (sources.keys() - guided)
    selectors = _selectors(sources, pattern, network.schema)
    _check_sources(sources, guided, everything, network.schema)
    _check_points(families, sources, network.conditionals)
    return Proposed({name: sources[name] for name in _order(sources)}, guided, selectors, families)


def _sampled(
    network: Joint, guide: Guide, pattern: Pattern, target: str | None, at_first: Collection[str]
) -> tuple[set[str], set[str]]:
    """The variables whose factors bear on the answer, and those of them that are sampled.

    They are those that do ``at_first``; what the guides of these read, and is hidden and discrete, is summed out with
    them.
    """
    kept = set(at_first)
    while True:
        sampled = {
            name
            for families in components(kept, pattern.reals, network.conditionals, network.order)
            if closed_form(families, network.conditionals) is None
            for name in families.hidden
        }
        guides = [guide[name] for name in sampled if name in guide]
        read = pattern.discrete.intersection(parent for own in guides for parent in own.parents)
        if read <= kept:
            break
        kept |= reached(read, network.parents)
    if target is None:
        return kept, sampled
    read_by_guides = {name: guide[name].parents for name in sampled if name in guide}
    bearing = connected_to(target, kept, network, pattern, read_by_guides)
    return bearing, sampled & bearing


def _missing(name: str, pattern: Pattern, schema: Schema) -> bool:
    """Whether some number of a real variable is, or some but not all cells of a discrete vector."""
    rows = range(schema.rows[name], schema.rows[name] + schema.variables[name].size)
    return not (pattern.reals if name in schema.sizes else pattern.cells).isdisjoint(rows)


def _selectors(sources: Mapping[str, Conditional], pattern: Pattern, schema: Schema) -> Scope:
    read = {parent for own in sources.values() for parent in own.parents}
    selectors = tuple(name for name in schema.states if name in read and name in pattern.discrete)
    vectors = [name for name in selectors if schema.variables[name].event_shape]
    if vectors:
        raise ValueError(
            f"cannot be summed out: values of {preview(vectors)} are missing, vectors of discrete variables, and "
            f"{preview(list(sources))} are sampled given them"
        )
    if prod(len(schema.states[name]) for name in selectors) > MAX_CONFIGURATIONS:
        raise ValueError(
            f"cannot be summed out: {preview(list(sources))} are sampled in each configuration of "
            f"{preview(selectors)}, of which there are more than {MAX_CONFIGURATIONS}"
        )
    return selectors


def _check_sources(
    sources: Mapping[str, Conditional], guided: Collection[str], pattern: Pattern, schema: Schema
) -> None:
    for name, own in sources.items():
        if not pattern.reals.issuperset(rows_of(name, schema)):
            raise ValueError(
                f"values of {name!r} are known in part, and what is missing has no closed form and cannot be sampled "
                "given them: give all of its numbers, or none"
            )
        others = [parent for parent in own.parents if parent not in sources]
        unknown = [parent for parent in others if _missing(parent, pattern, schema)]
        if name in guided and unknown:
            raise ValueError(f"the guide of {name!r} reads {unknown[0]!r}, which lacks values and is not sampled")


def _check_points(families: Collection[str], sampled: Collection[str], conditionals: Mapping[str, Conditional]) -> None:
    """Densities that are zero but in a point, which no sample hits."""
    for name in families:
        own = conditionals[name]
        is_point = isinstance(own, Deterministic) and isinstance(own.variable, Real)
        is_point |= isinstance(own, LinearGaussian) and own.std is not None and bool((own.std == 0).any())
        hit = [other for other in (name, *own.parents) if other in sampled]
        if is_point and hit:
            raise ValueError(
                f"{name!r} is a function of its parents (a std of 0): samples of {preview(hit)} have probability 0 of "
                "agreeing with it, so nothing can be estimated by sampling them"
            )


def _order(sources: Mapping[str, Conditional]) -> tuple[str, ...]:
    parents = {name: [other for other in own.parents if other in sources] for name, own in sources.items()}
    try:
        return topological_order(parents)
    except ValueError as error:
        raise ValueError(f"sampled variables are proposed one after the other, each from others: {error}") from None


def proposals(network: Joint, own: Proposed) -> list[Proposal]:
    """What draws the sampled variables, in order, each from words of its own."""
    found: list[Proposal] = []
    word = 0
    for name, source in own.sources.items():
        conditionals = {**network.conditionals, name: source}
        if isinstance(source, Neural) and source.family == "normal":
            from ..engines.torch.proposals import NeuralProposal

            varies = not own.sources.keys().isdisjoint(source.parents)
            found.append(NeuralProposal(name, conditionals, word, varies=varies, is_scored=name in own.guided))
            word += source.variable.size
        else:
            engine = engine_of(source)(Members(conditionals, [list(conditionals).index(name)]), word)
            found.append(EngineProposal(engine, name in own.guided))
            word += engine.n_words
    return found
