"""Rows in files: what is written reads back, in chunks, and damage of any kind is an error that names the file."""

from __future__ import annotations

import errno
import gzip
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import encode_table

from fastdgm.data.samples import Samples
from fastdgm.errors import FormatError
from fastdgm.io.rows import FORMATS, read_rows, row_format, write_rows, write_scores
from fastdgm.io.rows.common import checked_batches

STATES = {
    "age, years": ("<5", "5-12", "12+"),
    'a "quoted" name': ("TRUE", "0012", "12", "NA", "null", ""),
    "blanks": (" leading", "trailing ", "in the middle", "a,b", "line\nbreak", "Ünï-čode"),
}
SUFFIXES = list(FORMATS)
LABEL_SUFFIXES = [suffix for suffix in SUFFIXES if suffix != ".npy"]


def samples(n, states=STATES, seed=0):
    rng = np.random.default_rng(seed)
    return Samples(np.array([rng.integers(0, len(own), n) for own in states.values()], np.uint8), states)


def chunks_of(x, size):
    return (x[first : first + size] for first in range(0, len(x), size))


def codes_from(path, states=STATES, chunk=100):
    """All rows of a file as a block of codes, and the sizes of the chunks they came in."""
    blocks = [
        part.T if isinstance(part, np.ndarray) else encode_table(part, states, np.uint8)
        for part in read_rows(path, states, chunk)
    ]
    return np.concatenate(blocks, axis=1), [block.shape[1] for block in blocks]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_read_back(tmp_path, suffix):
    x = samples(1000)
    path = tmp_path / f"rows{suffix}"
    write_rows(path, chunks_of(x, 300), STATES)
    block, sizes = codes_from(path, chunk=100)
    np.testing.assert_array_equal(block, x.block)
    assert max(sizes) <= 100 or "csv" in suffix
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_do_not_show(tmp_path, suffix):
    x = samples(50)
    for name, size in (("one", 50), ("many", 7)):
        write_rows(tmp_path / f"{name}{suffix}", chunks_of(x, size), STATES)
    np.testing.assert_array_equal(codes_from(tmp_path / f"one{suffix}")[0], codes_from(tmp_path / f"many{suffix}")[0])
    if suffix in (".csv", ".csv.gz", ".npy"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"many{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("parts", [[], [samples(0)]])
def test_no_rows_are_a_valid_file(tmp_path, suffix, parts):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, parts, STATES)
    block, sizes = codes_from(path)
    assert block.shape == (3, 0)
    assert sizes == [0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_more_than_256_states(tmp_path, suffix):
    states = {"x": tuple(f"s{k}" for k in range(300)), "y": ("a", "b")}
    x = Samples(np.stack([np.arange(300), np.arange(300) % 2]).astype(np.uint16), states)
    path = tmp_path / f"rows{suffix}"
    write_rows(path, [x], states)
    (part,) = [part for part in read_rows(path, states, 1000) if len(part)]
    got = part.T if isinstance(part, np.ndarray) else encode_table(part, states, np.uint16)
    np.testing.assert_array_equal(got, x.block)


def test_other_readers_see_the_labels(tmp_path):
    x = samples(20)
    expected = {name: x.labels(name).tolist() for name in x.names}
    for suffix in LABEL_SUFFIXES:
        write_rows(tmp_path / f"rows{suffix}", [x], STATES)
    options = {"dtype": str, "keep_default_na": False}
    assert pd.read_csv(tmp_path / "rows.csv", **options).to_dict("list") == expected
    assert pd.read_csv(tmp_path / "rows.csv.gz", **options).to_dict("list") == expected
    assert pd.read_parquet(tmp_path / "rows.parquet").astype(str).to_dict("list") == expected
    assert pd.read_feather(tmp_path / "rows.feather").astype(str).to_dict("list") == expected
    assert pl.read_parquet(tmp_path / "rows.parquet").to_dict(as_series=False) == expected
    assert pl.read_ipc(tmp_path / "rows.arrow").to_dict(as_series=False) == expected


def test_npy_holds_codes(tmp_path):
    x = samples(20)
    write_rows(tmp_path / "rows.npy", [x], STATES)
    loaded = np.load(tmp_path / "rows.npy")
    np.testing.assert_array_equal(loaded, np.asarray(x))
    assert loaded.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.int64, np.float64, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_other_writers(tmp_path, dtype, order):
    states = {"x": ("a", "b"), "y": ("a", "b"), "z": ("a", "b")}
    codes = np.arange(30).reshape(10, 3) % 2
    np.save(tmp_path / "rows.npy", codes.astype(dtype, order=order))
    parts = list(read_rows(tmp_path / "rows.npy", states, 4))
    assert [len(part) for part in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), codes)


