"""fastdgm.interop.dask: rows of partitions are the rows of one call; folders of Parquet files."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

dask = pytest.importorskip("dask")
pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.engines.chosen import ChosenVariables  # noqa: E402
from fastdgm.engines.hybrid import Program  # noqa: E402
from fastdgm.errors import VersionMismatchError  # noqa: E402
from fastdgm.interop import same_versions  # noqa: E402
from fastdgm.interop.dask import cluster, sample, to_parquet  # noqa: E402
from fastdgm.interop.dask.parquet import Part, _discard, finish  # noqa: E402

ASIA, ALARM = fd.example("asia"), fd.example("alarm")
HYBRID = fd.BayesNet(
    {
        "height": fd.LinearGaussian(["soil", "rain"], intercept=[10, 20, 5], coefficients=[0.4], std=[3, 3, 6]),
        "soil": fd.Categorical([0.5, 0.3, 0.2], states=["clay", "loam", "sand"]),
        "rain": fd.Normal(60, 20),
        "flowers": fd.Logistic(["soil", "height"], weights=[0.5, -1.0, 0.2], bias=-7),
        "bees": fd.CPT(["flowers"], [[0.9, 0.1], [0.3, 0.7]], states=["few", "many"]),
        "v": fd.MultivariateNormal([0.0, 1.0], [[1.0, 0.5], [0.5, 2.0]]),
    }
)


@pytest.fixture(autouse=True)
def one_thread_after_another():
    with dask.config.set(scheduler="synchronous"):
        yield


def same(found, expected, start=0):
    """Frames alike in columns, types and values; the rows of ``found`` are numbered from ``start``."""
    assert list(found.columns) == list(expected.columns)
    assert found.dtypes.equals(expected.dtypes)
    assert found.index.equals(pd.RangeIndex(start, start + len(expected)))
    for name in found.columns:
        a, b = found[name], expected[name]
        if isinstance(a.dtype, pd.CategoricalDtype):
            a, b = a.cat.codes, b.cat.codes
        assert np.array_equal(a.to_numpy(), b.to_numpy())


@settings(max_examples=25)
@given(st.integers(0, 3000), st.integers(1, 1500), st.integers(0, 2**40), st.sampled_from([ASIA, HYBRID]))
def test_partitions_are_the_rows_of_one_call(n, partition_rows, start, net):
    ddf = sample(net, n, seed=7, start=start, partition_rows=partition_rows)
    expected = net.sample(n, seed=7, start=start)
    same(ddf.compute(), expected.to_pandas(), start)
    same(ddf._meta, expected.to_pandas()[:0], start)
    assert ddf.known_divisions and ddf.npartitions == max(1, -(-n // partition_rows))
    array = sample(net, n, seed=7, start=start, partition_rows=partition_rows, as_array=True)
    assert array.shape == (n, array.shape[1]) and array.dtype == np.asarray(expected).dtype
    assert np.array_equal(array.compute(), np.asarray(expected))


@settings(max_examples=25)
@given(st.data())
def test_picked_columns_are_those_of_all(data):
    net = data.draw(st.sampled_from([ALARM, HYBRID]))
    whole = net.sample(3000, seed=3).to_pandas()
    names = data.draw(st.lists(st.sampled_from(list(whole.columns)), min_size=1, max_size=4, unique=True))
    ddf = sample(net, 3000, seed=3, partition_rows=1100)
    same(ddf[names].compute(), whole[names])
    same(sample(net, 3000, seed=3, partition_rows=1100, columns=names).compute(), whole[names])
    column = ddf[names[0]].compute()
    assert (column == whole[names[0]]).all() and column.dtype == whole[names[0]].dtype
    array = sample(net, 3000, seed=3, partition_rows=1100, columns=names, as_array=True).compute()
    cells = list(whole.columns)
    assert np.array_equal(array, np.asarray(net.sample(3000, seed=3))[:, [cells.index(name) for name in names]])


def test_only_what_chosen_variables_depend_on_is_drawn():
    program = Program(ALARM.conditionals, ALARM.order)
    whole = program.sample(5000, 1, 2**32 - 2500)  # across a carry of the row's number
    for name in ALARM.names:
        chosen = ChosenVariables(program, [name])
        values = chosen.sample(5000, 1, 2**32 - 2500)
        assert np.array_equal(values.codes[0], whole.codes[ALARM.names.index(name)])
    drawn = {v for segment in ChosenVariables(program, ["HYPOVOLEMIA"]).segments for v in segment.members}
    assert ALARM.names.index("HYPOVOLEMIA") in drawn and len(drawn) < len(ALARM.names) / 2


def test_the_optimizer_passes_picked_columns_on():
    ddf = sample(ALARM, 10_000, seed=0, partition_rows=2500)
    assert "columns=['BP']" in str(ddf["BP"].optimize().expr.tree_repr())
    assert len(ddf) == 10_000
    assert ddf.loc[2490:2510].compute().index.tolist() == list(range(2490, 2511))
    counts = ddf["BP"].value_counts().compute()
    assert counts.to_dict() == ALARM.sample(10_000, seed=0).to_pandas()["BP"].value_counts().to_dict()


def test_given_and_do_are_those_of_sample():
    known = {"dysp": "yes"}, {"smoke": "no"}
    ddf = sample(ASIA, 2000, seed=1, start=5, partition_rows=600, given=known[0], do=known[1])
    expected = ASIA.sample(2000, seed=1, start=5, given=known[0], do=known[1]).to_pandas()
    same(ddf.compute(), expected, 5)
    same(ddf[["lung"]].compute(), expected[["lung"]], 5)
    forced = sample(ASIA, 2000, seed=1, partition_rows=600, do=known[1])
    same(forced.compute(), ASIA.sample(2000, seed=1, do=known[1]).to_pandas())


MODELS = {
    "made": lambda: fd.MADE(n_vars=5, hidden=(8,), seed=0),
    "nade": lambda: fd.NADE(n_vars=5, hidden=4, seed=0),
    "real": lambda: fd.MADE(n_vars=3, n_states=None, hidden=(8,), seed=0),
    "chain": lambda: fd.MarkovChain(order=1).fit(ASIA.sample(500, seed=0).block.T.astype(np.int64)),
}


@pytest.mark.parametrize("name", MODELS)
def test_autoregressive_models(name, tmp_path):
    model = MODELS[name]()
    rows = model.sample(700, seed=4)
    frame = sample(model, 700, seed=4, partition_rows=300).compute()
    assert np.array_equal(frame.to_numpy(), rows) and frame["x0"].dtype == rows.dtype
    assert np.array_equal(sample(model, 700, seed=4, partition_rows=300, as_array=True).compute(), rows)
    assert np.array_equal(sample(model, 700, seed=4, partition_rows=300)[["x2", "x0"]].compute(), rows[:, [2, 0]])
    to_parquet(model, 700, tmp_path / "rows", seed=4, partition_rows=300)
    read = pd.read_parquet(tmp_path / "rows")
    assert np.array_equal(read.astype(rows.dtype).to_numpy(), rows)


def test_a_seed_is_drawn_once():
    ddf = sample(ASIA, 900, partition_rows=300)
    assert ddf.compute().equals(ddf.compute())
    generator = np.random.default_rng(0)
    drawn = sample(ASIA, 900, seed=generator, partition_rows=300).compute()
    same(drawn, ASIA.sample(900, seed=np.random.default_rng(0)).to_pandas())


def test_the_model_is_in_the_graph_once():
    names = [f"v{i}" for i in range(1041)]
    table = np.full((4, 4, 4), 0.25)
    chain = {names[0]: fd.CPT([], table[0, 0]), names[1]: fd.CPT(names[:1], table[0])}
    net = fd.BayesNet(chain | {names[i]: fd.CPT(names[i - 2 : i], table) for i in range(2, 1041)})
    size = len(pickle.dumps(net))
    for made in (sample(net, 10**8, seed=0, partition_rows=10**5), sample(net, 10**8, seed=0, as_array=True)):
        graph = dict(made.optimize().__dask_graph__() if hasattr(made, "expr") else made.__dask_graph__())
        parts = [task for key, task in graph.items() if "model" not in str(key)]
        assert len(parts) >= 1000 and len(graph) <= len(parts) + 2
        assert max(len(pickle.dumps(task)) for task in parts[:5]) < size / 10


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, "n must be between", {"n": -1}),
        (ValueError, "2\\*\\*63", {"start": 2**63 - 5}),
        (ValueError, "partition_rows must be at least 1", {"partition_rows": 0}),
        (ValueError, "at most 1000000 partitions, got 2000000 rows", {"n": 2_000_000, "partition_rows": 1}),
        (KeyError, "columns=: no column 'nobody'", {"columns": ["nobody"]}),
        (TypeError, "list of names", {"columns": "smoke"}),
        (TypeError, "list of names, got 1", {"columns": 1}),
        (ValueError, "twice", {"columns": (name for name in ["smoke", "smoke"])}),
        (ValueError, "twice", {"columns": ["smoke", "smoke"]}),
        (ValueError, "rows of evidence", {"given": {"smoke": np.array([0, 1])}}),
        (KeyError, "nobody", {"given": {"nobody": 0}}),
        (fd.ImpossibleEvidenceError, "either", {"given": {"either": "no", "lung": "yes"}}),
        (KeyError, "nobody", {"do": {"nobody": 0}}),
        (ValueError, "seed", {"seed": -1}),
        (TypeError, "BayesNet or an autoregressive model", {"net": "asia"}),
        (fd.NotFittedError, "fit", {"net": fd.BayesNet.from_edges([("a", "b")])}),
        (TypeError, "one length", {"net": fd.MarkovChain(order=1).fit(["ab", "ba"])}),
        (ValueError, "context", {"net": fd.MADE(n_vars=3, hidden=(4,), n_context=2)}),
        (TypeError, "do= is for Bayes nets", {"net": fd.MADE(n_vars=3, hidden=(4,)), "do": {"x0": 1}}),
    ],
)
def test_what_cannot_be_drawn_is_said_at_once(error, words, arguments):
    with pytest.raises(error, match=words):
        sample(**{"net": ASIA, "n": 10, "seed": 0} | arguments)


# --- Parquet ---


@settings(max_examples=10)
@given(st.integers(0, 2500), st.integers(1, 1500), st.sampled_from([ASIA, HYBRID]))
def test_files_hold_the_rows_of_one_call(tmp_path_factory, n, partition_rows, net):
    folder = tmp_path_factory.mktemp("rows") / "deep" / "rows"
    partition_rows = max(partition_rows, n // 8 + 1)
    written = to_parquet(net, n, folder, seed=2, start=9, partition_rows=partition_rows)
    files = sorted(os.listdir(folder))
    assert files == [f"part-{p:05}.parquet" for p in range(max(1, -(-n // partition_rows)))]
    assert written[1:] == (n, len(files), sum(os.path.getsize(folder / name) for name in files), 2, 9)
    table = parquet.read_table(folder)
    assert table.equals(net.sample(n, seed=2, start=9).to_arrow())
    assert os.listdir(folder.parent) == ["rows"]


def test_every_reader_sees_one_data_set(tmp_path):
    import dask.dataframe as dd
    import polars as pl

    from fastdgm.io.rows import write_rows

    to_parquet(ALARM, 5000, tmp_path / "rows", seed=0, partition_rows=2000)
    write_rows(tmp_path / "one.parquet", ALARM.iter_samples(5000, 3000, seed=0), ALARM.states)
    for name in os.listdir(tmp_path / "rows"):
        part, one = (parquet.ParquetFile(path) for path in (tmp_path / "rows" / name, tmp_path / "one.parquet"))
        assert part.schema_arrow.equals(one.schema_arrow, check_metadata=True)
        a, b = (file.metadata.row_group(0).column(0) for file in (part, one))
        assert (a.compression, a.encodings) == (b.compression, b.encodings)
    same(pd.read_parquet(tmp_path / "rows"), ALARM.sample(5000, seed=0).to_pandas())
    assert pl.read_parquet(tmp_path / "rows").equals(pl.read_parquet(tmp_path / "one.parquet"))
    assert len(dd.read_parquet(tmp_path / "rows")) == 5000
    assert (
        ALARM.log_prob(parquet.read_table(tmp_path / "rows")).tolist()
        == ALARM.log_prob(ALARM.sample(5000, seed=0)).tolist()
    )


def test_what_is_there_is_not_lost(tmp_path, monkeypatch):
    rows = tmp_path / "rows"
    to_parquet(ASIA, 100, rows, seed=0)
    before = (rows / "part-00000.parquet").read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        to_parquet(ASIA, 100, rows, seed=1)
    from fastdgm.interop.dask.draws import NetworkDraws

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(NetworkDraws, "write", full_disk)
        with pytest.raises(OSError, match="No space"):
            to_parquet(ASIA, 100, rows, seed=1, overwrite=True)
    assert (rows / "part-00000.parquet").read_bytes() == before and os.listdir(tmp_path) == ["rows"]
    delayed = to_parquet(ASIA, 100, rows, seed=1, partition_rows=50, overwrite=True, compute=False)
    assert (rows / "part-00000.parquet").read_bytes() == before
    assert delayed.compute().n_files == 2 and sorted(os.listdir(rows)) == ["part-00000.parquet", "part-00001.parquet"]
    assert os.listdir(tmp_path) == ["rows"]
    (rows / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        to_parquet(ASIA, 100, rows, seed=1, overwrite=True)
    with pytest.raises(NotADirectoryError):
        to_parquet(ASIA, 100, rows / "notes.txt", seed=1)
    with pytest.raises(ValueError, match="s3://"):
        to_parquet(ASIA, 100, "s3://bucket/rows", seed=1)


class JustBeforeTheRename:
    """os.rename, before whose first call for a folder of new rows something else happens."""

    def __init__(self, event):
        self.events, self.rename = [event], os.rename

    def __call__(self, source, target):
        if str(source).endswith(".new") and self.events:
            self.events.pop()()
        self.rename(source, target)


@pytest.mark.parametrize("is_there", [False, True])
def test_clients_that_write_to_one_path_at_once(tmp_path, monkeypatch, is_there):
    rows = tmp_path / "rows"
    if is_there:
        to_parquet(ASIA, 100, rows, seed=0)
    other = JustBeforeTheRename(lambda: to_parquet(ASIA, 100, rows, seed=1, overwrite=is_there))
    monkeypatch.setattr(os, "rename", other)
    if is_there:
        to_parquet(ASIA, 100, rows, seed=2, overwrite=True)
    else:
        with pytest.raises(FileExistsError, match="overwrite=True"):
            to_parquet(ASIA, 100, rows, seed=2)
    assert not other.events and os.listdir(tmp_path) == ["rows"]
    assert parquet.read_table(rows).equals(ASIA.sample(100, seed=2 if is_there else 1).to_arrow())


def test_an_interrupt_while_folders_change_places(tmp_path, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    to_parquet(ASIA, 100, tmp_path / "rows", seed=0)
    monkeypatch.setattr(os, "rename", JustBeforeTheRename(interrupt))
    with pytest.raises(KeyboardInterrupt):
        to_parquet(ASIA, 100, tmp_path / "rows", seed=1, overwrite=True)
    assert os.listdir(tmp_path) == ["rows"]
    assert parquet.read_table(tmp_path / "rows").equals(ASIA.sample(100, seed=0).to_arrow())


def test_paths_of_bytes_and_none(tmp_path):
    assert to_parquet(ASIA, 10, os.fsencode(tmp_path / "rows"), seed=0).path == str(tmp_path / "rows")
    with pytest.raises(ValueError, match=r"folder of a disk .*got ''"):
        to_parquet(ASIA, 10, "", seed=0)


def test_files_that_are_discarded_while_they_are_put_in_place(tmp_path, monkeypatch):
    """The old ones stay: half of the new ones in their place would be worse."""
    new, rows, part = tmp_path / ".rows.token.new", tmp_path / "rows", Part("part-00000.parquet", 3, 4)
    for folder, content in ((new, b"1234"), (rows, b"old")):
        folder.mkdir()
        (folder / part.name).write_bytes(content)
    monkeypatch.setattr(os, "rename", JustBeforeTheRename(lambda: _discard(new)))
    with pytest.raises(FileNotFoundError):
        finish([part], str(new), str(rows), True)
    assert os.listdir(tmp_path) == ["rows"] and (rows / part.name).read_bytes() == b"old"


def test_the_last_step_may_be_done_again_and_misses_files(tmp_path):
    new, rows = tmp_path / "new", tmp_path / "rows"
    new.mkdir()
    parts = [Part("part-00000.parquet", 3, 4), Part("part-00001.parquet", 2, 4)]
    (new / parts[0].name).write_bytes(b"1234")
    with pytest.raises(OSError, match="part-00001"):
        finish(parts, str(new), str(rows), False)
    (new / parts[1].name).write_bytes(b"1234")
    (new / ".part-00001.parquet.tmp").write_bytes(b"of a killed worker")
    for _ in range(2):
        assert finish(parts, str(new), str(rows), False) == (5, 8)
    assert sorted(os.listdir(rows)) == [part.name for part in parts]


# --- workers ---


def test_workers_of_other_versions_are_refused(monkeypatch):
    own = same_versions.own_versions()
    same_versions.check_versions(own)
    same_versions.check_versions(own._replace(numpy=".".join([*own.numpy.split(".")[:2], "99"])))
    ddf = sample(ASIA, 10, seed=0)
    monkeypatch.setattr(same_versions, "own_versions", lambda: own._replace(fastdgm="0.0.9", numba="0.1"))
    with pytest.raises(VersionMismatchError, match=r"has fastdgm 0\.0\.9, the client .*; numba 0\.1"):
        ddf.compute()


def test_tasks_share_one_model_and_have_a_thread_each():
    from fastdgm.runtime import threads

    shipped = pickle.loads(pickle.dumps(cluster.Shipped(ALARM)))
    with fd.num_threads(4), shipped.opened() as first, shipped.opened() as second:
        assert first is second
        before = threads._pool
        first.sample(200_000, seed=0)
        assert threads._pool is before
    for model in range(cluster._KEPT + 3):
        with cluster.Shipped(model).opened() as found:
            assert found == model
    assert len(cluster._models) <= cluster._KEPT


def test_many_threads_draw_at_once():
    with dask.config.set(scheduler="threads", pool=ThreadPoolExecutor(8)):
        ddf = sample(HYBRID, 20_000, seed=5, partition_rows=500)
        same(ddf.compute(), HYBRID.sample(20_000, seed=5).to_pandas())
        same(ddf[["flowers"]].compute(), HYBRID.sample(20_000, seed=5).to_pandas()[["flowers"]])
