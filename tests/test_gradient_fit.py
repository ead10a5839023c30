"""Gradient fits: the numbers, early stopping, schedules, and runs that are interrupted, resumed or given bad input."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from fastdgm.autoregressive.base import AutoregressiveModel
from fastdgm.autoregressive.made import MADE
from fastdgm.engines.training import Step
from fastdgm.errors import FormatError
from fastdgm.kernels.adam import AdamSettings, adam_cpu
from fastdgm.learning import schedules
from fastdgm.learning.options import TrainingOptions

N_VARS = 5


class ChainStepper:
    """Each bit a logistic regression on the bits before it, in NumPy."""

    def __init__(self, model: Chain) -> None:
        self.parameters = {name: array.copy() for name, array in model.parameters.items()}
        self.moments = {f"{m}.{name}": np.zeros_like(a) for name, a in model.parameters.items() for m in MOMENTS}
        self.seen: list[np.ndarray] = []
        self.steps: list[Step] = []
        self.after_step = model.after_step

    def log_prob(self, rows):
        signs, x = 2.0 * rows - 1.0, rows.astype(np.float64)
        logits = self.parameters["bias"] + x @ np.tril(self.parameters["weight"], -1).T
        return -np.logaddexp(0.0, -signs * logits).sum(axis=1)

    def step(self, rows, step):
        assert rows.flags.c_contiguous
        assert not rows.flags.writeable
        self.seen.append(rows.copy())
        self.steps.append(step)
        x = rows.astype(np.float64)
        logits = self.parameters["bias"] + x @ np.tril(self.parameters["weight"], -1).T
        slope = (1.0 / (1.0 + np.exp(-logits)) - x) / len(rows)
        total = self.log_prob(rows).sum()
        for name, descent in {"bias": slope.sum(axis=0), "weight": np.tril(slope.T @ x, -1)}.items():
            flat = [descent, self.parameters[name], *(self.moments[f"{m}.{name}"] for m in MOMENTS)]
            adam_cpu(0, descent.size, AdamSettings(*step.scalars()), *(a.reshape(-1) for a in flat))
        return self.after_step(step, total)


MOMENTS = "first", "second"


class Chain(AutoregressiveModel):
    """What ``fit`` needs of a model."""

    n_parameters = N_VARS * (N_VARS + 1) // 2
    n_vars = N_VARS
    _log_prob = _sample = _from_state = None  # not asked for

    dtype = np.float64

    def __init__(self, hidden: tuple[int, ...] = (3,)) -> None:
        self.hidden = hidden
        self.parameters = {"bias": np.zeros(N_VARS), "weight": np.zeros((N_VARS, N_VARS))}
        self._history: list[dict[str, float]] = []
        self.stepper: ChainStepper | None = None
        self.after_step = lambda step, total: total
        self.order = np.arange(N_VARS)

    def _check_matrix(self, x, width, name, columns):
        x = np.array(x, np.uint8, ndmin=2)
        if x.shape[1] != N_VARS:
            raise ValueError(f"{name} must have {N_VARS} columns, got {x.shape[1]}")
        x.flags.writeable = False
        return x

    def _state(self):
        return {"n_vars": N_VARS, "hidden": self.hidden}, self.parameters | {"order": self.order}

    def _stepper(self):
        self.stepper = ChainStepper(self)
        return self.stepper

    def _adopt(self, parameters):
        self.parameters = parameters

    def bits(self) -> bytes:
        return b"".join(array.tobytes() for array in self.parameters.values())


DEFAULTS = {
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.05,
    "schedule": "cosine",
    "weight_decay": 0.01,
    "patience": 10,
    "seed": 3,
}


def rows(n: int, seed: int = 0) -> np.ndarray:
    """Bits that depend on their predecessor."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, N_VARS)) < 0.3
    for d in range(1, N_VARS):
        x[:, d] ^= x[:, d - 1]
    return x.astype(np.uint8)


TRAIN, VALID = rows(50), rows(30, seed=1)


