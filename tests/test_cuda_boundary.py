"""Arrays of a GPU as blocks: what is accepted on the CPU is accepted there, and refused in the same words."""

from __future__ import annotations

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies, pointer_to

import fastdgm as fd
from fastdgm.data.boundary import as_network_block
from fastdgm.data.missing_codes import missing_code
from fastdgm.data.schema import Schema
from fastdgm.data.variables import Discrete, Real
from fastdgm.runtime.cuda_queue import CudaQueue

pytestmark = pytest.mark.gpu

WEATHER = Schema({"rain": Discrete(("False", "True")), "sky": Discrete(("a", "b", "c")), "wet": Discrete(("n", "y"))})
CODES = np.array([[0, 2, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0], [0, 2, 0]])
MIXED = Schema({"z": Discrete(("a", "b")), "x": Real((2,)), "u": Real(), "y": Discrete(("c", "d"), (2,))})


def block_of(data, schema=WEATHER):
    from fastdgm.data.cuda_boundary import as_cuda_block

    return as_cuda_block(data, schema, CudaQueue())


def codes_of(data, schema=WEATHER):
    return block_of(data, schema).part.codes.copy_to_host()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_codes_of_any_type_and_layout(dtype, order):
    found = codes_of(DeviceArray(np.array(CODES, dtype, order=order)))
    assert found.dtype == np.uint8
    assert (found == CODES.T).all()


def test_more_rows_than_a_tile_and_more_cells():
    schema = Schema({f"v{i}": Discrete(tuple("abcd")) for i in range(45)})
    codes = np.random.default_rng(0).integers(0, 4, (70, 45))
    assert (codes_of(DeviceArray(codes), schema) == codes.T).all()


def test_strided_rows():
    wide = np.repeat(np.repeat(CODES, 2, axis=0), 3, axis=1)
    assert (codes_of(DeviceArray(wide[::2, ::3])) == CODES.T).all()
    assert (codes_of(DeviceArray(CODES[::-1])) == CODES[::-1].T).all()


def test_what_has_the_right_type_and_layout_is_read_where_it_is():
    for dtype in ("u1", "i1"):
        codes = np.array(CODES.T, dtype, order="C")
        there = DeviceArray(codes.T)
        assert pointer_to(block_of(there).part.codes) == pointer_to(there)
    floats = np.ones((4, 5), "f4")
    schema = Schema({"x": Real((4,))})
    there = DeviceArray(floats.T)
    assert pointer_to(block_of({"x": there}, schema).part.reals) == pointer_to(there)


def test_columns_by_name():
    columns = {"sky": CODES[:, 1].astype("i2"), "wet": CODES[:, 2].astype("f4"), "rain": CODES[:, 0].astype(bool)}
    assert (codes_of({name: DeviceArray(own) for name, own in columns.items()}) == CODES.T).all()


def test_booleans_match_states_by_name():
    schema = Schema({"a": Discrete(("True", "False"))})
    values = np.array([True, False])
    expected = np.take([1, 0], values.astype(int))
    assert (codes_of(DeviceArray(values[:, None]), schema) == expected).all()
    assert (codes_of({"a": DeviceArray(values)}, schema) == expected).all()
    with pytest.raises(KeyError, match=r"booleans match the states False and True, but 'sky' has .*: row 0 is False"):
        codes_of({"rain": DeviceArray(values), "sky": DeviceArray(~values), "wet": DeviceArray(values)})


def test_nothing_is_found_at_first():
    from fastdgm.data.cuda_loading import new_flags

    assert (new_flags(CudaQueue()).copy_to_host() == np.full(2, 2**63 - 1)).all()


def mixed_columns():
    generator = np.random.default_rng(1)
    return {
        "u": generator.normal(size=6),
        "x": generator.normal(size=(6, 2)).astype("f4"),
        "y": generator.integers(0, 2, (6, 2)),
        "z": generator.integers(0, 2, 6).astype(np.uint8),
    }


@pytest.mark.parametrize("form", ["columns", "elements", "array"])
def test_both_kinds(form):
    columns = mixed_columns()
    if form == "elements":
        columns |= {"x[1]": columns["x"][:, 1], "x[0]": columns["x"][:, 0]}
        del columns["x"]
    if form == "array":
        own = mixed_columns()
        data = np.column_stack([own["z"], own["x"], own["u"], own["y"]])
        block, oracle = block_of(DeviceArray(data), MIXED), as_network_block(data, MIXED)
    else:
        block = block_of({name: DeviceArray(own) for name, own in columns.items()}, MIXED)
        oracle = as_network_block(columns, MIXED)
    part = oracle.read(0, 6)
    assert (block.part.codes.copy_to_host() == part.codes).all()
    assert block.part.reals.dtype == part.reals.dtype
    assert (block.part.reals.copy_to_host() == part.reals).all()


def test_columns_of_images_in_any_layout():
    schema = Schema({"image": Discrete(("white", "black"), (2, 3))})
    images = np.random.default_rng(2).integers(0, 2, (5, 2, 3))
    expected = images.reshape(5, 6).T
    for own in (
        images,
        images.reshape(5, 6),
        np.asfortranarray(images),
        images.transpose(0, 2, 1).copy().transpose(0, 2, 1),
    ):
        assert (codes_of({"image": DeviceArray(own)}, schema) == expected).all()


