"""Marginals of discrete variables for a picture: how they read, and as bars, with and without evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.text import printable

MAX_BARS = 8  # of a variable; the least probable of the other states are one bar together
MAX_STATE, MAX_KNOWN = 14, 100  # characters of a state's name beside its bar, and of what is known over the picture
TEXT_BAR = 20  # characters of a bar of probability 1
ROUNDING = 1e-14  # of sums of probabilities
EIGHTHS = " ▏▎▍▌▋▊▉"

Floats = npt.NDArray[np.float64]


class Marginals(NamedTuple):
    """Probabilities of the states of discrete variables.

    Examples
    --------
    >>> Marginals({"rain": [0.8, 0.2]}, {"rain": [0.4, 0.6]}, {"wet": "yes"}, "probability 0.29").caption("outlined")
    'given wet = yes (probability 0.29); outlined: the prior'
    """

    prior: Mapping[str, Sequence[float]]
    posterior: Mapping[str, Sequence[float]]  # the prior where nothing is known
    known: Mapping[str, str] = MappingProxyType({})  # what is known of each variable, as it reads
    how_likely: str = ""  # all that is known

    def caption(self, how: str) -> str:
        """What the bars are, and how the prior is shown beside them."""
        if not self.known:
            return "the prior: nothing is given"
        facts = ", ".join(f"{printable(name)} = {printable(value, MAX_KNOWN)}" for name, value in self.known.items())
        return f"given {printable(facts, MAX_KNOWN)} ({self.how_likely}); {how}: the prior"


class Bar(NamedTuple):
    """A state, or all those without a bar of their own."""

    label: str
    probability: float
    prior: float | None  # None where nothing is known


class Panel(NamedTuple):
    """The bars of a variable, and whether it is one of those that are known."""

    bars: tuple[Bar, ...]
    is_known: bool


def panels(states: Mapping[str, Sequence[str]], marginals: Marginals) -> dict[str, Panel]:
    """Bars of all variables that have marginals."""
    return {name: _panel(states[name], name, marginals) for name in marginals.posterior}


def _panel(states: Sequence[str], name: str, marginals: Marginals) -> Panel:
    posterior = np.asarray(marginals.posterior[name], np.float64)
    prior = np.asarray(marginals.prior[name], np.float64) if marginals.known else None
    shown = _shown(posterior, prior)
    bars = [
        Bar(printable(states[k], MAX_STATE), float(posterior[k]), None if prior is None else float(prior[k]))
        for k in shown
    ]
    if rest := len(states) - len(shown):
        others = np.delete(np.arange(len(states)), shown)
        before = None if prior is None else float(prior[others].sum())
        bars.append(Bar(f"{rest} more", float(posterior[others].sum()), before))
    return Panel(tuple(bars), name in marginals.known)


def _shown(posterior: Floats, prior: Floats | None) -> list[int]:
    """The states that have bars of their own: the most probable, before or after, in their own order."""
    if len(posterior) <= MAX_BARS:
        return list(range(len(posterior)))
    largest = posterior if prior is None else np.maximum(posterior, prior)
    return sorted(np.argsort(-largest, kind="stable")[: MAX_BARS - 1].tolist())


def percent(probability: float) -> str:
    """A probability to a tenth of a percent; what is nearly 0 or 1 does not read as if it were.

    Examples
    --------
    >>> [percent(p) for p in (0.0, 1e-9, 0.5, 1 - 1e-9, 1.0)]
    ['0 %', '<0.1 %', '50.0 %', '>99.9 %', '100 %']
    """
    if probability == 0.0:
        return "0 %"
    if probability > 1.0 - ROUNDING:
        return "100 %"
    if probability < 0.0005:
        return "<0.1 %"
    if probability >= 0.9995:
        return ">99.9 %"
    return f"{100 * probability:.1f} %"


def title_lines(states: Sequence[str], name: str, marginals: Marginals, most: int) -> list[str]:
    """The probabilities of a variable's first states in figures, as they show up over its box."""
    if name not in marginals.posterior:
        return []
    posterior, prior = marginals.posterior[name], marginals.prior[name]
    without = [f" (prior {p:.6g})" if marginals.known else "" for p in prior[:most]]
    more = [f"... {len(states) - most} more"] if len(states) > most else []
    own = zip(states, posterior, without, strict=False)
    return [*(f"{printable(state)} {p:.6g}{before}" for state, p, before in own), *more]


def marginals_text(names: Sequence[str], own: Mapping[str, Panel]) -> Iterator[str]:
    """Bars of all variables as aligned lines of text, a star at those that are known, the prior in brackets."""
    labels = {name: printable(name) + (" *" if own[name].is_known else "") for name in names if name in own}
    if not labels:
        return
    name_width = max(map(len, labels.values()))
    state_width = max(len(bar.label) for panel in own.values() for bar in panel.bars)
    for name, label in labels.items():
        for place, bar in enumerate(own[name].bars):
            before = "" if bar.prior is None else f"  ({percent(bar.prior)})"
            start = f"{label if place == 0 else '':<{name_width}}  {bar.label:<{state_width}}"
            yield f"{start}  {_text_bar(bar.probability):<{TEXT_BAR}} {percent(bar.probability):>8}{before}"


def _text_bar(probability: float) -> str:
    eighths = round(8 * TEXT_BAR * probability)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