def fitted(model: Chain | None = None, train=TRAIN, valid=VALID, **settings) -> Chain:
    model = model or Chain()
    return model.fit(train, valid, **(DEFAULTS | settings))


def without_clock(model: Chain) -> list[dict[str, float]]:
    return [{name: value for name, value in record.items() if name != "seconds"} for record in model._history]


# --- the numbers ---


def test_it_learns_the_chain():
    train = rows(4000)
    model = fitted(train=train, valid=rows(1000, seed=1), epochs=30, batch_size=50, weight_decay=0.0)
    entropy = -N_VARS * (0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    assert model._history[-1]["train"] == pytest.approx(entropy, rel=0.02)


def test_every_epoch_sees_every_row_once_in_an_order_of_its_own():
    model = fitted(train=np.array(TRAIN), valid=None)
    sizes = [len(part) for part in model.stepper.seen]
    assert sizes == [16, 16, 16, 2] * 4
    epochs = [np.concatenate(model.stepper.seen[first : first + 4]) for first in range(0, 16, 4)]
    for epoch in epochs:
        assert sorted(map(tuple, epoch)) == sorted(map(tuple, TRAIN))
    assert len({epoch.tobytes() for epoch in epochs}) == 4


def test_steps_are_numbered_and_the_history_is_theirs():
    model = fitted(valid=None, schedule="constant")
    assert [step.number for step in model.stepper.steps] == list(range(1, 17))
    assert model.stepper.steps[4] == Step(5, 0.05, 0.9, 0.999, 1e-8, 0.01, seed=3)
    assert [record["epoch"] for record in model._history] == [1, 2, 3, 4]
    assert set(model._history[0]) == {"epoch", "train", "seconds", "learning_rate"}
    assert model._history[0]["train"] <= N_VARS * math.log(2) + 0.05
    assert model._history[-1]["train"] < model._history[0]["train"]


def test_one_batch_larger_than_the_data():
    model = fitted(batch_size=10_000, schedule="constant", epochs=1)
    assert [len(part) for part in model.stepper.seen] == [50]
    assert model._history[0]["train"] == pytest.approx(N_VARS * math.log(2))


def test_the_seed_decides():
    assert fitted().bits() == fitted().bits() != fitted(seed=4).bits()
    assert fitted(seed=np.random.default_rng(1)).bits() == fitted(seed=np.random.default_rng(1)).bits()
    assert fitted(seed=None).bits() != fitted(seed=None).bits()


def test_without_validation_the_last_parameters_win():
    model = fitted(valid=None)
    assert model.bits() == b"".join(array.tobytes() for array in model.stepper.parameters.values())


def scripted(model: Chain, losses: list[float]) -> tuple[Chain, list[bytes]]:
    """The model, whose validation losses after each epoch are made up, and its parameters then."""
    snapshots: list[bytes] = []
    original = model._stepper

    def make():
        stepper = original()

        def log_prob(part):
            if len(part) != len(VALID):  # a call of step itself
                return ChainStepper.log_prob(stepper, part)
            snapshots.append(b"".join(array.tobytes() for array in stepper.parameters.values()))
            return np.full(len(part), -losses[len(snapshots) - 1])

        stepper.log_prob = log_prob
        return stepper

    model._stepper = make
    return model, snapshots


@pytest.mark.parametrize(
    ("patience", "losses", "n_epochs", "best"),
    [
        (2, [3.0, 2.0, 2.5, 2.0, 1.0], 4, 2),  # an equal loss is no improvement
        (1, [3.0, 4.0, 1.0, 1.0, 1.0], 2, 1),
        (3, [3.0, 4.0, 4.0, 2.0, 5.0], 5, 4),
        (None, [1.0, 4.0, 4.0, 4.0, 4.0], 5, 1),
    ],
)
def test_early_stopping_keeps_the_best(patience, losses, n_epochs, best):
    model, snapshots = scripted(Chain(), losses)
    fitted(model, epochs=5, patience=patience)
    assert [record["valid"] for record in model._history] == losses[:n_epochs]
    assert model.bits() == snapshots[best - 1]


def test_validation_loss_is_the_mean_over_all_rows():
    valid = rows(10_000, seed=5)
    model = fitted(valid=valid, epochs=1)
    assert model._history[0]["valid"] == pytest.approx(-model.stepper.log_prob(valid).mean(), rel=1e-12)


# --- schedules ---


def settings(**changes) -> TrainingOptions:
    return TrainingOptions(**(DEFAULTS | changes)).checked(has_valid=True)


def test_cosine_falls_to_zero():
    own = settings(epochs=8)
    assert schedules.rate_after(own, 0.0, []) == 0.05
    assert schedules.rate_after(own, 4.0, []) == pytest.approx(0.025)
    assert schedules.rate_after(own, 8.0, []) == pytest.approx(0.0, abs=1e-15)
    rates = [step.rate for step in fitted(valid=None).stepper.steps]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] == 0.05 * 0.5 * (1 + math.cos(math.pi * 0.5 / 4))


