"""ALARM to Parquet and back to tables: two worker processes of dask against one process with two threads.

    python bench/scale_out/run.py --rows 100000000

Every measurement is a process of its own, which compiles and warms up outside the clock; a cluster is started outside
it, too. Rows are compared by hashes of the columns' codes, with each other and with those of ``net.sample``. Keeps
``bench/results/scale_out.json``; ``--folder`` says where the files go (7 bytes a row, twice), which are deleted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import machine_info, write_results

NETWORK, SEED = "alarm", 20
WORKERS = THREADS = 2
WARM_PARTS, WARM_ROWS = 16, 20_000
CELLS = 1 << 23  # of a row group, as the command line writes them
GIB = 1 << 30

Found = dict[str, Any]
Work = Callable[[int, Path, int | None], Any]  # of rows, a folder, rows of a part


def peak_memory() -> int:
    """Bytes of this process that were in memory at once."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))


def timed(work: Work, rows: int, folder: Path) -> tuple[float, Any]:
    """Seconds of work on all rows, after the same on a few elsewhere, in so many parts that every worker has some."""
    with tempfile.TemporaryDirectory(dir=folder) as warm:
        work(WARM_PARTS * WARM_ROWS, Path(warm), WARM_ROWS)
    start = perf_counter()
    found = work(rows, folder, None)
    return perf_counter() - start, found


def on_cluster(work: Work, rows: int, folder: Path) -> Found:
    """The same with workers: their peak memory, and the client's."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        seconds, found = timed(work, rows, folder)
        return {"s": seconds, "found": found, "worker_bytes": max(client.run(peak_memory).values())}


def in_one_process(work: Work, rows: int, folder: Path) -> Found:
    """The same on two threads."""
    import fastdgm as fd

    with fd.num_threads(THREADS):
        seconds, found = timed(work, rows, folder)
    return {"s": seconds, "found": found}


# --- what is measured ---


def write_one(rows: int, folder: Path, part: int | None) -> int:
    """``fastdgm sample alarm -n rows -o one.parquet``."""
    import fastdgm as fd
    from fastdgm.io.rows import write_rows

    net = fd.example(NETWORK)
    file = folder / "one.parquet"
    write_rows(file, net.iter_samples(rows, CELLS // len(net), seed=SEED), net.states)
    return file.stat().st_size


def write_dask(rows: int, folder: Path, part: int | None) -> int:
    """A folder of as many rows."""
    import fastdgm as fd
    from fastdgm.interop.dask import to_parquet

    net, path = fd.example(NETWORK), folder / "parts"
    return to_parquet(net, rows, path, seed=SEED, partition_rows=part, overwrite=True).n_bytes


def fit_one(rows: int, folder: Path, part: int | None) -> str:
    """Read the folder and learn the tables, all rows in memory."""
    from pyarrow import parquet

    import fastdgm as fd

    ensure_parts(rows, folder, part)
    return digest(fd.example(NETWORK).fit(parquet.read_table(folder / "parts")))


def fit_dask(rows: int, folder: Path, part: int | None) -> str:
    """The same by tasks, each of a file."""
    import dask.dataframe as dd

    import fastdgm as fd
    from fastdgm.interop.dask import fit

    ensure_parts(rows, folder, part)
    return digest(fit(fd.example(NETWORK), dd.read_parquet(folder / "parts")))


def ensure_parts(rows: int, folder: Path, part: int | None) -> None:
    """Those that a measurement before has left; a few of its own where it warms up."""
    if not (folder / "parts").exists():
        write_dask(rows, folder, part)


def digest(net: Any) -> str:
    """Of all tables, to the last bit."""
    found = blake2b(digest_size=16)
    for name in net.names:
        found.update(net[name].table.tobytes())
    return found.hexdigest()


def columns_digest(chunks: Iterator[list[Any]], n_columns: int) -> str:
    """Of the codes of every column, however the rows are cut."""
    columns = [blake2b(digest_size=16) for _ in range(n_columns)]
    for codes in chunks:
        for column, own in zip(columns, codes, strict=True):
            column.update(own)
    return blake2b(b"".join(column.digest() for column in columns), digest_size=16).hexdigest()


def compare(rows: int, folder: Path) -> dict[str, str]:
    """Digests of one file, of the folder, and of what ``sample`` draws."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    import fastdgm as fd

    net = fd.example(NETWORK)

    def codes_of(batch: pa.RecordBatch) -> list[Any]:
        codes = []
        for name, column in zip(net.names, batch.columns, strict=True):
            place = {label: code for code, label in enumerate(net.states[name])}
            codes_of_dictionary = np.array([place[label] for label in column.dictionary.to_pylist()], np.uint8)
            codes.append(codes_of_dictionary[np.asarray(column.indices)])
        return codes

    def of_files(files: list[Path]) -> str:
        batches = (batch for file in files for batch in parquet.ParquetFile(file).iter_batches(batch_size=1 << 18))
        return columns_digest(map(codes_of, batches), len(net))

    samples = net.iter_samples(rows, 1 << 18, seed=SEED)
    return {
        "one": of_files([folder / "one.parquet"]),
        "dask": of_files(sorted((folder / "parts").iterdir())),
        "sample": columns_digest((list(chunk.block) for chunk in samples), len(net)),
    }


CHILDREN: dict[str, Callable[[int, Path], Any]] = {
    "write one": lambda rows, folder: in_one_process(write_one, rows, folder),
    "write dask": lambda rows, folder: on_cluster(write_dask, rows, folder),
    "fit one": lambda rows, folder: in_one_process(fit_one, rows, folder),
    "fit dask": lambda rows, folder: on_cluster(fit_dask, rows, folder),
    "compare": compare,
}


def measured(child: str, rows: int, folder: Path) -> Any:
    """What a process of its own finds."""
    command = [sys.executable, __file__, "--child", child, "--rows", str(rows), "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(child, found, flush=True)
    return found


def records(rows: int, rounds: int, folder: Path) -> list[Found]:
    """Times of both ways of writing and learning, in turns."""
    found = []
    for operation in ("write", "fit"):
        times: dict[str, list[Found]] = {"one": [], "dask": []}
        for _ in range(rounds):
            for way, own in times.items():
                own.append(measured(f"{operation} {way}", rows, folder))
        one, dask = (median(each["s"] for each in own) for own in times.values())
        if operation == "write":
            same = len(set(measured("compare", rows, folder).values())) == 1
        else:
            same = len({each["found"] for own in times.values() for each in own}) == 1
        found.append(
            {
                "operation": operation,
                "network": NETWORK,
                "rows": rows,
                "rounds": rounds,
                "one_s": one,
                "dask_s": dask,
                "ratio": dask / one,
                "same": same,
                "one_bytes": max(each["process_bytes"] for each in times["one"]),
                "worker_bytes": max(each["worker_bytes"] for each in times["dask"]),
                "client_bytes": max(each["process_bytes"] for each in times["dask"]),
            }
        )
    return found


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for the files; a temporary one")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    own = parser.parse_args()
    if own.child is not None:
        found = CHILDREN[own.child](own.rows, own.folder)
        if "s" in found:
            found["process_bytes"] = peak_memory()
        print(json.dumps(found))
        return
    machine = machine_info()
    folder = Path(tempfile.mkdtemp(dir=own.folder))
    try:
        found = records(own.rows, own.rounds, folder)
    finally:
        shutil.rmtree(folder)
    print(write_results("scale_out", {"machine": machine, "results": found}))


if __name__ == "__main__":
    main()
