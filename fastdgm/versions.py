"""What a report of an error needs: versions, the CPU that is compiled for, threads, the compile cache, CUDA."""

from __future__ import annotations

import os
import platform
import sys
import textwrap
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from . import __version__
from .errors import CudaUnavailableError
from .runtime.threads import get_num_threads

NEEDED = ("numpy", "numba", "llvmlite", "safetensors", "defusedxml")
OPTIONAL = (
    *("torch", "pandas", "polars", "pyarrow", "dask", "distributed", "pyspark", "ray", "scikit-learn", "scipy"),
    *("matplotlib", "graphviz", "tqdm", "pgmpy", "pyagrum", "hmmlearn", "nltk", "zuko", "nflows", "sbi", "pyro-ppl"),
    "numba-cuda",
)
_LABEL = 16  # characters
_WIDTH = 100


def show_versions(*, cuda: bool = False) -> None:
    """Print what a report of an error needs; the command line's ``fastdgm --version`` prints the same.

    Versions of fastdgm, Python and packages (read from their metadata, none is imported but numba), the CPU and its
    features that kernels are compiled for, threads, the folder and size of the compile cache, settings of the
    environment. A GPU is looked for only with ``cuda=True``: that initialises CUDA, after which a process should not
    fork. What cannot be found out is said in its line: nothing is raised.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.show_versions()  # doctest: +ELLIPSIS
    fastdgm ...
      Python          3...
    """
    print(described_versions(cuda=cuda))


def described_versions(*, cuda: bool = False) -> str:
    """The text of :func:`show_versions`; its first line is ``fastdgm`` and the version, and nothing else."""
    lines = [f"fastdgm {__version__}"]
    for label, fact in _facts(cuda).items():
        indent = " " * (_LABEL + 2)
        lines += textwrap.wrap(f"  {label:<{_LABEL}}{fact}", _WIDTH, subsequent_indent=indent, break_long_words=False)
    return "\n".join(lines)


def _facts(cuda: bool) -> dict[str, str]:
    packages = {name: found for name in (*NEEDED, *OPTIONAL) if (found := _version(name)) or name in NEEDED}
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if _counts(name)]
    return {
        "Python": f"{sys.version.split()[0]} ({platform.python_implementation()}, {sys.executable})",
        "platform": f"{platform.platform()}, {sys.byteorder}-endian",
        "installed in": str(Path(__file__).parent),
        **{name: found or "NOT INSTALLED" for name, found in packages.items()},
        **_compiler(),
        "threads": _threads(),
        "CUDA": _cuda() if cuda else _cuda_package(),
        "settings": ", ".join(settings) or "none",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _counts(setting: str) -> bool:
    return setting.startswith(("FASTDGM_", "NUMBA_", "CUDA_")) or setting.endswith("_NUM_THREADS")


def _threads() -> str:
    try:
        return f"{get_num_threads()}, of {os.cpu_count()} CPUs"
    except ValueError as error:
        return str(error)


# --- numba: an installation that does not fit together is what this is often asked for ------------------------------


def _compiler() -> dict[str, str]:
    try:
        return {"compiled for": _processor(), "compile cache": _cache()}
    except Exception as error:  # what a broken package raises can be of any kind
        return {"compiled for": f"nothing: numba cannot be imported: {type(error).__name__}: {error}"}


def _processor() -> str:
    """Name and features of the CPU as numba takes them: its settings, else what LLVM finds."""
    from llvmlite import binding
    from numba import config

    settings = {name: getattr(config, name, None) for name in ("CPU_NAME", "CPU_FEATURES")}
    name = settings["CPU_NAME"] or binding.get_host_cpu_name()
    features = settings["CPU_FEATURES"]
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    present = sorted(feature[1:] for feature in features.split(",") if feature.startswith("+"))
    return f"{name} ({platform.machine()}) with {' '.join(present) or 'no features'}"


def _cache() -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from .engines.cache import cache_folder

        folder = cache_folder()
    if folder is None:
        return "none" + "".join(f": {warning.message}" for warning in caught)
    sizes = [size for path in folder.rglob("*") if (size := _size(path)) is not None]
    return f"{folder}, {sum(sizes) / 2**20:.1f} MiB in {len(sizes)} files"


def _size(path: Path) -> int | None:
    """Bytes of a file; None for what is none, or has just been removed by another process."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


# --- CUDA -----------------------------------------------------------------------------------------------------------


def _cuda_package() -> str:
    if find_spec("numba_cuda") is None:
        return "numba-cuda is not installed"
    return "numba-cuda is installed; show_versions(cuda=True) looks for a GPU"


def _cuda() -> str:
    from .runtime.cuda_card import check_card

    try:
        check_card(0)
        from numba import cuda

        card = cuda.get_current_device()
        name = card.name.decode() if isinstance(card.name, bytes) else card.name
        return f"{name}, compute capability {'.'.join(map(str, card.compute_capability))}"
    except CudaUnavailableError as error:
        return str(error)
    except Exception as error:  # of a driver: any
        return f"cannot be used: {type(error).__name__}: {error}"