def test_plateau_halves_after_half_the_patience():
    own = settings(schedule="plateau", patience=4)
    losses = [5.0, 4.0, 4.5, 4.0, 4.1, 3.0, 3.5, 3.5, 3.5, 3.5]
    factors = [schedules.rate_after(own, done, losses[:done]) / 0.05 for done in range(11)]
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_a_function_gets_the_fraction_done():
    asked = []
    model = fitted(valid=None, schedule=lambda done: asked.append(done) or 1 / (1 + done))
    assert set(asked) == {number / 16 for number in range(16)}
    assert model.stepper.steps[-1].rate == pytest.approx(0.05 / (1 + 15 / 16), rel=1e-15)
    assert [record["learning_rate"] for record in model._history] == [step.rate for step in model.stepper.steps[::4]]


# --- interrupted and resumed ---


@pytest.mark.parametrize(
    ("schedule", "valid"),
    [("cosine", VALID), ("cosine", None), ("constant", None), ("plateau", VALID), (lambda done: 1 / (1 + done), VALID)],
    ids=["cosine", "cosine, no validation", "constant, no validation", "plateau", "function"],
)
@pytest.mark.parametrize("stop_at", range(1, 17))  # every step of four epochs, the first of each among them
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, schedule, valid, stop_at):
    path = tmp_path / "run.checkpoint"
    whole = fitted(valid=valid, schedule=schedule)
    model = Chain()

    def interrupt(step, total):
        if step.number == stop_at:
            raise KeyboardInterrupt
        return total

    model.after_step = interrupt
    before = model.bits()
    with pytest.raises(KeyboardInterrupt):
        fitted(model, valid=valid, schedule=schedule, checkpoint=path)
    assert model.bits() == before
    assert model._history == []
    assert os.listdir(tmp_path) == ["run.checkpoint"]

    resumed = fitted(valid=valid, schedule=schedule, checkpoint=path)
    assert resumed.stepper.steps[0].number == (stop_at - 1) // 4 * 4 + 1
    assert resumed.bits() == whole.bits()
    assert without_clock(resumed) == without_clock(whole)


def test_a_finished_run_returns_at_once(tmp_path):
    path = tmp_path / "run.safetensors"
    model = fitted(checkpoint=path)
    data = path.read_bytes()
    for again in (Chain(), model):
        bits, history = model.bits(), model._history
        fitted(again, checkpoint=str(path))
        assert again.stepper.steps == []
        assert (again.bits(), again._history) == (bits, history)
    assert path.read_bytes() == data


