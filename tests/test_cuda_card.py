"""A GPU that is asked for and not there: what is missing is said, with how to get it. Runs where there is none."""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.data.placement import Placement
from fastdgm.runtime import cuda_card

pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_ENABLE_CUDASIM") == "1", reason="the simulator is a card")


@pytest.fixture(autouse=True)
def nothing_known():
    for known in (cuda_card._number_of_cards, cuda_card._driver):
        known.cache_clear()
    yield
    for known in (cuda_card._number_of_cards, cuda_card._driver):
        known.cache_clear()


class Driver:
    """What is asked of NVIDIA's driver, with so many cards."""

    def __init__(self, n: int, code: int = 0) -> None:
        self.n, self.code = n, code

    def cuInit(self, flags: int) -> int:
        return self.code

    def cuDeviceGetCount(self, n: object) -> int:
        n._obj.value = self.n
        return 0


def a_machine(patch: pytest.MonkeyPatch, package: bool = True, driver: object = None, compiler: bool = True) -> None:
    """Pretend that this is one."""

    def loaded(name: str) -> object:
        if driver is None:
            raise OSError(name)
        return driver

    patch.setattr(cuda_card, "find_spec", lambda name: object() if package else None)
    patch.setattr(ctypes, "CDLL", loaded)
    patch.setattr(cuda_card, "_has_compiler", lambda: compiler)


def no_card() -> bool:
    try:
        cuda_card.check_card(0)
    except fd.CudaUnavailableError:
        return True
    return False


@pytest.mark.skipif(not no_card(), reason="there is a GPU")
def test_public_verbs_say_that_there_is_no_gpu():
    net, made = fd.example("asia"), fd.MADE(n_vars=4, hidden=(3,))
    x = net.sample(3, seed=0)
    for verb in (
        lambda: net.sample(5, device="cuda"),
        lambda: net.iter_samples(5, device="cuda:1"),
        lambda: x.to("cuda"),
        lambda: made.sample(3, device="cuda"),
    ):
        with pytest.raises(fd.CudaUnavailableError, match=r"a GPU needs .*, which is not installed"):
            verb()


def test_what_is_missing(monkeypatch):
    a_machine(monkeypatch, package=False)
    with pytest.raises(fd.CudaUnavailableError, match=r"numba-cuda, which .* pip install numba-cuda\[cu13\]"):
        cuda_card.check_card(0)
    a_machine(monkeypatch)
    with pytest.raises(fd.CudaUnavailableError, match="NVIDIA's driver, which is not installed"):
        cuda_card.check_card(0)


def test_a_driver_without_cards(monkeypatch):
    a_machine(monkeypatch, driver=Driver(0, code=100))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(fd.CudaUnavailableError, match=r"there is no NVIDIA GPU.*CUDA_VISIBLE_DEVICES='' may hide it"):
        cuda_card.check_card(0)
    cuda_card._driver.cache_clear()
    a_machine(monkeypatch, driver=Driver(1, code=803))
    with pytest.raises(fd.CudaUnavailableError, match=r"does not start \(error 803\)"):
        cuda_card.check_card(0)


def test_no_compiler(monkeypatch):
    a_machine(monkeypatch, driver=Driver(1), compiler=False)
    with pytest.raises(fd.CudaUnavailableError, match=r"compiler \(NVVM\).*CUDA_HOME"):
        cuda_card.check_card(0)


def test_numbers_of_cards(monkeypatch):
    a_machine(monkeypatch, driver=Driver(2))
    assert Placement.asked("cuda:1").cuda.device == 1
    assert Placement.asked("cuda") == ("numba", (0, 0))
    with pytest.raises(ValueError, match="this machine has 2 GPUs, cuda:0 to cuda:1, got cuda:2"):
        Placement.asked("cuda:2")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cuda:x", 0, "CUDA", "cuda:٣"])
def test_other_devices(device):
    with pytest.raises(ValueError, match='device is "cpu", "cuda" or "cuda:<number>"'):
        fd.example("asia").sample(3, device=device)


def test_the_cpu_stays_the_cpu():
    net = fd.example("asia")
    assert isinstance(net.sample(3, seed=0, device="cpu"), fd.Samples)
    assert Placement.asked("cpu", np.zeros(3)) == Placement.asked(None, [1]) == Placement()
    with pytest.raises(ValueError, match="samples are on the CPU: to"):
        net.sample(3).to("cpu")


def test_memory_is_looked_for_by_its_pointer(monkeypatch):
    def attribute(out: object, kind: int, pointer: ctypes.c_uint64) -> int:
        out._obj.value = pointer.value // 100
        return 0

    a_machine(monkeypatch, driver=SimpleNamespace(cuPointerGetAttribute=attribute))
    assert cuda_card.device_of(0) == 0
    assert cuda_card.device_of(300) == 3
