"""A network of tables given one row of evidence: a network of other tables, from which rows are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.table import CPT
from ..data.evidence_block import Evidence, likelihoods_of, missing_code
from ..data.schema import Schema, Values
from ..engines.hybrid import Program
from ..engines.junction.conditional_tables import LogFactor, Product, TableGiven, conditional_tables, product_of
from ..engines.keys import given_key
from ..graph import reached
from ..runtime.memory import check_memory
from .exact import Exact

if TYPE_CHECKING:
    from ..engines.cuda_program import CudaProgram
    from ..runtime.cuda_queue import CudaQueue

Array = npt.NDArray[Any]

BYTES_PER_CELL = 64  # logarithms, the table, and what draws are looked up in
NANOSECONDS_PER_CELL = 60  # about


class Origin(NamedTuple):
    """What tables were calibrated from."""

    exact: Exact
    evidence: tuple[object, ...]


class Calibrated:
    """P(x | e) as the tables of a program, which draws what is not ``known``.

    ``log_evidence`` is log p(e); where that is -inf there is nothing to draw.
    """

    def __init__(self, program: Program, known: Mapping[int, int], log_evidence: float, origin: Origin) -> None:
        self.program = program
        self.known = known
        self._origin = origin
        self.log_evidence = log_evidence
        self._on_cards: dict[int, CudaProgram] = {}

    def is_of(self, exact: Exact, evidence: Evidence) -> bool:
        """Whether it was made of that network and the same evidence."""
        return self._origin.exact is exact and self._origin.evidence == _as_bytes(evidence)

    def draw(self, n: int, key: int, start: int) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key."""
        schema = self.program.schema
        check_memory(n * schema.n_codes * schema.code_dtype.itemsize, f"a sample of {n} rows")
        values = Values(np.empty((schema.n_codes, n), schema.code_dtype), np.empty((0, n), np.float32))
        for row, code in self.known.items():
            values.codes[row] = code
        self.program.draw(values, given_key(key), start)
        return values

    def draw_on_card(self, queue: CudaQueue, empty: Callable[..., Any], n: int, key: int, start: int) -> Values:
        """The same rows on a GPU, in memory that ``empty(shape, dtype)`` gives; tables are uploaded at first use."""
        from ..data.cuda_loading import fill
        from ..engines.cuda_program import CudaProgram

        own, schema = self._on_cards.get(queue.device), self.program.schema
        if own is None:
            own = self._on_cards[queue.device] = CudaProgram(self.program)
        values = Values(empty((schema.n_codes, n), schema.code_dtype), empty((0, n), np.dtype(np.float32)))
        for row, code in self.known.items():
            fill(queue, schema.code_dtype.type(code), values.codes[row : row + 1])
        own.draw(queue, given_key(key), start, values)
        return values


def calibrated(exact: Exact, evidence: Evidence) -> Calibrated:
    """The network given a row of evidence.

    Only variables that the evidence descends from have other tables than before. Raises ValueError, before anything is
    allocated, where these are too large.
    """
    own = _Ancestors(exact, evidence)
    product = product_of(own.factors(), own.n_states)
    _check_size(product)
    found, log_total = conditional_tables(product)
    log_evidence = log_total + own.log_constant
    return Calibrated(own.program(found), own.known, log_evidence, Origin(exact, _as_bytes(evidence)))


def _as_bytes(evidence: Evidence) -> tuple[object, ...]:
    return evidence.codes.tobytes(), evidence.soft, evidence.likelihoods.tobytes()


class _Ancestors:
    """What evidence descends from: factors of those variables of which no state is known, numbered anew."""

    def __init__(self, exact: Exact, evidence: Evidence) -> None:
        self._exact = exact
        self._likelihoods = {v: own[:, 0] for v, own in likelihoods_of(evidence, exact.n_states).items()}
        codes = evidence.codes[:, 0]
        observed = np.flatnonzero(codes != missing_code(codes.dtype)).tolist()
        self._kept = reached([*observed, *self._likelihoods], dict(enumerate(exact.families)))
        self.known = {v: int(codes[v]) for v in observed}
        self.known |= {v: 0 for v in self._kept - self.known.keys() if exact.n_states[v] == 1}
        self._hidden = sorted(self._kept - self.known.keys())
        self.n_states = [exact.n_states[v] for v in self._hidden]
        self.log_constant = 0.0

    def factors(self) -> list[LogFactor]:
        """The tables and likelihoods, what is known put in; ``log_constant`` gets those of nothing that is hidden."""
        found: list[LogFactor] = []
        with np.errstate(divide="ignore"):
            for v in sorted(self._kept):
                found.append(self._factor(self._exact.families[v], np.log(self._exact.tables[v])))
            for v, likelihood in self._likelihoods.items():
                found.append(self._factor((v,), np.log(likelihood)))
        self.log_constant = float(sum(own.values for own in found if not own.scope))
        return [own for own in found if own.scope]

    def _factor(self, family: tuple[int, ...], values: Array) -> LogFactor:
        place = {v: i for i, v in enumerate(self._hidden)}
        index = tuple(self.known.get(v, slice(None)) for v in family)
        return LogFactor(tuple(place[v] for v in family if v in place), values[index])

    def program(self, tables: list[TableGiven]) -> Program:
        """The network of these tables, and of those that the evidence says nothing about, parents first."""
        network, hidden = self._exact.network, self._hidden
        names = network.schema.names
        conditionals: dict[str, Conditional] = dict(network.conditionals)
        for v, code in self.known.items():
            conditionals[names[v]] = _table((), np.eye(self._exact.n_states[v])[code], names[v], network.schema)
        for own in tables:
            name = names[hidden[own.variable]]
            parents = tuple(names[hidden[u]] for u in own.parents)
            conditionals[name] = _table(parents, own.table, name, network.schema)
        drawn = [names[hidden[own.variable]] for own in tables]
        below = [name for name in network.order if network.schema.rows[name] not in self._kept]
        return Program(conditionals, [*drawn, *below])


def _table(parents: tuple[str, ...], table: Array, name: str, schema: Schema) -> CPT:
    return CPT.trusted(parents, table, schema.states[name])


def _check_size(product: Product) -> None:
    cells = product.tree.n_cells
    what = (
        f"drawing rows given these values takes tables of {cells:,} cells together, the largest of "
        f"{product.largest:,}, about {cells * NANOSECONDS_PER_CELL / 1e9:.2g} s to make them and "
        f"{cells * BYTES_PER_CELL / 2**30:.2g} GiB of memory"
    )
    way_out = 'method="weighted" draws rows approximately'
    if product.is_too_large:
        raise ValueError(f"{what}: a table has at most 2**31 cells; {way_out}")
    check_memory(cells * BYTES_PER_CELL, f"{what} ({way_out}): that")