def test_a_run_that_stopped_early_stays_finished(tmp_path):
    losses = [3.0, 1.0, 4.0, 4.0, 4.0, 4.0]
    model, snapshots = scripted(Chain(), losses)
    common = {"schedule": "constant", "patience": 2, "checkpoint": tmp_path / "c"}
    fitted(model, epochs=5, **common)
    again = fitted(epochs=6, **common)
    assert again.stepper.steps == []
    assert again.bits() == snapshots[1]


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_more_epochs_continue(tmp_path, schedule):
    common = {"schedule": schedule, "checkpoint": tmp_path / "c"}
    fitted(epochs=2, **common)
    longer = fitted(epochs=5, **common)
    assert longer.stepper.steps[0].number == 9
    assert longer.bits() == fitted(epochs=5, schedule=schedule).bits()
    with pytest.raises(ValueError, match=r"holds 5 epochs, more than epochs=3"):
        fitted(epochs=3, **common)


def test_an_open_seed_is_taken_from_the_checkpoint(tmp_path):
    common = {"schedule": "constant", "checkpoint": tmp_path / "c", "seed": None}
    fitted(epochs=2, **common)
    seed = stored_settings(tmp_path / "c")["seed"]
    assert fitted(epochs=4, **common).bits() == fitted(epochs=4, schedule="constant", seed=seed).bits()


def stored_settings(path: Path) -> dict:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["fastdgm checkpoint"])["settings"]


def other_order() -> Chain:
    model = Chain()
    model.order = model.order[::-1].copy()
    return model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 5}, r"settings\.epochs is 4, here it is 5"),
        ({"batch_size": 17}, r"settings\.batch_size is 16, here it is 17"),
        ({"learning_rate": 0.01}, r"settings\.learning_rate is 0\.05, here it is 0\.01"),
        ({"schedule": "constant"}, r"settings\.schedule is cosine, here it is constant"),
        ({"weight_decay": 0.0}, r"settings\.weight_decay"),
        ({"patience": None}, r"settings\.patience is 10, here it is None"),
        ({"seed": 4}, r"settings\.seed is 3, here it is 4"),
        ({"model": Chain(hidden=(4,))}, r"structure\.hidden is \[3\], here it is \[4\]"),
        ({"model": other_order()}, r"fixed arrays\.order"),
        ({"model": type("Other", (Chain,), {})()}, r"family is Chain, here it is Other"),
        ({"train": rows(50, seed=9)}, r"its train is uint8\[50, 5\] with hash"),
        ({"valid": rows(31, seed=1)}, r"its valid is uint8\[30, 5\]"),
        ({"valid": None}, r"its valid is uint8\[30, 5\] with hash \w+, here it is None"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, changes, message):
    path = tmp_path / "c"
    fitted(checkpoint=path)
    data = path.read_bytes()
    model = changes.pop("model", Chain())
    bits = model.bits()
    with pytest.raises(ValueError, match=message):
        fitted(model, checkpoint=path, **changes)
    assert path.read_bytes() == data
    assert model.bits() == bits


def test_another_function_is_noticed_by_its_rates(tmp_path):
    common = {"checkpoint": tmp_path / "c", "epochs": 2}
    fitted(schedule=lambda done: 1 - done, **common)
    with pytest.raises(ValueError, match=r"learning rate 0\.025 in epoch 2, this schedule gives 0\.05"):
        fitted(schedule=lambda done: 1.0, **common)