def test_parquet_of_other_writers(tmp_path):
    x = samples(100)
    frame = pd.DataFrame({name: x.labels(name) for name in reversed(x.names)})
    frame.to_parquet(tmp_path / "rows.parquet")
    np.testing.assert_array_equal(codes_from(tmp_path / "rows.parquet")[0], x.block)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_large_batch_is_cut(tmp_path, suffix):
    x = samples(100)
    write_rows(tmp_path / f"rows{suffix}", [x], STATES)
    codes, sizes = codes_from(tmp_path / f"rows{suffix}", chunk=30)
    np.testing.assert_array_equal(codes, x.block)
    assert sizes == ([] if suffix == ".npy" else [0]) + [30, 30, 30, 10]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_chunk_may_be_larger_than_any_file(tmp_path, suffix):
    write_rows(tmp_path / f"rows{suffix}", [samples(10)], STATES)
    assert codes_from(tmp_path / f"rows{suffix}", chunk=10**30)[1][-1] == 10


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1).filter(lambda s: "\0" not in s and s.isprintable()), min_size=1, unique=True))
def test_any_label_survives_csv(tmp_path, labels):
    states = {"x": tuple(labels), "y": ("a", "b")}
    x = samples(30, states)
    write_rows(tmp_path / "rows.csv", [x], states)
    np.testing.assert_array_equal(codes_from(tmp_path / "rows.csv", states)[0], x.block)


# --- scores ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_scores_read_back_to_the_last_bit(tmp_path, suffix):
    scores = np.log(np.random.default_rng(0).random(100))
    scores[3] = -np.inf
    path = tmp_path / f"scores{suffix}"
    write_scores(path, iter([scores[:60], scores[60:]]))
    if suffix == ".npy":
        got = np.load(path)
    elif suffix == ".parquet":
        got = pq.read_table(path)["log_prob"].to_numpy()
    elif suffix in (".arrow", ".feather"):
        got = pa.ipc.open_file(path).read_all()["log_prob"].to_numpy()
    else:
        got = np.loadtxt(path, skiprows=1)
    np.testing.assert_array_equal(got, scores)


# --- whole or not at all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("old", [None, b"old"])
def test_nothing_half_written_is_left(tmp_path, suffix, interruption, old):
    path = tmp_path / f"rows{suffix}"
    if old is not None:
        path.write_bytes(old)

    def interrupted():
        yield samples(10)
        raise interruption

    with pytest.raises(interruption):
        write_rows(path, interrupted(), STATES)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.npy").symlink_to(tmp_path / "real" / "rows.npy")
    write_rows(tmp_path / "link.npy", [samples(3)], STATES)
    assert (tmp_path / "link.npy").is_symlink()
    assert len(np.load(tmp_path / "real" / "rows.npy")) == 3


