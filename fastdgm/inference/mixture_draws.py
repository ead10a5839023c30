"""Draws under known values beside hidden discrete variables: a mixture of normal vectors, drawn exactly.

Each row draws the states c of all hidden discrete variables from P(c | known), a table, and then the hidden real
numbers from the normal vector that they are given c.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence import Known
from ..data.schema import Schema, Values
from ..engines.keys import proposal_key
from ..engines.multivariate.direct import GivenDraws
from ..errors import ImpossibleEvidenceError
from ..runtime.text import preview
from .joint import MOST_COMPLETIONS, Joint
from .joint_normal import is_linear
from .joint_tables import joint_table_beside_reals
from .latent import Inference
from .posteriors import Answer, answer_of, known_rows, point_masses_of
from .weighted import uniform_numbers

Array = npt.NDArray[Any]

WAY_OUT = 'method="weighted" draws rows approximately'


class MixtureDraws:
    """p(x | known) of a network whose hidden real variables are linear Gaussians and normal vectors.

    Raises ValueError where it is no such mixture, naming why, ImpossibleEvidenceError where nothing explains what is
    known.
    """

    def __init__(self, inference: Inference, known: Known, dtype: np.dtype[Any]) -> None:
        self._network, self._known, self._dtype = inference.network, known, dtype
        schema = self._network.schema
        self._unknown = [name for name in schema.states if name not in known.names]
        self._hidden = [name for name in self._network.order if name not in known.names and name in schema.sizes]
        self._sizes = [len(schema.states[name]) for name in self._unknown]
        _check_kinds(self._network, self._unknown, self._hidden)
        if prod(self._sizes) > MOST_COMPLETIONS:
            raise ValueError(
                f"values of {preview(self._unknown)} have {prod(self._sizes):,} configurations, at most "
                f"{MOST_COMPLETIONS:,} are drawn from beside real variables; {WAY_OUT}"
            )
        try:
            table = joint_table_beside_reals(inference, self._unknown, _as_given(known, schema))
        except ImpossibleEvidenceError:
            raise
        except ValueError as error:
            raise ValueError(f"{error}; {WAY_OUT}") from None
        self._totals = np.cumsum(table.ravel())
        self._last = int(np.flatnonzero(table.ravel()).max())
        self._answers: dict[int, Answer] = {}

    def draw(self, n: int, key: int, start: int) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key: known values as they are."""
        values = known_rows(self._network.schema, n, self._dtype, self._known)
        uniforms = uniform_numbers(n, proposal_key(key), start) * self._totals[-1]
        picked = np.minimum(np.searchsorted(self._totals, uniforms, side="right"), self._last)
        schema = self._network.schema
        for name, codes in zip(self._unknown, np.unravel_index(picked, self._sizes), strict=True):
            values.codes[schema.rows[name]] = codes
        if self._hidden:
            size = sum(schema.sizes[name] for name in self._hidden)
            noise = np.empty((size, n))
            GivenDraws(np.zeros(size), np.eye(size), key, np.dtype(np.float64)).fill(0, n, start, noise)
            for number in np.unique(picked):
                self._draw_reals(int(number), np.flatnonzero(picked == number), noise, values)
        return values

    def _draw_reals(self, number: int, place: Array, noise: Array, values: Values) -> None:
        """Those of the rows with one configuration: mean + factor @ noise, added up in the same order for any rows."""
        known = self._with_states(number)
        answer = self._answers.get(number)
        if answer is None:
            answer = self._answers[number] = answer_of(self._network, self._hidden, known)
        for i, row in enumerate(answer.rows):
            total = np.full(len(place), answer.mean[i])
            for j in range(i + 1):
                total += answer.factor[i, j] * noise[j, place]
            values.reals[row, place] = total
        points = point_masses_of(self._network, self._hidden, known)
        if points is not None:
            own = Values(values.codes[:, place], values.reals[:, place])
            points.sample(0, len(place), 0, 0, own)
            values.reals[:, place] = own.reals

    def _with_states(self, number: int) -> Known:
        states = zip(self._unknown, np.unravel_index(number, self._sizes), strict=True)
        codes = {**self._known.codes, **{name: int(code) for name, code in states}}
        return self._known._replace(codes=codes, names=self._known.names.union(self._unknown))


def _check_kinds(network: Joint, unknown: list[str], hidden: list[str]) -> None:
    vectors = [name for name in unknown if network.schema.variables[name].event_shape]
    odd = vectors + [name for name in hidden if not is_linear(network.conditionals[name])]
    if odd:
        kind = type(network.conditionals[odd[0]]).__name__
        raise ValueError(
            f"cannot be drawn exactly: {odd[0]!r} has no value, and its {kind} is neither a discrete variable's nor a "
            f"linear Gaussian; {WAY_OUT}"
        )


def _as_given(known: Known, schema: Schema) -> Mapping[str, Any]:
    """Known values as they are given: labels, numbers, arrays of those."""
    found: dict[str, Any] = {name: schema.states[name][code] for name, code in known.codes.items()}
    for name in known.names - known.codes.keys():
        first, variable = schema.rows[name], schema.variables[name]
        if name in schema.sizes:
            numbers = np.array([known.reals[first + i] for i in range(variable.size)])
            found[name] = numbers.reshape(variable.event_shape) if variable.event_shape else float(numbers[0])
        else:
            own = schema.states[name]
            found[name] = [own[known.cells[first + i]] for i in range(variable.size)]
    return found
