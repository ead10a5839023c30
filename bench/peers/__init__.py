"""The libraries that are compared, by family of workloads: one visible table, one file per library.

A file imports its library when a peer is opened, so that a missing one leaves out its own rows only.
"""

from __future__ import annotations

from .base import Peer
from .bernoulli_bayes import SklearnBernoulli, TorchBernoulli
from .evidence_floors import MultiplyAdds, ReadPartial
from .floors import CopyBytes, HalvedProducts, NormalPerCell, ReadBytes, ReadCodes, ReadInt64, WordPerCell
from .flows import NflowsMAF, ZukoMAF
from .jax_gather import JaxGather
from .logistic_nodes import SklearnLogistic, TorchLogistic
from .nbn_evidence import NbnBatch
from .normal_numbers import NumpyNormals, OurQuantile, TorchQuantile
from .numpy_hybrid import NumpyConditional, NumpyGram
from .numpy_markov import NumpyMarkovRows, NumpyMarkovText
from .numpy_tables import NumpyPlain, NumpyTuned
from .ours import (
    OurClassifier,
    OurEpoch,
    OurForms,
    OurLinear,
    OurLogistic,
    OurMixture,
    OurOneRow,
    OurRows,
    Ours,
    OurStrings,
    OurTables,
    OurText,
)
from .ours_evidence import (
    OurCases,
    OurComplete,
    OurConditional,
    OurEvidence,
    OurFirstAnswer,
    OurIncomplete,
    OurIterations,
)
from .ours_neural import (
    OurAutoencoder,
    OurAutoencoderEpoch,
    OurContext,
    OurGradients,
    OurMadeAlone,
    OurMixed,
)
from .parts_alone import KernelsAlone, PerceptronAlone, TablesAlone
from .pgmpy_evidence import PgmpyEvidence
from .pgmpy_frames import Pgmpy
from .pyagrum_evidence import PyAgrumCases, PyAgrumEvidence
from .pyagrum_native import PyAgrum
from .pybnesian_arrow import PyBNesian
from .pybnesian_hybrid import PyBNesianHybrid
from .scipy_normal import ScipyNormal, ScipyQuantile
from .sklearn_mixture import SklearnMixture
from .torch_autoencoder import AutoencoderAdam, AutoencoderFusedAdam, BareDecoder, PlainSampler
from .torch_gradients import NodeLoop
from .torch_linear import TorchNodes
from .torch_masked import HalvedProduct, IncrementalLoop, MasksAtEveryCall, MasksBeforehand, OnePassPerVariable
from .torch_nade import StepLoop, StepLoopOnes
from .torch_training import Adam, FusedAdam

PEERS: dict[str, tuple[type[Peer], ...]] = {
    "tables": (
        OurTables,
        NumpyPlain,
        NumpyTuned,
        JaxGather,
        PyBNesian,
        PyAgrum,
        Pgmpy,
        CopyBytes,
        ReadBytes,
        WordPerCell,
    ),
    "forms of data": (OurForms, ReadInt64),
    "one row": (OurOneRow,),
    "masked network": (Ours, OnePassPerVariable, IncrementalLoop, MasksAtEveryCall, MasksBeforehand, HalvedProduct),
    "NADE": (Ours, StepLoop, StepLoopOnes),
    "zuko": (Ours, ZukoMAF),
    "nflows": (Ours, NflowsMAF),
    "training": (OurEpoch, Adam, FusedAdam),
    "chain over text": (OurText, NumpyMarkovText, ReadCodes),
    "chain over rows": (OurRows, NumpyMarkovRows),
    "chain over strings": (OurStrings,),
    "linear Gaussian": (
        OurLinear,
        TorchNodes,
        PyBNesianHybrid,
        ScipyNormal,
        NumpyConditional,
        NumpyGram,
        CopyBytes,
        ReadBytes,
        NormalPerCell,
    ),
    "conditional Gaussian": (OurLinear, PyBNesianHybrid, NumpyConditional, NormalPerCell),
    "mixture": (OurMixture, SklearnMixture, HalvedProducts),
    "logistic": (OurLogistic, TorchLogistic, SklearnLogistic, WordPerCell),
    "naive Bayes": (OurClassifier, SklearnBernoulli, TorchBernoulli),
    "autoencoder": (OurAutoencoder, BareDecoder, PlainSampler),
    "training of an autoencoder": (OurAutoencoderEpoch, AutoencoderAdam, AutoencoderFusedAdam),
    "mixed with a perceptron": (OurMixed, PerceptronAlone, KernelsAlone),
    "gradients": (OurGradients, NodeLoop),
    "images of a class": (OurContext, OurMadeAlone),
    "evidence": (OurEvidence, PyAgrumEvidence, NbnBatch, PgmpyEvidence, MultiplyAdds, ReadPartial),
    "cases": (OurCases, PyAgrumCases),
    "complete rows": (OurComplete, TablesAlone),
    "conditional sampling": (OurConditional, CopyBytes),
    "incomplete rows": (OurIncomplete, OurIterations),
    "first answer": (OurFirstAnswer,),
    "normals": (OurQuantile, TorchQuantile, ScipyQuantile, NumpyNormals),
}
