"""The textbook's comparison: naive Bayes counts words that come together twice, logistic regression does not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "bench" / "reproduce").is_dir():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

spam = importlib.import_module("bench.reproduce.spam")


@pytest.fixture(scope="module")
def rows():
    return spam.split(spam.generated())


@pytest.fixture(scope="module")
def report(rows):
    return spam.compare(rows, "call")


def test_naive_bayes_counts_bank_and_account_twice(rows):
    nets = {name: fit(rows) for name, fit in spam.MODELS.items()}
    both = {name: spam.evidence_of(net, ["bank", "account"], rows) for name, net in nets.items()}
    truth = np.log(0.4 / 0.1)  # of bank; account says nothing new
    absent = np.log(0.6 / 0.9)  # of neither
    assert both["naive Bayes"] == pytest.approx(2 * (truth - absent), rel=0.15)
    assert both["logistic regression"] == pytest.approx(truth - absent, rel=0.15)


def test_a_copy_of_a_word(report):
    alone, twice = report["evidence"]["naive Bayes"]
    assert twice == pytest.approx(2 * alone, rel=1e-9)
    alone, twice = report["evidence"]["logistic regression"]
    assert twice == pytest.approx(alone, rel=0.05)  # not quite: the penalty of two weights is less than that of one


def test_logistic_regression_is_calibrated(report):
    naive, logistic = report["naive Bayes"], report["logistic regression"]
    assert logistic["log_loss"] < naive["log_loss"]
    assert logistic["accuracy"] >= naive["accuracy"] - 0.01 and logistic["accuracy"] > report["share_of_ham"]
    for odds, n_spam, n in logistic["calibration"]:
        chance = 1 / (1 + np.exp(-odds))
        assert abs(n_spam - n * chance) < 4 * np.sqrt(n * chance * (1 - chance)) + 3
    assert sum(n for *_, n in logistic["calibration"]) == report["n_test"]


def test_shuffled_messages_are_outliers(report):
    assert report["naive Bayes"]["outlier_auroc"] > 0.53
    assert spam.auroc(np.array([2.0, 1.0]), np.array([1.0, 0.0])) == 0.875
    assert spam.auroc(np.array([1.0]), np.array([1.0])) == 0.5


def test_the_public_verb_says_the_same(rows):
    for fit in spam.MODELS.values():
        net = fit(rows)
        odds = spam.log_odds(net, rows.test)
        np.testing.assert_allclose(net.predict_proba(rows.test, "spam")[:, 1], 1 / (1 + np.exp(-odds)), rtol=1e-9)


def test_the_picture(report, tmp_path):
    pytest.importorskip("matplotlib")
    spam.draw_calibration(report, tmp_path / "spam.png")
    assert (tmp_path / "spam.png").read_bytes().startswith(b"\x89PNG")


def test_the_messages_of_the_collection():
    messages = spam.load(shared("spam/SMSSpamCollection.tsv.gz"))
    assert len(messages.words) == 5574 and messages.classes.sum() == 747
    rows = spam.split(messages, n_words=100)
    report = spam.compare(rows, spam.strongest_word(rows))
    naive, logistic = report["naive Bayes"], report["logistic regression"]
    assert logistic["log_loss"] < naive["log_loss"] and logistic["accuracy"] > 0.96
    alone, twice = report["evidence"]["naive Bayes"]
    assert twice == pytest.approx(2 * alone)
    alone, twice = report["evidence"]["logistic regression"]
    assert twice < 1.6 * alone