def test_every_damaged_byte_is_noticed(tmp_path):
    path = tmp_path / "c"
    fitted(checkpoint=path)
    data = path.read_bytes()
    for place in range(0, len(data), 37):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(FormatError, match=r"checkpoint"):
            fitted(checkpoint=path)
    for end in (0, 5, 100, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(FormatError, match=r"checkpoint"):
            fitted(checkpoint=path)


def forged(path, edit):
    """Change what a checkpoint holds, and make its checksum fit again: anyone can."""
    from safetensors import safe_open
    from safetensors.numpy import save

    with safe_open(path, "numpy") as file:
        content = json.loads(file.metadata()["fastdgm checkpoint"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    edit(content, arrays)
    text = json.dumps(content)
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(name.encode() + array.tobytes())
    path.write_bytes(save(arrays, {"fastdgm checkpoint": text, "sha256": digest.hexdigest()}))


def in_history(key, value):
    return lambda content, arrays: content["history"][1].__setitem__(key, value)


def in_content(*keys, value):
    def edit(content, arrays):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return edit


def in_array(kind, value, shape=None, dtype=None):
    def edit(content, arrays):
        name = next(name for name in sorted(arrays) if name.startswith(kind))
        array = np.full(shape or arrays[name].shape, value, dtype or arrays[name].dtype)
        arrays[name] = array
        content["run"]["arrays"][name] = [array.dtype.name, *array.shape]

    return edit


WRONG_CONTENTS = {
    "no validation loss": lambda content, arrays: [record.pop("valid") for record in content["history"]],
    "one validation loss": lambda content, arrays: content["history"][0].pop("valid"),
    "no training loss": lambda content, arrays: content["history"][0].pop("train"),
    "another key": in_history("more", 1),
    "a string": in_history("train", "1"),
    "a boolean": in_history("valid", True),
    "a list": in_history("valid", []),
    "infinity": in_history("valid", math.inf),
    "NaN": in_history("train", math.nan),
    "beyond a float": in_history("valid", 10**400),
    "negative seconds": in_history("seconds", -1.0),
    "another epoch": in_history("epoch", 7),
    "an epoch too many": lambda content, arrays: content["history"].extend(content["history"][:1] * 9),
    "a record that is none": lambda content, arrays: content["history"].append(3),
    "a history that is none": in_content("history", value={}),
    "a run that is none": in_content("run", value=[]),
    "settings that are none": in_content("settings", value="fast"),
    "a long seed name": in_content("settings", "seed " + "x" * 5000, value="y" * 5000),
    "a negative seed": in_content("settings", "seed", value=-1),
    "a large seed": in_content("settings", "seed", value=2**64),
    "a seed of true": in_content("settings", "seed", value=True),
    "another format": in_content("format", value=[1]),
    "infinite parameters": in_array("parameters/", np.inf),
    "infinite best parameters": in_array("best/", -np.inf),
    "best parameters of NaN": in_array("best/", np.nan),
    "infinite moments": in_array("moments/first", np.inf),
    "a negative mean of squares": in_array("moments/second", -1.0),
    "another shape": in_array("best/", 0.0, shape=(2, 2)),
    "another type": in_array("parameters/", 0, dtype=np.int8),
    "no best parameters": lambda content, arrays: [arrays.pop(n) for n in sorted(arrays) if n.startswith("best/")],
    "more arrays": lambda content, arrays: arrays.update(more=np.zeros(2)),
}


@pytest.mark.parametrize("edit", WRONG_CONTENTS.values(), ids=WRONG_CONTENTS)
def test_wrong_contents_under_a_fitting_checksum(tmp_path, edit):
    path = tmp_path / "c"
    fitted(checkpoint=path)
    forged(path, edit)
    data, model = path.read_bytes(), Chain()
    bits = model.bits()
    for seed in (3, None):
        with pytest.raises(ValueError, match="checkpoint") as caught:
            fitted(model, checkpoint=path, seed=seed)
        assert len(str(caught.value)) < 1000
    assert (model.bits(), path.read_bytes()) == (bits, data)


def test_forging_nothing_changes_nothing(tmp_path):
    path = tmp_path / "c"
    bits = fitted(checkpoint=path).bits()
    forged(path, lambda content, arrays: None)
    assert fitted(checkpoint=path).bits() == bits


def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    save_file({"bias": np.zeros(3)}, path, {"fastdgm": "{}"})
    data = path.read_bytes()
    with pytest.raises(FormatError, match="not a checkpoint of fastdgm"):
        fitted(checkpoint=path)
    assert path.read_bytes() == data


def test_an_impossible_path_is_found_before_the_first_epoch(tmp_path):
    model = Chain()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fitted(model, checkpoint=tmp_path / "nowhere" / "c")
    assert model.stepper.steps == []
    with pytest.raises(IsADirectoryError):
        fitted(checkpoint=tmp_path)


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be a finite number above 0"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, ValueError, "learning_rate"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay must be a finite number of at least 0"),
        ({"weight_decay": math.inf}, ValueError, "weight_decay"),
        ({"patience": 0}, ValueError, "patience must be at least 1"),
        ({"seed": -1}, ValueError, "seed"),
        ({"schedule": "linear"}, ValueError, "schedule must be one of cosine, constant, plateau or a function"),
        ({"schedule": None}, ValueError, "schedule"),
        ({"schedule": lambda done: -1.0}, ValueError, r"schedule\(0\) must be a finite number"),
        ({"schedule": lambda done: None}, ValueError, r"schedule\(0\)"),
        ({"schedule": "plateau", "valid": None}, ValueError, "pass valid"),
        ({"schedule": "plateau", "patience": None}, ValueError, "patience >= 2"),
        ({"progress": "yes"}, TypeError, "progress must be None, True or False"),
        ({"train": np.zeros((0, N_VARS))}, ValueError, "train must have at least one row"),
        ({"valid": np.zeros((0, N_VARS))}, ValueError, "valid must have at least one row"),
        ({"train": np.zeros((3, 4))}, ValueError, "train must have 5 columns"),
        ({"valid": np.zeros((3, 4))}, ValueError, "valid must have 5 columns"),
    ],
)
def test_wrong_arguments(changes, error, message):
    model = Chain()
    bits = model.bits()
    with pytest.raises(error, match=message):
        fitted(model, **changes)
    assert model.bits() == bits


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite(tmp_path, loss):
    model = Chain()
    model.after_step = lambda step, total: loss if step.number == 7 else total
    bits = model.bits()
    with pytest.raises(ValueError, match=r"in minibatch 3 of epoch 2; lower learning_rate, 0\.05 now"):
        fitted(model, checkpoint=tmp_path / "c")
    assert (model.bits(), model._history) == (bits, [])
    assert fitted(checkpoint=tmp_path / "c").bits() == fitted().bits()


