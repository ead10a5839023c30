"""The engine of Deterministic conditionals on a GPU: those whose values are a table, as normals of no width."""

from __future__ import annotations

from ...conditionals.base import Conditional
from ...conditionals.deterministic import Deterministic
from ...conditionals.gaussian import LinearGaussian
from ..base import Members
from ..gaussian.cuda_run import CudaGaussians
from ..gaussian.run import GaussianEngine
from .run import FunctionEngine


class CudaFunctions(CudaGaussians):
    """Real point masses that discrete parents choose. TypeError, naming the variable, where there is but a function of
    Python, which has no loops for GPUs."""

    def __init__(self, engine: FunctionEngine) -> None:
        super().__init__(GaussianEngine(_as_point_masses(engine.members)))


def _as_point_masses(members: Members) -> Members:
    conditionals, variables, parents = dict(members.conditionals), members.variables, members.parents
    names = list(conditionals)
    for v in members.columns:
        own = [variables[parent] for parent in parents[v]]
        conditionals[names[v]] = _point_mass(names[v], conditionals[names[v]]).bound(names[v], own)
    return Members(conditionals, members.columns)


def _point_mass(name: str, own: Conditional) -> LinearGaussian:
    assert isinstance(own, Deterministic)
    if own.values is None:
        raise TypeError(
            f"the function of {name!r} is one of Python, which runs on the CPU: copy the arrays there, or draw with "
            "device='cpu'"
        )
    return LinearGaussian(own.parents, own.values, (), 0.0)
