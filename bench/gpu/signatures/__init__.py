"""The types for which every twin is compiled without a card: a file for each family, one list of all.

A twin that is new or has other arguments changes the file of its family. ``tests/test_cuda_compiles.py`` and
``bench/gpu/ptx.py`` compile what is listed here.
"""

from __future__ import annotations

from .answer_signatures import answer_signatures
from .evidence_signatures import evidence_signatures
from .hmm_signatures import hmm_signatures
from .interval_signatures import interval_signatures
from .loader_signatures import loader_signatures
from .logistic_signatures import logistic_signatures
from .markov_signatures import markov_signatures, sequence_signatures
from .masked_signatures import masked_signatures
from .matrix_signatures import matrix_signatures
from .module_signatures import module_signatures
from .moments_signatures import moments_signatures
from .nade_signatures import nade_signatures
from .noise_signatures import noise_signatures
from .scalar_signatures import scalar_signatures
from .signature import Signature
from .table_signatures import table_signatures
from .term_signatures import term_signatures
from .vector_signatures import vector_signatures

__all__ = ["Signature", "all_signatures"]


def all_signatures() -> list[Signature]:
    """In the order of the families."""
    return [
        *loader_signatures(),
        *term_signatures(),
        *table_signatures(),
        *logistic_signatures(),
        *scalar_signatures(),
        *noise_signatures(),
        *vector_signatures(),
        *interval_signatures(),
        *moments_signatures(),
        *sequence_signatures(),
        *markov_signatures(),
        *hmm_signatures(),
        *matrix_signatures(),
        *masked_signatures(),
        *nade_signatures(),
        *module_signatures(),
        *evidence_signatures(),
        *answer_signatures(),
    ]