def test_an_unwritable_place_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_rows(tmp_path / "nowhere" / "rows.npy", [samples(3)], STATES)
    assert caught.value.filename == str(tmp_path / "nowhere" / "rows.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError):
        write_rows(tmp_path / "folder.npy", [samples(3)], STATES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path, suffix):
    def rows_as_the_disk_fills():
        yield samples(10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        yield from (samples(10_000) for _ in range(100))

    resource = pytest.importorskip("resource", reason="the size of files can be limited on Unix only")
    path = tmp_path / f"rows{suffix}"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError) as caught:
            write_rows(path, rows_as_the_disk_fills(), STATES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert list(tmp_path.iterdir()) == []


# --- bad files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.xlsx", "rows", "rows.pkl", "csv", "rows.csv.bz2"])
def test_an_unknown_suffix_lists_those_known(name):
    with pytest.raises(ValueError, match=r"\.parquet, .*\.npy, got"):
        row_format(name)


def test_suffixes_in_any_case():
    assert row_format("ROWS.CSV.GZ") is FORMATS[".csv.gz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_an_os_error(tmp_path, suffix):
    with pytest.raises(FileNotFoundError):
        read_rows(tmp_path / f"rows{suffix}", STATES)


def test_chunks_have_rows(tmp_path):
    write_rows(tmp_path / "rows.npy", [samples(3)], STATES)
    with pytest.raises(ValueError, match="chunk must be at least 1 row, got 0"):
        read_rows(tmp_path / "rows.npy", STATES, 0)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x93NUMPY", b"PAR1", b"ARROW1\0\0", os.urandom(2000), b"\0" * 500]
)
def test_garbage_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    with pytest.raises((ValueError, KeyError), match=rf"rows{suffix}: damaged|the data has no column|matched by name"):
        codes_from(path)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv.gz", ".npy"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(tmp_path, suffix, kept):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, [samples(5000)], STATES)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(FormatError, match=f"rows{suffix}: damaged"):
        codes_from(path)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SUFFIXES), st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
def test_mutated_files_never_crash(tmp_path, suffix, position, junk):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, [samples(40)], STATES)
    data = bytearray(path.read_bytes())
    position %= len(data)
    data[position : position + len(junk)] = junk
    path.write_bytes(data)
    try:
        block, _ = codes_from(path)
    except (ValueError, KeyError, TypeError, MemoryError):
        return
    assert block.shape[0] == 3


@pytest.mark.parametrize(
    "array", [np.zeros((3, 2)), np.zeros(3, int), np.zeros((4, 3), complex), np.zeros((4, 3), "M8[s]"), np.array("a")]
)
def test_npy_of_other_things_is_refused(tmp_path, array):
    np.save(tmp_path / "rows.npy", array)
    with pytest.raises(FormatError, match=r"an array of codes has shape \(n_rows, 3\)"):
        read_rows(tmp_path / "rows.npy", STATES)


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "rows.npy", np.array([[1, 2, object()]], object), allow_pickle=True)
    with pytest.raises(FormatError, match="object"):
        read_rows(tmp_path / "rows.npy", STATES)
    np.savez(tmp_path / "rows.npz", a=np.zeros((3, 3), int))
    (tmp_path / "rows.npz").rename(tmp_path / "rows.npy")
    with pytest.raises(FormatError, match="damaged"):
        read_rows(tmp_path / "rows.npy", STATES)


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy_file_cut_while_it_is_read_is_an_error(tmp_path, order):
    path = tmp_path / "rows.npy"
    np.save(path, np.asarray(np.zeros((100_000, 3), np.uint8), order=order))
    parts = read_rows(path, STATES, 1000)
    next(parts)
    os.truncate(path, 4096)
    with pytest.raises(FormatError, match=r"rows\.npy: the file ended early"):
        list(parts)


@given(st.sampled_from(["C", "F"]), st.integers(0, 30), st.integers(1, 4), st.integers(1, 40), st.sampled_from("Bif?"))
def test_npy_blocks_are_the_array_s_rows(order, n, n_vars, chunk, kind):
    array = np.asarray(np.arange(n * n_vars).reshape(n, n_vars) % 2, np.dtype(kind), order=order)
    states = {f"x{i}": ("a", "b") for i in range(n_vars)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, array)
        parts = list(read_rows(path, states, chunk))
    assert [len(part) for part in parts] == [min(chunk, n - first) for first in range(0, max(n, 1), chunk)]
    np.testing.assert_array_equal(np.concatenate(parts), array)
    assert parts[0].dtype == array.dtype


