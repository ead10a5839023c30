"""The protocol that every reproduction here follows: train candidates, choose by validation, score the test set once.

A finished run is a model file and a JSON record in the work folder and is never trained again; an interrupted one goes
on from its checkpoint. The results file of an experiment names the chosen model and its test score, and is written
once: another choice for the same experiment is refused.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import fastdgm as fd
from bench.machine import machine_info
from fastdgm.runtime.files import atomic_file

Array = npt.NDArray[Any]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "reproduce"


@dataclass(frozen=True)
class Candidate:
    """A model to be trained: the arguments of its constructor besides ``n_vars``, and those of ``fit`` but the data."""

    name: str
    family: str
    model: dict[str, Any]
    fit: dict[str, Any]


class Trained(NamedTuple):
    """A finished run: its record, and log p of the validation rows."""

    record: dict[str, Any]
    valid: Array


class Splits(NamedTuple):
    """Rows (n, n_vars) of codes; the test rows stay a function until the one time they are scored."""

    train: Array
    valid: Array
    test: Callable[[], Array]


def train(candidate: Candidate, splits: Splits, work: Path) -> Trained:
    """Train the candidate, or go on with it; where its record exists, take that.

    Raises ValueError where the record is one of other settings.
    """
    work.mkdir(parents=True, exist_ok=True)
    record_file = work / f"{candidate.name}.json"
    if not record_file.exists():
        _train(candidate, splits, work, record_file)
    record = json.loads(record_file.read_text(encoding="utf-8"))
    settings = json.loads(json.dumps(asdict(candidate)))
    if {name: record[name] for name in settings} != settings:
        raise ValueError(f"{record_file} is of a run with other settings: rename the candidate or remove the file")
    return Trained(record, _model(work, candidate.name).log_prob(splits.valid))


def _train(candidate: Candidate, splits: Splits, work: Path, record_file: Path) -> None:
    model = getattr(fd, candidate.family)(splits.train.shape[1], **candidate.model)
    checkpoint = work / f"{candidate.name}.checkpoint"
    model.fit(splits.train, splits.valid, checkpoint=checkpoint, **candidate.fit)
    fd.write(model, work / f"{candidate.name}.safetensors")
    history = model.history
    best = min(history, key=lambda epoch: epoch["valid"])
    record = {
        **asdict(candidate),
        "n_parameters": model.n_parameters,
        "epochs": len(history),
        "best_epoch": best["epoch"],
        "seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        "train_nll": best["train"],
        "valid_nll": best["valid"],
        **provenance(),
    }
    record_file.write_text(json.dumps(record) + "\n", encoding="utf-8")
    checkpoint.unlink()


def _model(work: Path, name: str) -> Any:
    return fd.read(work / f"{name}.safetensors")


def provenance() -> dict[str, Any]:
    """The version that trained a model, and its threads."""
    git = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(fd.__file__).parent, capture_output=True, text=True, check=False
    )
    return {"fastdgm": fd.__version__, "commit": git.stdout.strip() or None, "threads": fd.get_num_threads()}


def mixture(log_probs: Sequence[Array]) -> Array:
    """log of the mean of the members' probabilities, (n,): logsumexp - log M."""
    return np.logaddexp.reduce(np.stack(log_probs), axis=0) - np.log(len(log_probs))


def choose(runs: Sequence[Trained], largest: int = 1) -> list[int]:
    """Numbers of the runs whose mixture does best in validation: greedily, while a further one still helps."""
    chosen: list[int] = []
    best = -np.inf
    while len(chosen) < min(largest, len(runs)):
        scores = {i: mixture([runs[j].valid for j in [*chosen, i]]).mean() for i in range(len(runs)) if i not in chosen}
        new = max(scores, key=lambda i: scores[i])
        if scores[new] <= best:
            break
        best = scores[new]
        chosen.append(new)
    return chosen


def run_experiment(
    name: str,
    candidates: Sequence[Candidate],
    splits: Splits,
    work: Path,
    *,
    largest: int = 1,
    targets: dict[str, float] | None = None,
    results: Path = RESULTS,
    test: bool = True,
) -> dict[str, Any]:
    """Train all candidates, choose the best one (or the best mixture of up to ``largest``), and score it once.

    With ``test=False`` the test set stays untouched and no results file is written.
    """
    runs = []
    for candidate in candidates:
        runs.append(train(candidate, splits, work))
        print(f"{name}: {candidate.name} valid {runs[-1].record['valid_nll']:.4f}", flush=True)
    chosen = choose(runs, largest)
    valid = -mixture([runs[i].valid for i in chosen])
    members = [candidates[i].name for i in chosen]
    print(f"{name}: chosen {' + '.join(members)}, valid {valid.mean():.4f}", flush=True)
    result = {
        "experiment": name,
        "chosen": members,
        "valid_nll": float(valid.mean()),
        "rows": {"train": len(splits.train), "valid": len(splits.valid)},
        "targets": targets or {},
        "seconds": round(sum(run.record["seconds"] for run in runs), 1),
        "runs": [run.record for run in runs],
    }
    if not test:
        return result
    return keep(result, results, lambda: _score([_model(work, member) for member in members], splits.test()))


def _score(members: Sequence[Any], rows: Array) -> dict[str, float]:
    log_prob = mixture([member.log_prob(rows) for member in members])
    error = float(log_prob.std() / np.sqrt(len(log_prob)))
    return {"test_rows": len(rows), "test_nll": float(-log_prob.mean()), "test_standard_error": error}


def keep(result: dict[str, Any], results: Path, score: Callable[[], dict[str, float]]) -> dict[str, Any]:
    """Score the test set and write the results file; where there is one of the same choice, that is the result."""
    file = results / f"{result['experiment']}.json"
    if file.exists():
        earlier: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if earlier["chosen"] != result["chosen"]:
            raise ValueError(f"{file}: the test set was scored for {earlier['chosen']}, not for {result['chosen']}")
        return earlier
    found = score()
    scored = result | found | {"scored_by": provenance(), "machine": machine_info()}
    results.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:
        out.write(_json(scored).encode())
    print(f"{result['experiment']}: {', '.join(f'{name} {value:.4f}' for name, value in found.items())}", flush=True)
    return scored


def _json(result: dict[str, Any]) -> str:
    """One entry to a line, and one run to a line."""
    runs = ",\n  ".join(json.dumps(run) for run in result["runs"])
    lines = [f'"{key}": {json.dumps(value)}' for key, value in result.items() if key != "runs"]
    return "{\n" + ",\n".join([*lines, f'"runs": [\n  {runs}\n]']) + "\n}\n"
