"""The reproduction scripts, on tiny synthetic files."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "bench" / "reproduce").is_dir():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

protocol, mnist, debd, text = (
    importlib.import_module(f"bench.reproduce.{name}") for name in ("protocol", "mnist", "debd", "text")
)
FIT = {"epochs": 4, "batch_size": 20, "learning_rate": 0.05, "patience": 4, "progress": False}


def make_rows(n, n_vars=5, seed=0):
    """Neighbours mostly agree."""
    flips = np.random.default_rng(seed).random((n, n_vars)) < 0.2
    return (np.cumsum(flips, axis=1) % 2).astype(np.uint8)


def make_candidates():
    return [
        protocol.Candidate("fvsbn", "FVSBN", {}, FIT),
        protocol.Candidate("made", "MADE", {"hidden": [6], "order": "random", "seed": 1}, FIT),
    ]


@pytest.fixture
def splits():
    """Splits that count how often the test rows are asked for."""
    asked = []

    def test():
        asked.append(None)
        return make_rows(30, seed=2)

    made = protocol.Splits(make_rows(100), make_rows(40, seed=1), test)
    test.asked = asked
    return made


# --- protocol ----------------------------------------------------------------------------------------------


def test_the_test_set_is_scored_once(splits, tmp_path):
    def run(candidates):
        return protocol.run_experiment("tiny", candidates, splits, tmp_path / "work", results=tmp_path / "results")

    first = run(make_candidates())
    assert len(splits.test.asked) == 1
    assert run(make_candidates()) == json.loads(json.dumps(first))
    assert len(splits.test.asked) == 1
    other = [candidate for candidate in make_candidates() if [candidate.name] != first["chosen"]]
    with pytest.raises(ValueError, match="the test set was scored for"):
        run(other)
    assert len(splits.test.asked) == 1


def test_without_test_nothing_is_scored_or_written(splits, tmp_path):
    result = protocol.run_experiment(
        "tiny", make_candidates(), splits, tmp_path, results=tmp_path / "results", test=False
    )
    assert "test_nll" not in result and not splits.test.asked and not (tmp_path / "results").exists()


def test_results_file_keeps_all_that_a_reader_needs(splits, tmp_path):
    protocol.run_experiment(
        "tiny", make_candidates(), splits, tmp_path, results=tmp_path, largest=2, targets={"test_nll": 3.0}
    )
    result = json.loads((tmp_path / "tiny.json").read_text())
    assert result["targets"] == {"test_nll": 3.0} and result["rows"] == {"train": 100, "valid": 40}
    assert 0 < result["test_nll"] < 5 * np.log(2) and result["test_standard_error"] > 0 and result["test_rows"] == 30
    assert result["machine"]["cores"] and result["scored_by"]["fastdgm"]
    for run, candidate in zip(result["runs"], make_candidates(), strict=True):
        assert {name: run[name] for name in ("name", "family", "model", "fit")} == vars(candidate)
        assert run["epochs"] == 4 and run["seconds"] >= 0 and run["threads"] >= 1 and run["valid_nll"] > 0


def test_a_finished_run_is_not_trained_again(splits, tmp_path, monkeypatch):
    candidate = make_candidates()[0]
    first = protocol.train(candidate, splits, tmp_path)
    assert not (tmp_path / "fvsbn.checkpoint").exists()
    monkeypatch.setattr(protocol.fd.FVSBN, "fit", None)
    again = protocol.train(candidate, splits, tmp_path)
    assert again.record == first.record
    assert np.array_equal(again.valid, first.valid)
    assert first.record["valid_nll"] == pytest.approx(-first.valid.mean(), rel=1e-5)


def test_a_record_of_other_settings_is_refused(splits, tmp_path):
    protocol.train(make_candidates()[0], splits, tmp_path)
    other = protocol.Candidate("fvsbn", "FVSBN", {}, FIT | {"learning_rate": 0.1})
    with pytest.raises(ValueError, match="other settings"):
        protocol.train(other, splits, tmp_path)


def test_an_interrupted_run_resumes_to_the_same_numbers(splits, tmp_path, monkeypatch):
    candidate = make_candidates()[1]
    whole = protocol.train(candidate, splits, tmp_path / "whole")

    from fastdgm.learning.checkpoints import Checkpoint

    save, saved = Checkpoint.save, []

    def save_until_interrupted(self, settings, history, arrays):
        save(self, settings, history, arrays)
        saved.append(len(history))
        if len(history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_until_interrupted)
        with pytest.raises(KeyboardInterrupt):
            protocol.train(candidate, splits, tmp_path / "cut")
    assert (tmp_path / "cut" / "made.checkpoint").exists() and not (tmp_path / "cut" / "made.json").exists()
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", lambda self, s, history, a: saved.append(len(history)))
        resumed = protocol.train(candidate, splits, tmp_path / "cut")
    assert saved == [0, 1, 2, 3, 4]
    assert np.array_equal(resumed.valid, whole.valid)
    assert resumed.record["epochs"] == 4 and resumed.record["valid_nll"] == whole.record["valid_nll"]


def trained(*columns):
    """Runs with these probabilities of three validation rows."""
    return [protocol.Trained({}, np.log(column)) for column in columns]


def test_mixture_is_the_log_of_the_mean_probability():
    values = protocol.mixture([np.log([0.2, 0.4]), np.log([0.6, 1e-9])])
    assert values == pytest.approx(np.log([0.4, 0.2 + 5e-10]))


def test_choice_adds_members_only_while_validation_gains():
    runs = trained([0.5, 0.5, 0.5], [0.9, 0.9, 0.1], [0.1, 0.6, 0.9], [0.01, 0.01, 0.01])
    assert protocol.choose(runs) == [0]
    assert protocol.choose(runs, largest=2) == [0, 1]
    assert 3 not in protocol.choose(runs, largest=4)


# --- loaders -----------------------------------------------------------------------------------------------


def test_mnist_rows_are_unpacked(tmp_path):
    random = np.random.default_rng(0)
    rows = {name: random.integers(0, 2, (3, 784)) for name in ("train", "valid", "test")}
    (tmp_path / "mnist").mkdir()
    packed = {name: np.packbits(array, axis=1) for name, array in rows.items()}
    np.savez(tmp_path / "mnist" / "binarized_mnist_packed.npz", **packed)
    splits = mnist.load(tmp_path)
    assert np.array_equal(splits.train, rows["train"]) and np.array_equal(splits.valid, rows["valid"])
    assert np.array_equal(splits.test(), rows["test"])


def test_debd_rows_and_sweep(tmp_path):
    (tmp_path / "debd").mkdir()
    for part, n in (("train", 4), ("valid", 2), ("test", 3)):
        lines = "".join(",".join(map(str, row)) + "\n" for row in make_rows(n, seed=n))
        (tmp_path / "debd" / f"nltcs.{part}.data.gz").write_bytes(gzip.compress(lines.encode()))
    splits = debd.load(tmp_path, "nltcs")
    assert np.array_equal(splits.train, make_rows(4, seed=4)) and np.array_equal(splits.valid, make_rows(2, seed=2))
    assert np.array_equal(splits.test(), make_rows(3, seed=3))


def test_debd_tries_the_best_network_in_random_orders(splits, tmp_path):
    recipe = debd.Recipe(epochs=2, batch_size=50, width=4, chow_liu=3.0, hclt=2.9)
    candidates = debd.candidates(recipe, splits, tmp_path)
    assert len({candidate.name for candidate in candidates}) == len(candidates)
    orders = [candidate for candidate in candidates if candidate.model.get("order") == "random"]
    assert len(orders) == 4 and len({candidate.model["seed"] for candidate in orders}) == 4
    records = [json.loads(file.read_text()) for file in tmp_path.glob("made*.json")]
    best = min(records, key=lambda record: record["valid_nll"])
    assert all(candidate.fit == best["fit"] for candidate in orders)
    assert recipe.targets["hclt_1.5_percent"] == pytest.approx(2.9435)


@pytest.fixture
def texts(tmp_path):
    """A data folder with names and a play."""
    random = np.random.default_rng(0)
    names = ["".join(random.choice(list("abn"), random.integers(1, 6))) for _ in range(60)]
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "names.txt").write_text("\n".join(names))
    (tmp_path / "text" / "tinyshakespeare.txt.gz").write_bytes(gzip.compress(" ".join(names).encode()))
    return tmp_path


def test_names_are_split_once_for_all(texts):
    split, again = text.load_names(texts), text.load_names(texts)
    assert split.train == again.train and split.test() == again.test()
    lines = (texts / "text" / "names.txt").read_text().split()
    assert sorted(split.train + split.valid + split.test()) == sorted(lines)
    assert [len(split.train), len(split.valid), len(split.test())] == [48, 6, 6]


@pytest.mark.parametrize("name", ["names", "shakespeare"])
def test_text_scores_are_per_symbol(name, texts, tmp_path, monkeypatch):
    monkeypatch.setattr(text, "ORDERS", range(1, 3))
    split = text.LOADERS[name](texts)
    result = text.run(name, split, tmp_path / "results")
    assert result["test_bits"] == pytest.approx(result["test_nll"] / np.log(2))
    ends = len(split.test()) if name == "names" else 0
    assert result["test_symbols"] == sum(map(len, split.test())) + ends
    assert result["valid_nll"] == min(run["valid_nll"] for run in result["runs"]) and len(result["runs"]) == 10
    chain = text.fd.MarkovChain(**result["chosen"], vocabulary=" abn" if name == "shakespeare" else "abn")
    chain.fit(split.train)
    if name == "names":
        assert result["test_nll_per_sequence"] == pytest.approx(-chain.log_prob(split.test()).mean())
    assert text.run(name, split, tmp_path / "results")["test_nll"] == result["test_nll"]
