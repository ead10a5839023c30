"""Likelihood weighting: draws in which what is known stays as it is, and how much each of them counts.

Hidden variables are drawn parents first, each from its conditional. A draw x of row e has the weight

    w(x) = prod over observed v of P(x_v | parents of v)  x  prod over v of L_v(x_v)

so that its mean is p(e), and shares of weights are the posterior (Fung and Chang 1990; Shachter and Peot 1990).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.evidence_block import Evidence, likelihoods_of, missing_code
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..engines.base import Engine, Members
from ..engines.hybrid import Program, engine_of
from ..engines.keys import proposal_key
from ..runtime.arrays import read_only

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class Clamped(NamedTuple):
    """Rows in which some values are known."""

    values: Values  # anything where nothing is known
    known: Mapping[str, npt.NDArray[np.bool_]]  # (n,), of variables that are known in some row
    likelihoods: Mapping[str, Numbers]  # (n_states, n)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.values.codes.shape[1])


class Draws(NamedTuple):
    """Draws of rows, those of one row after the other."""

    values: Values  # n_rows * n_samples columns
    log_weights: Numbers  # (n_rows, n_samples), nats


class _Member(NamedTuple):
    name: str
    engine: Engine
    block: int  # 0 of codes, 1 of reals
    rows: slice  # of that block


class LikelihoodWeighting:
    """A network, one engine for each variable: any of them may be known in some rows and hidden in others."""

    def __init__(self, program: Program) -> None:
        self.schema: Schema = program.schema
        self._members = _members(program)

    def draw(self, rows: Clamped, first_row: int, n_samples: int, key: int) -> Draws:
        """``n_samples`` draws of each of some rows, the first of which has the number ``first_row``.

        Sample k of row r draws from the random words of row r * n_samples + k, whatever else is drawn with it.
        """
        values = Values(*(np.repeat(block, n_samples, axis=1) for block in rows.values))
        n, start, own_key = rows.n * n_samples, first_row * n_samples, proposal_key(key)
        log_weights = np.zeros(n)
        for member in self._members:
            known = rows.known.get(member.name)
            if known is None:
                member.engine.sample(0, n, own_key, start, values)
            else:
                mask = np.repeat(known, n_samples)
                self._draw_unknown(member, mask, values, own_key, start)
                log_weights += np.where(mask, _log_prob(member, values), 0.0)
            if member.name in rows.likelihoods:
                log_weights += _log_likelihood(
                    rows.likelihoods[member.name], values.codes[member.rows.start], n_samples
                )
        return Draws(values, log_weights.reshape(rows.n, n_samples))

    def _draw_unknown(self, member: _Member, known: Array, values: Values, key: int, start: int) -> None:
        if known.all():
            return
        block = values[member.block]
        kept = block[member.rows][:, known]
        member.engine.sample(0, len(known), key, start, values)
        block[member.rows, known] = kept


def _members(program: Program) -> list[_Member]:
    schema, conditionals = program.schema, program.conditionals
    found: list[_Member] = []
    word = 0
    for v in program.order:
        name = schema.names[v]
        engine = engine_of(conditionals[name])(Members(conditionals, [v]), word)
        word += engine.n_words
        variable, first = schema.variables[name], schema.rows[name]
        found.append(
            _Member(name, engine, 0 if isinstance(variable, Discrete) else 1, slice(first, first + variable.size))
        )
    return found


def _log_prob(member: _Member, values: Values) -> Numbers:
    n = values.codes.shape[1]
    out = np.empty(n)
    member.engine.log_prob(0, n, Part("columns", read_only(values.codes), 0, read_only(values.reals)), out)
    return out


def _log_likelihood(likelihoods: Numbers, codes: Array, n_samples: int) -> Numbers:
    with np.errstate(divide="ignore"):
        logs = np.log(likelihoods)
    found: Numbers = logs[codes, np.repeat(np.arange(logs.shape[1]), n_samples)]
    return found


def clamped(evidence: Evidence, schema: Schema) -> Clamped:
    """Rows of evidence of discrete variables."""
    observed = evidence.codes != missing_code(evidence.codes.dtype)
    codes = np.where(observed, evidence.codes, 0).astype(schema.code_dtype)
    known = {name: observed[row] for name, row in schema.rows.items() if observed[row].any()}
    n_states = [len(states) for states in schema.states.values()]
    likelihoods = {schema.names[v]: own for v, own in likelihoods_of(evidence, n_states).items()}
    return Clamped(Values(codes, np.empty((0, codes.shape[1]))), known, likelihoods)