@pytest.mark.parametrize("shape", ["(-1, 3)", "(10, 3, 1)", "(99999999999999999999, 3)", "(True, 3)"])
def test_npy_headers_that_promise_too_much(tmp_path, shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    (tmp_path / "rows.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    with pytest.raises(FormatError, match=r"rows\.npy"):
        read_rows(tmp_path / "rows.npy", STATES)


@pytest.mark.parametrize("error", [MemoryError("malloc of size 9 failed"), pa.ArrowException("of any kind")])
def test_what_pyarrow_raises_names_the_file(error):
    def broken():
        raise error
        yield

    with pytest.raises(FormatError, match=r"rows\.arrow: damaged, or no Arrow file: (malloc|of any kind)"):
        next(checked_batches(Path("rows.arrow"), "Arrow", broken()))


def test_csv_keeps_strings_and_reports_what_is_wrong(tmp_path):
    states = {"x": ("1", "01"), "y": ("NA", "TRUE")}
    path = tmp_path / "rows.csv"
    path.write_bytes('\ufeffy,x\r\nNA,01\r\nTRUE,1\r\n"NA","1"\r\n'.encode())
    assert codes_from(path, states)[0].tolist() == [[1, 0, 0], [0, 1, 0]]
    path.write_text("x,y\n1,NA\n1\n")
    with pytest.raises(FormatError, match=r"rows\.csv: damaged.*Expected 2 columns, got 1"):
        codes_from(path, states)
    path.write_bytes(b"x,y\n1,\xff\n")
    with pytest.raises(FormatError, match="UTF8"):
        codes_from(path, states)
    path.write_text("x,y\n1,TRUE\n1,\n")
    with pytest.raises(ValueError, match="column 'y', row 1 is missing"):
        codes_from(path, states)


def test_compressed_csv_is_the_same_text(tmp_path):
    for suffix in (".csv", ".csv.gz"):
        write_rows(tmp_path / f"rows{suffix}", [samples(10)], STATES)
    packed = (tmp_path / "rows.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "rows.csv").read_bytes()
    assert b"rows" not in packed


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv"])
def test_pyarrow_missing_names_the_extra(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"rows{suffix}"
    path.touch()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[cli\]"'):
        read_rows(path, STATES)
    write_rows(tmp_path / "rows.npy", [samples(3)], STATES)
    write_rows(tmp_path / "rows.csv", [samples(3)], STATES)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_fifo_takes_csv_and_refuses_formats_that_go_back(tmp_path, suffix):
    path, seen = tmp_path / f"pipe{suffix}", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: seen.append(path.read_bytes()))
    reader.start()
    if suffix in (".csv", ".csv.gz"):
        write_rows(path, [samples(20)], STATES)
        write_rows(tmp_path / f"rows{suffix}", [samples(20)], STATES)
        expected = (tmp_path / f"rows{suffix}").read_bytes()
    else:
        with pytest.raises(OSError, match="cannot be written to a pipe, CSV can") as caught:
            write_rows(path, [samples(20)], STATES)
        assert caught.value.filename == str(path)
        expected = b""
    reader.join(30.0)
    assert seen == [expected]


def test_compressed_files_are_known_in_any_case(tmp_path):
    x = samples(100)
    write_rows(tmp_path / "ROWS.CSV.GZ", [x], x.states)
    np.testing.assert_array_equal(codes_from(tmp_path / "ROWS.CSV.GZ")[0], x.block)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pipes_and_folders_are_not_read(tmp_path, suffix):
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    for kind in ("pipe", "folder"):
        with pytest.raises(OSError, match=f"from a file, not from a pipe.*{kind}{suffix}"):
            read_rows(tmp_path / f"{kind}{suffix}", samples(1).states)


def test_garbage_does_not_reach_the_terminal(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n\x1b[2J\x07\n")
    with pytest.raises(FormatError, match="damaged, or no CSV") as caught:
        list(read_rows(tmp_path / "x.csv", {"a": ("0",), "b": ("0",)}))
    assert str(caught.value).isprintable()


def test_statistics_of_numbers_only(tmp_path):
    path = tmp_path / "rows.parquet"
    write_rows(path, chunks_of(samples(10), 10), STATES)
    assert all(pq.ParquetFile(path).metadata.row_group(0).column(i).statistics is None for i in range(len(STATES)))
    write_scores(path, [np.array([-3.0, -1.0])])
    found = pq.ParquetFile(path).metadata.row_group(0).column(0).statistics
    assert (found.min, found.max) == (-3.0, -1.0)
