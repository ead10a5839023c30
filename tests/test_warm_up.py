"""``fastdgm warm-up``: every loop is compiled by some step, and the steps are counted, never timed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from fastdgm.cli.program import main
from fastdgm.cli.warm_up import Step, steps

# Which kernels, called from Python, have not one signature after the steps whose names begin as asked.
NEVER_COMPILED = """
import pkgutil
from importlib import import_module
import fastdgm.kernels as kernels
from fastdgm.cli.warm_up import steps
for step in steps():
    step.run()
for module in pkgutil.iter_modules(kernels.__path__):
    if not module.name.endswith("_cuda"):
        loaded = import_module(f"fastdgm.kernels.{module.name}")
        for name, value in vars(loaded).items():
            if hasattr(value, "signatures") and value.py_func.__module__ == loaded.__name__ and not value.signatures:
                print(module.name, name)
"""


@pytest.mark.slow
def test_every_kernel_is_compiled_by_some_step():
    pytest.importorskip("torch")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", NEVER_COMPILED], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == ""


def test_steps_have_names_of_their_own():
    names = [step.name for step in steps()]
    assert len(set(names)) == len(names) > 100


def test_steps_are_counted(monkeypatch, capsys):
    done = []
    few = [Step("first", lambda: done.append(1)), Step("second", lambda: done.append(2))]
    monkeypatch.setattr("fastdgm.cli.warm_up.steps", lambda: iter(few))
    assert main(["warm-up"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "1 of 2: first\n2 of 2: second\n"
    assert captured.out.startswith("2 of 2 steps in 0 s; the kernels are kept in ")
    assert done == [1, 2]


def test_an_interrupt_ends_it(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("fastdgm.cli.warm_up.steps", lambda: iter([Step("first", interrupted)]))
    assert main(["warm-up"]) == 130
    assert capsys.readouterr().out == ""


def test_the_bar_has_no_estimate(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    from fastdgm.cli import warm_up

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with ExitStack() as shown:
        report = warm_up._reporter(shown, 60)
        report(11, "NADE, float32: fit")
    err = capsys.readouterr().err
    assert "12 of 60" in err
    assert "NADE, float32: fit" in err
    assert "<" not in err  # as in 00:10<99:00
