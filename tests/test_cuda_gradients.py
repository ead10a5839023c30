"""Networks of tensors of a GPU that require grad. In numba's simulator torch's CPU plays the card."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from densities import every_kind, followed, reals_only, tensors  # noqa: E402
from device_array import counted_copies  # noqa: E402
from numba import config  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.data.cuda_arrays import cuda_view  # noqa: E402
from fastdgm.data.placement import Placement  # noqa: E402
from fastdgm.engines.torch.densities.words import Words  # noqa: E402
from fastdgm.runtime.cuda_queue import CudaQueue  # noqa: E402

pytestmark = pytest.mark.gpu

NETS = {"every kind": every_kind, "reals": reals_only}


class OnCard(torch.Tensor):
    """A tensor that says that it is on a GPU."""

    __module__ = "torch"
    is_cuda = True

    @property
    def __cuda_array_interface__(self):
        with torch._C.DisableTorchFunctionSubclass():
            own = self.detach().as_subclass(torch.Tensor)
        interface = own.numpy().__array_interface__
        strides = tuple(step * own.element_size() for step in own.stride())
        return {**{key: interface[key] for key in ("shape", "typestr", "data")}, "strides": strides, "version": 3}


def _empty(placement, shape, dtype):
    kind = getattr(torch, np.dtype(dtype).name)
    return cuda_view(torch.empty(shape, dtype=kind).as_subclass(OnCard))


@pytest.fixture
def to_card(monkeypatch):
    """Tensors on the card, with the gradient of those that came."""
    if not config.ENABLE_CUDASIM:
        return lambda tensor: tensor.to("cuda")
    monkeypatch.setattr("fastdgm.data.placement.queue_of", lambda array: CudaQueue())
    monkeypatch.setattr("fastdgm.data.cuda_pieces.queue_of", lambda array: CudaQueue())
    monkeypatch.setattr(Placement, "empty", _empty)
    return lambda tensor: tensor.as_subclass(OnCard)


def gradients(total, values):
    inputs = [value for value in values.values() if value.requires_grad]
    return [own if own is None else own.cpu() for own in torch.autograd.grad(total, inputs, allow_unused=True)]


@pytest.mark.parametrize("per_variable", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_scores_and_gradients_are_those_of_the_cpu(name, per_variable, to_card, monkeypatch):
    net = NETS[name]()
    values = followed(tensors(net.sample(6, seed=1)))
    values = {own: value for own, value in values.items() if own != "point"}
    net = fd.BayesNet({own: net[own] for own in values})
    expected = net.log_prob(values, per_variable=per_variable)
    expected_gradients = gradients(expected.sum(), values)  # before modules move: the graph has their parameters
    for own in net.conditionals.values():
        if isinstance(own, fd.Neural) and not config.ENABLE_CUDASIM:
            own.module.to("cuda")
    there = {own: to_card(value) for own, value in values.items()}
    net.log_prob(there)  # takes its constants there
    counts = counted_copies(monkeypatch)
    found = net.log_prob(there, per_variable=per_variable)
    assert found.requires_grad and found.shape == expected.shape
    assert counts["to_host"] == counts["to_device"] == 0
    np.testing.assert_allclose(found.detach().cpu().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    for one, other in zip(gradients(found.sum(), values), expected_gradients, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-9, atol=1e-12)


def test_rows_as_one_tensor_and_rows_that_are_wrong(to_card):
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"], 0, [1], std=1)})
    rows = torch.tensor([[0.0, 1.0], [2.0, 1.0]], requires_grad=True)
    net.log_prob(to_card(rows)).sum().backward()
    assert rows.grad.tolist() == [[1.0, -1.0], [-3.0, 1.0]]
    with pytest.raises(ValueError, match="row 1"):
        net.log_prob(to_card(torch.tensor([[0.0, 1.0], [2.0, torch.nan]], requires_grad=True)))
    with pytest.raises(ValueError, match="no gradient: detach"):
        net.log_prob(to_card(rows), given=["x"])


def test_modules_elsewhere_are_named(to_card):
    net = reals_only()
    there = {name: to_card(value) for name, value in followed(tensors(net.sample(2, seed=0))).items()}
    net["x"].module.to("meta")
    with pytest.raises(ValueError, match=r"the module of 'x' is on meta, the rows are on"):
        net.log_prob(there)


def test_verbs_without_loops_are_refused(to_card):
    net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 0, [1], std=1)})
    column, copy = to_card(torch.zeros(3, dtype=torch.float64)), r"no loops for GPUs: copy .*\.cpu\(\)"
    with pytest.raises(TypeError, match=f"encode has {copy}"):
        net.guided({"z": fd.LinearGaussian(["x"], 0, [0.5], std=0.7)}).encode({"x": column})
    with pytest.raises(TypeError, match=f"decode has {copy}"):
        net.decode(column)
    neural = reals_only()
    for where in ({"data": {"v": column}}, {"data": {}, "valid": {"v": column}}, {"data": {}, "sample_weight": column}):
        with pytest.raises(TypeError, match=f"fit of a network with modules has {copy}"):
            neural.fit(**where)
    rows = to_card(torch.tensor([[0, 1], [1, 1]]))
    for model in (fd.FVSBN(2), fd.MADE(2, hidden=(3,)), fd.NADE(2, 3)):
        with pytest.raises(TypeError, match=copy):
            model.to_torch()(rows)


def test_reparameterised_rows_are_those_of_the_cpu():
    net = reals_only()
    expected = net.rsample(5, seed=2)
    if not config.ENABLE_CUDASIM:
        net["x"].module.to("cuda")
    found = net.rsample(5, seed=2, device="cuda")
    for name in net.names:
        np.testing.assert_allclose(found[name].detach().cpu(), expected[name].detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("verb", "kind"), [("uniforms", "float64"), ("normals", "float32"), ("normals", "float64")])
def test_words_are_filled_on_the_card(verb, kind):
    words, place = Words(5, 2**32 - 3, 9, 2), "cpu" if config.ENABLE_CUDASIM else "cuda"
    out, like = (
        torch.empty((4, 9), dtype=getattr(torch, kind), device=place),
        torch.empty(0, dtype=getattr(torch, kind)),
    )
    words.fill_on_card(verb, out, CudaQueue())
    expected = words.uniforms(4, like) if verb == "uniforms" else words.normals(4, like)
    np.testing.assert_allclose(out.T.cpu(), expected, rtol=1e-6)


def test_modules_are_not_fitted_by_rows_of_the_card(to_card):
    class Constant(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = torch.nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return self.logits.expand(len(x), 2)

    model = fd.Autoregressive(Constant().to("cpu" if config.ENABLE_CUDASIM else "cuda"), 2, 2)
    with pytest.raises(TypeError, match=r"Autoregressive is not fitted on a GPU: copy .*\.cpu\(\)"):
        model.fit(to_card(torch.tensor([[0, 1], [1, 1]])), epochs=1)
