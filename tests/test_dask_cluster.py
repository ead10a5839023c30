"""fastdgm.interop.dask on a cluster of processes: a worker is killed in the middle, and the rows are the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import dask  # noqa: E402
from pyarrow import parquet  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.errors import VersionMismatchError  # noqa: E402
from fastdgm.interop.dask import cluster, sample, to_parquet  # noqa: E402
from fastdgm.interop.dask.draws import Columns, Draws, NetworkDraws  # noqa: E402

pytestmark = pytest.mark.slow
ALARM = fd.example("alarm")


@pytest.fixture(scope="module")
def client():
    """Two workers of one thread each; their logs are not of interest."""
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.worker.memory.terminate": False}
    with (
        dask.config.set({**settings, "distributed.logging.distributed": "critical"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
        ) as processes,
        distributed.Client(processes) as own,
    ):
        yield own


def kill_one_worker(client, when, delay=0.0):
    """SIGKILL to a worker that has work, as soon as ``when()`` says so."""

    def wait_and_kill():
        end = time.monotonic() + 120
        while not when() and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(delay)
        os.kill(next(iter(workers.values())), signal.SIGKILL)

    workers = client.run(os.getpid)
    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread, set(workers.values())


def pids(client):
    client.wait_for_workers(2, timeout=60)
    return set(client.run(os.getpid).values())


def test_rows_of_workers_of_which_one_is_killed(client):
    n = 500_000
    ddf = sample(ALARM, n, seed=1, partition_rows=20_000)
    codes = ddf.map_partitions(lambda frame: frame.apply(lambda own: own.cat.codes), meta=ddf._meta.apply(codes_of))
    future = client.compute(codes)
    thread, before = kill_one_worker(client, lambda: any(client.processing().values()), delay=0.1)
    found = future.result(timeout=120)
    thread.join()
    assert np.array_equal(found.to_numpy(), np.asarray(ALARM.sample(n, seed=1)))
    assert found.index.equals(ddf._meta.index.__class__(range(n)))
    assert pids(client) != before


def codes_of(column):
    return column.cat.codes


def test_files_of_workers_of_which_one_is_killed(client, tmp_path):
    n, rows = 900_000, tmp_path / "rows"

    def two_files_are_there():
        return len(list(tmp_path.glob(".rows.*.new/part-*.parquet"))) >= 2

    thread, before = kill_one_worker(client, two_files_are_there, delay=0.05)
    written = to_parquet(ALARM, n, rows, seed=1, partition_rows=75_000)
    thread.join()
    assert written[1:3] == (n, 12)
    assert os.listdir(tmp_path) == ["rows"] and len(os.listdir(rows)) == 12
    begin = 0
    for name in sorted(os.listdir(rows)):
        part = parquet.read_table(rows / name)
        assert part.equals(ALARM.sample(part.num_rows, seed=1, start=begin).to_arrow())
        begin += part.num_rows
    assert begin == n
    assert pids(client) != before


class Deadly(NetworkDraws):
    """Kills its worker."""

    def write(self, path: Path, begin: int, n: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_part_that_kills_its_workers_is_named(client, tmp_path, monkeypatch):
    monkeypatch.setattr("fastdgm.interop.dask.draws.NetworkDraws", Deadly)
    with pytest.raises(RuntimeError, match=r"rows 80 to 280 \(part 0\) to write"):  # of several dask may name another
        to_parquet(ALARM, 200, tmp_path / "rows", seed=1, start=80)
    assert os.listdir(tmp_path) == []
    pids(client)


class Asked(Draws):
    """Says what a task finds in its worker."""

    columns, bytes_per_row, key = ("x",), 1, 0

    def array(self, begin: int, n: int, columns: Columns = None):
        from fastdgm.runtime import threads

        return np.array([[threads._here.busy]])

    def frame(self, begin: int, n: int, columns: Columns = None):
        raise NotImplementedError

    def write(self, path: Path, begin: int, n: int) -> None:
        raise NotImplementedError


def test_a_task_has_a_thread_and_the_versions_of_the_client(client):
    from fastdgm.interop.dask.sampling import array_of_range

    shipped = cluster.Shipped(Asked())
    assert client.submit(array_of_range, 0, 1, shipped, None).result(timeout=60).tolist() == [[True]]
    shipped.versions = shipped.versions._replace(fastdgm="99.0")
    with pytest.raises(VersionMismatchError, match=r"worker tcp://.* has fastdgm .*, the client 99\.0"):
        client.submit(array_of_range, 0, 1, shipped, None).result(timeout=60)