BAD = [
    np.where(np.arange(15).reshape(5, 3) == 10, 7, CODES),
    np.where(np.arange(15).reshape(5, 3) == 4, -3, CODES),
    np.where(np.arange(15).reshape(5, 3) == 4, -1, CODES),
    np.where(np.arange(15).reshape(5, 3) == 4, 255, CODES).astype("u1"),
    np.where(np.arange(15).reshape(5, 3) == 4, 254, CODES).astype("u1"),
    np.where(np.arange(15).reshape(5, 3) == 4, np.nan, CODES),
    np.where(np.arange(15).reshape(5, 3) == 4, 0.5, CODES),
    CODES[:, :2],
    CODES[0],
    np.zeros((2, 3, 4), int),
]


@pytest.mark.parametrize("i", range(len(BAD)))
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_wrong_is_refused_in_the_words_of_the_cpu(i, order):
    data = np.array(BAD[i], order=order)
    with pytest.raises((ValueError, TypeError)) as expected:
        as_network_block(data, WEATHER).read(0, len(data))
    with pytest.raises(type(expected.value)) as found:
        block_of(DeviceArray(data))
    assert str(found.value) == str(expected.value)


BAD_COLUMNS = [
    {"u": np.array([0.0, np.inf])},
    {"u": np.array([0.0, np.nan])},
    {"u": np.array([True, False])},
    {"u": np.array([1j, 0])},
    {"u": np.zeros((2, 1))},
    {"x": np.array([[0, 1], [np.inf, 2]])},
    {"x": np.zeros((2, 3))},
    {"z": np.array([0, 2])},
    {"y": np.array([[0, 1], [3, 0]])},
    {"y": np.array([[0, 1, 1], [1, 0, 0]])},
    {"z": np.zeros(3, int)},
    {"other": np.zeros(2)},
]


@pytest.mark.parametrize("i", range(len(BAD_COLUMNS)))
def test_columns_that_are_wrong(i):
    columns = {name: own[:2] for name, own in mixed_columns().items()} | BAD_COLUMNS[i]
    with pytest.raises((ValueError, TypeError, KeyError)) as expected:
        as_network_block(columns, MIXED).read(0, 2)
    with pytest.raises(type(expected.value)) as found:
        block_of({name: DeviceArray(own) for name, own in columns.items()}, MIXED)
    assert str(found.value) == str(expected.value)


def test_missing_values():
    from fastdgm.data.cuda_boundary import as_partial_cuda_block

    codes = CODES.copy()
    codes[2, 1] = -1
    block = as_partial_cuda_block(DeviceArray(codes), WEATHER, CudaQueue())
    assert block.has_missing
    assert block.first_missing == (2, 1)
    assert block.part.codes.copy_to_host()[1, 2] == missing_code(np.uint8)
    absent = as_partial_cuda_block({"sky": DeviceArray(CODES[:, 1])}, WEATHER, CudaQueue())
    assert absent.first_missing == (0, 0)
    nothing = np.full(5, missing_code(np.uint8))
    assert (absent.part.codes.copy_to_host() == [nothing, CODES[:, 1], nothing]).all()
    assert not as_partial_cuda_block(DeviceArray(CODES), WEATHER, CudaQueue()).has_missing
    with pytest.raises(KeyError, match="the data has no column"):
        block_of({"sky": DeviceArray(CODES[:, 1])})


def test_256_states_leave_no_code_for_missing_values():
    from fastdgm.data.cuda_boundary import as_partial_cuda_block

    schema = Schema({"a": Discrete(tuple(f"s{k}" for k in range(256)))})
    complete = as_partial_cuda_block(DeviceArray(np.array([[255], [3]])), schema, CudaQueue())
    assert complete.part.codes.dtype == np.uint8
    partial = as_partial_cuda_block(DeviceArray(np.array([[255], [-1]])), schema, CudaQueue())
    assert partial.part.codes.copy_to_host().tolist() == [[255, 65535]]


def test_a_state_that_is_named_like_a_missing_value():
    schema = Schema({"a": Discrete(("-1", "0"))})
    with pytest.raises(ValueError, match=r"codes of 'a' run from 0 to 1 .*row 1 is -1"):
        block_of(DeviceArray(np.array([[0], [-1]])), schema)


def test_columns_in_two_places():
    with pytest.raises(TypeError, match=r"'sky'. on the CPU, the others on a GPU"):
        block_of({"rain": DeviceArray(CODES[:, 0]), "sky": CODES[:, 1], "wet": DeviceArray(CODES[:, 2])})


def test_no_rows():
    block = block_of(DeviceArray(np.zeros((0, 3), np.uint8)))
    assert block.n == 0
    assert block.part.codes.shape == (3, 0)


def test_samples_of_other_variables():
    from fastdgm.data.cuda_boundary import as_cuda_block

    net = fd.BayesNet({"a": fd.CPT([], [0.5, 0.5], states=["n", "y"]), "b": fd.Bernoulli(0.5)})
    x = net.sample(8, seed=0, device="cuda")
    schema = Schema({"b": Discrete(("False", "True")), "a": Discrete(("y", "n"))})
    found = as_cuda_block(x, schema, CudaQueue()).part.codes.copy_to_host()
    own = np.asarray(x.to("cpu"))
    assert (found == [own[:, 1], 1 - own[:, 0]]).all()


def test_one_flag_is_read_and_nothing_copied(monkeypatch):
    block_of(DeviceArray(CODES))  # plans
    counts = counted_copies(monkeypatch)
    block_of(DeviceArray(CODES))
    assert counts == {"read_flags": 1}
