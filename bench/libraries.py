"""The libraries that are compared: one visible table."""

from __future__ import annotations

import os

from peers.base import Library, UnsuitableError
from peers.floors import CopyBytes, ReadBytes, WordPerCell, WordPerCluster
from peers.jax_gather import JaxGather
from peers.numpy_plain import NumpyPlain
from peers.numpy_tuned import NumpyTuned
from peers.ours import FastDGM, FastDGMTwoThreads
from peers.pgmpy_frames import Pgmpy
from peers.pyagrum_native import PyAgrum
from peers.pybnesian_arrow import PyBNesian

import fastdgm as fd

LIBRARIES: dict[str, type[Library]] = {
    "fastdgm-1": FastDGM,
    "fastdgm-2": FastDGMTwoThreads,
    "numpy": NumpyPlain,
    "numpy-tuned": NumpyTuned,
    "jax": JaxGather,
    "pybnesian": PyBNesian,
    "pyagrum": PyAgrum,
    "pgmpy": Pgmpy,
    "copy": CopyBytes,
    "read": ReadBytes,
    "word-per-cell": WordPerCell,
    "word-per-cluster": WordPerCluster,
}


def open_library(name: str, operation: str, net: fd.BayesNet, samples: fd.Samples) -> Library:
    """A library ready for one operation on these rows, or on the first of them where it is slow.

    Raises UnsuitableError with the reason: not installed, no such operation, too few cores, too slow.
    """
    cls = LIBRARIES[name]
    if not cls.offers(operation):
        raise UnsuitableError(f"has no batched {operation}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cls.threads > cores:
        raise UnsuitableError(f"needs {cls.threads} cores, this machine has {cores}")
    n_rows = cls.rows_for(operation, len(samples), len(net))
    try:
        return cls(net, samples[:n_rows])
    except ImportError as error:
        raise UnsuitableError(f"not installed ({error})") from None
