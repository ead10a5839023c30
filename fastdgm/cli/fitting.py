"""The command that learns a network from rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..runtime.files import check_target
from .inputs import Inputs
from .models import rows_per_chunk
from .networks import ReadOptions, check_other_file, load_network
from .outputs import progress

if TYPE_CHECKING:
    from ..bayesnet import BayesNet


def fit(
    net: str,
    data: list[str],
    out: str,
    prior: float | str,
    equivalent_sample_size: float,
    ignore_extra: bool,
    chunk: int | None,
    reading: ReadOptions,
) -> None:
    """Learn the tables of a network's structure from rows, chunk by chunk.

    States that the network does not have are learnt as ``BayesNet.fit`` learns them, from all rows at once.
    """
    from ..bayesnet import BayesNet
    from ..io import write
    from ..learning.counts import checked_prior

    with Inputs(data) as inputs:
        check_other_file(out, net, *inputs.paths)
        model = load_network(net, reading, "fit")
        checked_prior(prior, equivalent_sample_size)
        _check_output(model, out)
        fitted = BayesNet.from_edges(model.edges, model.names, model.states)
        size = rows_per_chunk(len(model), chunk)
        found = inputs.read(model.names, model.states, size, ignore_extra=ignore_extra)
        if len(model.states) < len(model):
            found = iter([(0, _together([rows for _, rows in found]))])
        n_rows = 0
        for first, rows in progress(found, out, size=lambda part: len(part[1])):
            with inputs.located(first):
                fitted.partial_fit(rows, prior=prior, equivalent_sample_size=equivalent_sample_size)
            n_rows += len(rows)
    write(fitted, out)
    print(f"{out}: {fitted.n_parameters} parameters from {n_rows} rows")


def _together(parts: list[Any]) -> Any:
    """All chunks as one array or table. Raises ValueError where their columns are of different types."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import pyarrow as pa

    return pa.concat_tables(_tables(parts))


def _tables(parts: list[Any]) -> Iterator[Any]:
    import pyarrow as pa

    for part in parts:
        yield part if isinstance(part, pa.Table) else pa.Table.from_batches([part])


def _check_output(model: BayesNet, out: str) -> None:
    """Find out before the work whether the format and the folder can take such a network."""
    from ..io import format_of

    form = format_of(Path(out))
    if model.is_fitted:
        form.write(model)
    if check_target(out) is not None and not os.path.isfile(out):
        return  # a device needs no folder to write a temporary file to
    try:
        with TemporaryFile(dir=os.path.dirname(os.path.realpath(out))):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, out) from None
