"""All tables of twins, by the name under which results know them."""

from __future__ import annotations

from fastdgm.data.cuda_codes import LOOPS as SEQUENCES
from fastdgm.data.cuda_loading import LOOPS as LOADER
from fastdgm.engines.cuda_matrices import LOOPS as MATRICES
from fastdgm.engines.elimination.loops_cuda import LOOPS as ELIMINATION
from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
from fastdgm.engines.hmm.loops_cuda import LOOPS as HIDDEN
from fastdgm.engines.intervals.loops_cuda import LOOPS as INTERVALS
from fastdgm.engines.junction.loops_cuda import LOOPS as JUNCTION
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS as SLICED
from fastdgm.engines.logistic.loops_cuda import LOOPS as LOGISTIC
from fastdgm.engines.markov.loops_cuda import LOOPS as MARKOV
from fastdgm.engines.masked.loops_cuda import LOOPS as MASKED
from fastdgm.engines.moments.loops_cuda import LOOPS as MOMENTS
from fastdgm.engines.multivariate.loops_cuda import LOOPS as VECTORS
from fastdgm.engines.nade.loops_cuda import LOOPS as NADE
from fastdgm.engines.program_loops_cuda import LOOPS as TERMS
from fastdgm.engines.roots.loops_cuda import LOOPS as ROOTS
from fastdgm.engines.tables.loops_cuda import LOOPS as TABLES
from fastdgm.engines.torch.neural_loops_cuda import LOOPS as NEURAL
from fastdgm.engines.torch.noise_cuda import LOOPS as NOISE
from fastdgm.runtime.cuda_launch import Twin

FAMILIES: dict[str, dict[tuple[str, str], Twin]] = {
    "loader": {(verb, "cuda"): twin for verb, twin in LOADER.items()},
    "sequences": {(verb, "cuda"): twin for verb, twin in SEQUENCES.items()},
    "terms": TERMS,
    "tables": TABLES,
    "logistic": LOGISTIC,
    "gaussian": GAUSSIAN,
    "roots": ROOTS,
    "elimination": ELIMINATION,
    "junction": JUNCTION,
    "sliced elimination": SLICED,
    "intervals": INTERVALS,
    "markov": MARKOV,
    "hidden chains": HIDDEN,
    "matrices": MATRICES,
    "masked": MASKED,
    "multivariate": VECTORS,
    "moments": MOMENTS,
    "nade": NADE,
    "neural": NEURAL,
    "noise": NOISE,
}


def twin_names() -> set[str]:
    """``family: verb`` of every twin."""
    return {f"{family}: {verb}" for family, loops in FAMILIES.items() for verb, _ in loops}
