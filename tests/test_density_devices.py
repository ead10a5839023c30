"""Log-densities on other devices than the CPU: nothing of them stays behind, and nothing is copied.

Tensors of the device "meta" have no numbers, but a place, so that torch refuses or this test sees what is elsewhere.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from densities import every_kind, followed, reals_only, tensors  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.engines.torch.densities.functions import FunctionDensity  # noqa: E402
from fastdgm.engines.torch.densities.joint import JointDensity  # noqa: E402

META = torch.device("meta")
NETS = {"every kind": every_kind, "reals": reals_only}


class OneDevice(TorchDispatchMode):
    """Operations see and give tensors of the device "meta" alone."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for own in tree_leaves((args, kwargs, found)):
            if isinstance(own, torch.Tensor) and own.device != META:
                raise AssertionError(f"{func} has a tensor on {own.device}")
        return found


def moved(values):
    return {name: value.detach().to(META).requires_grad_(value.requires_grad) for name, value in values.items()}


def density(net):
    return JointDensity({name: net[name] for name in net.names}, net.order)


@pytest.mark.parametrize("name", NETS)
def test_nothing_stays_behind(name):
    net = NETS[name]()
    values = moved(followed(tensors(net.sample(5, seed=0))))
    module = density(net).to(META)
    assert {own.device for own in (*module.parameters(), *module.buffers())} == {META}
    inputs = [*module.parameters(), *(value for value in values.values() if value.requires_grad)]
    with OneDevice():
        found = module(values)
        table = module.table(values, net.names)
        torch.autograd.grad(found.sum(), inputs, allow_unused=True)
    assert found.shape == (5,) and table.shape == (5, len(net.names))


@pytest.mark.parametrize("name", NETS)
def test_modules_of_the_user_are_not_moved(name):
    net = NETS[name]()
    fixed = density(net).as_the_network(META)
    for own in fixed.densities:
        parameters = (*own.parameters(), *own.buffers())
        is_neural = bool(set(fixed.modules_by_member()) & set(own.members))
        assert {one.device.type for one in parameters} <= {"cpu" if is_neural else "meta"}


def test_the_module_of_a_network_moves():
    net = reals_only()
    values = moved(followed(tensors(net.sample(5, seed=0))))
    module = net.to_torch()
    module.rsample(1, seed=0)  # plans its words, by the modules
    module.to(META)
    with OneDevice():
        assert module(values, check=False).device == META
    rows = module.rsample(4, seed=0)
    assert {row.device for row in rows.values()} == {META}


def test_functions_of_numpy_are_refused_elsewhere():
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.Deterministic(["x"], lambda x: x.cpu().numpy())})
    own = FunctionDensity({name: net[name] for name in net.names}, ["y"])
    values = {name: torch.zeros(3, device=META) for name in net.names}
    with pytest.raises(TypeError, match=r"'y' on meta: its function must take torch tensors.*\.cpu\(\)"):
        own.terms(values)
