"""fastdgm: fast, exact sampling and likelihood for directed generative models.

Names load on first use (PEP 562), so ``import fastdgm`` costs little more than ``import numpy``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .runtime import forks as _forks  # noqa: F401  (makes forks wait for what other threads have locked)

__version__ = "0.1.0"  # the one place: pyproject.toml reads it from here

# fastdgm/kernels is a link to ../kernels. Where there is none (an unpacked sdist; on Windows git without core.symlinks
# writes a file in its place), kernels are found beside this folder. In what is installed they are in this folder.
if not os.path.isdir(os.path.join(__path__[0], "kernels")):
    _beside = os.path.dirname(__path__[0])
    if os.path.isfile(os.path.join(_beside, "kernels", "philox.py")):
        __path__.append(_beside)

_HOME = {
    "Autoregressive": "autoregressive.module",
    "BayesNet": "bayesnet",
    "CPT": "conditionals.table",
    "Bernoulli": "conditionals.table",
    "Categorical": "conditionals.table",
    "Exponential": "conditionals.roots",
    "Laplace": "conditionals.roots",
    "LinearGaussian": "conditionals.gaussian",
    "Normal": "conditionals.gaussian",
    "Uniform": "conditionals.roots",
    "FVSBN": "autoregressive.fvsbn",
    "Deterministic": "conditionals.deterministic",
    "Logistic": "conditionals.logistic",
    "MADE": "autoregressive.made",
    "MarkovChain": "autoregressive.markov",
    "MultivariateNormal": "conditionals.multivariate",
    "NADE": "autoregressive.nade",
    "Neural": "conditionals.neural",
    "NoisyOr": "conditionals.noisy_or",
    "PosteriorTable": "inference.posterior_table",
    "CudaSamples": "data.cuda_samples",
    "Samples": "data.samples",
    "SamplingInfo": "inference.sampling_info",
    "Softmax": "conditionals.logistic",
    "CudaUnavailableError": "errors",
    "FormatError": "errors",
    "ImpossibleEvidenceError": "errors",
    "MissingValuesError": "errors",
    "NotFittedError": "errors",
    "UnknownNameError": "errors",
    "example": "examples",
    "example_names": "examples",
    "from_pgmpy": "interop.pgmpy",
    "from_pyagrum": "interop.pyagrum",
    "from_sklearn": "interop.sklearn.networks",
    "from_torch": "interop.torch",
    "full_joint": "structures",
    "gaussian_mixture": "structures",
    "get_num_threads": "runtime.threads",
    "independent": "structures",
    "markov_chain": "structures",
    "naive_bayes": "structures",
    "num_threads": "runtime.threads",
    "patch": "interop.patches",
    "read": "io",
    "set_num_threads": "runtime.threads",
    "show_versions": "versions",
    "write": "io",
}

_SUBMODULES = ("interop", "kernels", "plot")

__all__ = [*_HOME, *_SUBMODULES, "__version__"]  # noqa: PLE0604, RUF100

if TYPE_CHECKING:
    from . import interop as interop
    from . import kernels as kernels
    from . import plot as plot
    from .autoregressive.fvsbn import FVSBN as FVSBN
    from .autoregressive.made import MADE as MADE
    from .autoregressive.markov import MarkovChain as MarkovChain
    from .autoregressive.module import Autoregressive as Autoregressive
    from .autoregressive.nade import NADE as NADE
    from .bayesnet import BayesNet as BayesNet
    from .conditionals.deterministic import Deterministic as Deterministic
    from .conditionals.gaussian import LinearGaussian as LinearGaussian
    from .conditionals.gaussian import Normal as Normal
    from .conditionals.logistic import Logistic as Logistic
    from .conditionals.logistic import Softmax as Softmax
    from .conditionals.multivariate import MultivariateNormal as MultivariateNormal
    from .conditionals.neural import Neural as Neural
    from .conditionals.noisy_or import NoisyOr as NoisyOr
    from .conditionals.roots import Exponential as Exponential
    from .conditionals.roots import Laplace as Laplace
    from .conditionals.roots import Uniform as Uniform
    from .conditionals.table import CPT as CPT
    from .conditionals.table import Bernoulli as Bernoulli
    from .conditionals.table import Categorical as Categorical
    from .data.cuda_samples import CudaSamples as CudaSamples
    from .data.samples import Samples as Samples
    from .errors import CudaUnavailableError as CudaUnavailableError
    from .errors import FormatError as FormatError
    from .errors import ImpossibleEvidenceError as ImpossibleEvidenceError
    from .errors import MissingValuesError as MissingValuesError
    from .errors import NotFittedError as NotFittedError
    from .errors import UnknownNameError as UnknownNameError
    from .examples import example as example
    from .examples import example_names as example_names
    from .inference.posterior_table import PosteriorTable as PosteriorTable
    from .inference.sampling_info import SamplingInfo as SamplingInfo
    from .interop.patches import patch as patch
    from .interop.pgmpy import from_pgmpy as from_pgmpy
    from .interop.pyagrum import from_pyagrum as from_pyagrum
    from .interop.sklearn.networks import from_sklearn as from_sklearn
    from .interop.torch import from_torch as from_torch
    from .io import read as read
    from .io import write as write
    from .runtime.threads import get_num_threads as get_num_threads
    from .runtime.threads import num_threads as num_threads
    from .runtime.threads import set_num_threads as set_num_threads
    from .structures import full_joint as full_joint
    from .structures import gaussian_mixture as gaussian_mixture
    from .structures import independent as independent
    from .structures import markov_chain as markov_chain
    from .structures import naive_bayes as naive_bayes
    from .versions import show_versions as show_versions


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f".{name}", __name__)
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'fastdgm' has no attribute {name!r}") from None
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
