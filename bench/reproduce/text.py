"""Characters: the names of names.txt and tiny shakespeare by Markov chains, order and smoothing chosen by validation.

    PYTHONPATH=. python bench/reproduce/text.py --data FOLDER [--only names]

Names: 80 / 10 / 10 % of the lines after a shuffle by seed 0, each name scored with its end. Shakespeare: the first
90 %, the next 5 % and the last 5 % of the file, each scored as one sequence without its end.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastdgm as fd
from bench.reproduce.options import parse
from bench.reproduce.protocol import keep

ORDERS = range(1, 9)
SMOOTHINGS: tuple[dict[str, Any], ...] = (
    {"smoothing": "witten-bell"},
    {"smoothing": "kneser-ney"},
    *({"smoothing": "add-alpha", "alpha": alpha} for alpha in (0.01, 0.1, 1.0)),
)


class Texts(NamedTuple):
    """Sequences; the test ones stay a function until the one time they are scored."""

    train: list[str]
    valid: list[str]
    test: Callable[[], list[str]]
    with_ends: bool


def load_names(data: Path) -> Texts:
    """``text/names.txt``, shuffled by seed 0."""
    names = (data / "text" / "names.txt").read_text(encoding="utf-8").split()
    order = np.random.default_rng(0).permutation(len(names))
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    shuffled = [names[i] for i in order]
    return Texts(shuffled[:first], shuffled[first:second], lambda: shuffled[second:], with_ends=True)


def load_shakespeare(data: Path) -> Texts:
    """``text/tinyshakespeare.txt.gz``, in the order of the file."""
    text = gzip.decompress((data / "text" / "tinyshakespeare.txt.gz").read_bytes()).decode("ascii")
    first, second = int(0.9 * len(text)), int(0.95 * len(text))
    return Texts([text[:first]], [text[first:second]], lambda: [text[second:]], with_ends=False)


def score(model: fd.MarkovChain, sequences: Sequence[str], with_ends: bool) -> dict[str, float]:
    """Symbols that were scored, and the mean of -log p per symbol in nats and bits (and per sequence, with ends)."""
    terms, offsets = model.log_prob(list(sequences), per_variable=True)
    if not with_ends:
        terms = np.delete(terms, offsets[1:] - 1)
    nll = float(-terms.mean())
    per_sequence = {"nll_per_sequence": float(-terms.sum() / len(sequences))} if with_ends else {}
    return {"symbols": len(terms), "nll": nll, "bits": nll / float(np.log(2)), **per_sequence}


def settings(vocabulary: str) -> list[dict[str, Any]]:
    """The arguments of every chain."""
    return [{"order": order, "vocabulary": vocabulary} | smoothing for order in ORDERS for smoothing in SMOOTHINGS]


def run(name: str, texts: Texts, results: Path, test: bool = True) -> dict[str, Any]:
    """Fit every chain, choose by validation, and score the chosen one."""
    vocabulary = "".join(sorted(set("".join(texts.train + texts.valid))))
    runs: list[dict[str, Any]] = []
    for arguments in settings(vocabulary):
        begin = time.perf_counter()
        chain = fd.MarkovChain(**arguments).fit(texts.train)
        seconds = round(time.perf_counter() - begin, 3)
        valid = score(chain, texts.valid, texts.with_ends)
        runs.append({**arguments, "n_contexts": chain.n_contexts, "seconds": seconds, "valid_nll": valid["nll"]})
    best = min(runs, key=lambda record: record["valid_nll"])
    chosen = {key: best[key] for key in ("order", "smoothing", "alpha") if key in best}
    print(f"{name}: chosen {chosen}, valid {best['valid_nll']:.4f} nats per symbol", flush=True)
    result = {
        "experiment": f"text_{name}",
        "chosen": chosen,
        "valid_nll": best["valid_nll"],
        "symbols": {part: sum(map(len, getattr(texts, part))) for part in ("train", "valid")},
        "seconds": round(sum(record["seconds"] for record in runs), 1),
        "runs": runs,
    }
    if not test:
        return result

    def score_test() -> dict[str, float]:
        model = fd.MarkovChain(**chosen, vocabulary=vocabulary).fit(texts.train)
        return {f"test_{key}": value for key, value in score(model, texts.test(), texts.with_ends).items()}

    return keep(result, results, score_test)


LOADERS = {"names": load_names, "shakespeare": load_shakespeare}


def main() -> None:
    """Run the texts that are asked for."""
    options = parse(__doc__, list(LOADERS))
    for name in options.only:
        run(name, LOADERS[name](options.data), options.results, test=not options.no_test)


if __name__ == "__main__":
    main()
