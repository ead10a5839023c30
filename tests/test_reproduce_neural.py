"""The scripts that reproduce results of neural networks, on a few made-up rows."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "bench" / "reproduce").is_dir():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
pytest.importorskip("torch")
pytest.importorskip("safetensors")
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

protocol, vae, labelled_digits, by_class, semi_supervised, classifier, mixture = (
    importlib.import_module(f"bench.reproduce.{name}")
    for name in (
        "protocol",
        "vae",
        "labelled_digits",
        "digits_by_class",
        "semi_supervised",
        "neural_classifier",
        "mixture_density",
    )
)
# Networks that were hardly trained: their estimates are poor, and say so.
pytestmark = pytest.mark.filterwarnings("ignore:.*effective sample size:UserWarning")
SHAPE = (4, 4)
FIT = {"epochs": 2, "batch_size": 20, "learning_rate": 0.01, "seed": 0, "progress": False}


def make_digits(n, seed=0):
    """Three kinds of images: a bright line each, and noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    bright = np.zeros((3, *SHAPE))
    bright[range(3), range(3)] = 1
    images = random.random((n, 16)) < 0.05 + 0.9 * bright.reshape(3, 16)[labels]
    return images.astype(np.uint8), labels


@pytest.fixture
def digits():
    images, labels = make_digits(200)
    return labelled_digits.split(images, labels, SHAPE, "made up", make_digits(50, 1)[0])


# --- the autoencoder ---------------------------------------------------------------------------------------


@pytest.fixture
def splits():
    """Splits that count how often the test rows are asked for."""
    asked = []

    def test():
        asked.append(None)
        return make_digits(20, 2)[0]

    made = protocol.Splits(make_digits(60)[0], make_digits(30, 1)[0], test)
    test.asked = asked
    return made


def candidates():
    return [
        vae.Candidate("elbo", 6, 2, "tanh", FIT),
        vae.Candidate("iwae", 6, 2, "relu", FIT | {"n_particles": 3, "warm_up": 1}),
    ]


def test_validation_chooses_an_autoencoder_and_the_test_set_is_scored_once(splits, tmp_path):
    def run():
        return vae.run("tiny", candidates(), splits, tmp_path / "work", results=tmp_path / "results", n_draws=10)

    result, net = run()
    assert len(splits.test.asked) == 1
    by_name = {own["name"]: own["valid_nll"] for own in result["runs"]}
    assert result["chosen"] == [min(by_name, key=by_name.get)] and result["valid_nll"] == min(by_name.values())
    assert 0 < result["test_nll"] < 16 and result["test_standard_error"] > 0 and result["test_error_of_draws"] > 0
    again, other = run()  # nothing is trained or scored again
    assert again == json.loads(json.dumps(result)) and len(splits.test.asked) == 1
    codes = np.zeros((1, 2))
    assert np.array_equal(net.decode({"z": codes}), other.decode({"z": codes}))


def test_an_autoencoder_of_other_settings_is_refused(splits, tmp_path):
    (first, second) = candidates()
    vae.train(first, splits, tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        vae.train(vae.Candidate("elbo", second.width, 2, second.activation, FIT), splits, tmp_path)


def test_pictures_of_an_autoencoder(splits, tmp_path):
    pytest.importorskip("matplotlib")
    _, net = vae.train(candidates()[0], splits, tmp_path)
    vae.draw_samples(net, splits.valid, SHAPE, tmp_path)
    vae.draw_plane(net, SHAPE, tmp_path, side=3)
    assert {file.stem for file in tmp_path.glob("*.png")} == {"vae_samples", "vae_reconstructions", "vae_plane"}


# --- digits with labels ------------------------------------------------------------------------------------


def test_labels_of_mnist_are_those_of_its_test_images(tmp_path):
    (tmp_path / "mnist").mkdir()
    counts = np.array(labelled_digits.TEST_IMAGES)
    assert counts.sum() == 10_000
    test = np.zeros((10_000, 98), np.uint8)
    test[:, 0] = np.repeat(np.arange(10), counts)  # the first eight pixels spell the digit
    few = np.zeros((5, 98), np.uint8)
    np.savez(tmp_path / "mnist" / "binarized_mnist_packed.npz", train=few, valid=few, test=test)
    found = labelled_digits.load_digits(tmp_path)
    for part, n in ((found.train, 7000), (found.valid, 1000), (found.test, 2000)):
        assert len(part.labels) == n
        assert np.array_equal(np.packbits(part.images[:, :8], axis=1)[:, 0], part.labels)
    assert len(found.unlabelled) == 5


def test_digits_without_mnist_are_those_of_scikit_learn(tmp_path):
    pytest.importorskip("sklearn")
    found = labelled_digits.load_digits(tmp_path)
    assert found.shape == (8, 8) and len(found.train.labels) == 1257 and not len(found.unlabelled)
    rows = labelled_digits.few_of_each(found.train, 2)
    assert np.array_equal(np.sort(found.train.labels[rows]), np.repeat(np.arange(10), 2))


def test_digits_of_a_class_are_told_apart_by_bayes_rule(digits, tmp_path):
    pytest.importorskip("matplotlib")
    tried = [by_class.Candidate("made", (12,), FIT | {"epochs": 20})]
    result, net = by_class.run(tried, digits, tmp_path)
    assert result["test_accuracy"] > 0.9
    assert result["test_nll_given_label"] < result["test_nll"] < 16 * np.log(2)
    by_class.draw(net, SHAPE, tmp_path)
    assert (tmp_path / "digits_by_class.png").exists()


def test_few_labels(digits, tmp_path):
    settings = semi_supervised.Settings(2, 50, 5, width=8, n_codes=2, epochs=3, n_draws=5)
    result = semi_supervised.run(settings, digits, tmp_path)
    assert result["rows"] == {"labelled": 6, "unlabelled": 50, "test": 40}
    assert 0 <= result["test_accuracy"] <= 1 and 0 <= result["test_accuracy_of_classifier"] <= 1


# --- regression and classification -------------------------------------------------------------------------


def test_mixture_density_regression(tmp_path):
    pytest.importorskip("matplotlib")
    result, nets = mixture.run(mixture.Settings(400, width=8, epochs=40), tmp_path)
    assert result["test_nll"] < result["test_nll_of_normal"]
    mixture.draw(nets, tmp_path / "mixture.png")
    assert (tmp_path / "mixture.png").exists()


def test_hidden_inputs_of_a_classifier(tmp_path):
    settings = classifier.Settings(400, width=8, epochs=5, n_draws=20)
    result = classifier.run(settings, tmp_path)
    ways = {name: result[f"test_{name}_log_loss"] for name in ("complete", "summed_out", "mean_imputed")}
    assert ways["complete"] < ways["summed_out"] < ways["mean_imputed"]


def test_inputs_are_hidden_and_filled():
    rows = classifier.draw_rows(100, 0)
    partial = classifier.hidden(rows, 0.5, seed=1)
    gone = np.isnan(partial["age"])
    assert 30 < gone.sum() < 70 and 30 < (partial["region"] == -1).sum() < 70 and "buys" not in partial
    filled = classifier.mean_imputed(partial, rows)
    assert np.array_equal(filled["age"][~gone], rows["age"][~gone])
    assert filled["age"][gone] == pytest.approx(rows["age"].mean())