def test_parameters_or_validation_that_are_not_finite():
    model = Chain()

    def spoil(step, total):
        model.stepper.parameters["weight"][0, 0] = math.nan  # never used, so that no loss tells
        return total

    model.after_step = spoil
    with pytest.raises(ValueError, match=r"weight is no longer finite after epoch 1; lower"):
        fitted(model, valid=None)
    other, _ = scripted(Chain(), [2.0, math.nan])
    with pytest.raises(ValueError, match=r"validation loss is nan after epoch 2; lower"):
        fitted(other)


# --- the bar ---


def test_the_bar_shows_both_losses(capsys):
    pytest.importorskip("tqdm")
    model = fitted(progress=True)
    shown = capsys.readouterr().err
    assert "4/4" in shown
    assert f"train {model._history[-1]['train']:.4g}, valid {model._history[-1]['valid']:.4g}" in shown


@pytest.mark.parametrize("progress", [None, False])
def test_no_bar_without_a_terminal(capsys, progress):
    fitted(progress=progress)
    assert capsys.readouterr().err == ""


def test_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert fitted(progress=None)._history
    with pytest.raises(ImportError, match=r'pip install "\.\[train\]"'):
        fitted(progress=True)


@pytest.mark.parametrize("head, options", [("normal", {}), ("mixture", {"n_components": 2})])
@pytest.mark.parametrize("learning_rate", [1e-3, 1e-12])
def test_data_far_from_standard_are_named_as_the_cause(head, options, learning_rate):
    x = 1e20 * np.random.default_rng(0).normal(size=(200, 2))
    model = MADE(2, (4,), head=head, **options)
    with pytest.raises(ValueError, match=r"standardise the data, whose values go up to \d\.?\d*e\+20[.,]"):
        model.fit(x, epochs=2, learning_rate=learning_rate, progress=False)


def test_no_learning_rate_helps_before_the_first_step():
    model = Chain()
    model.after_step = lambda step, total: -math.inf
    with pytest.raises(ValueError, match="minibatch 1 of epoch 1; the parameters that training begins with"):
        fitted(model)
