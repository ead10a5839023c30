"""``fastdgm warm-up``: the steps are counted, never timed. That every loop has one is checked by every_kernel.py."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from fastdgm.cli.program import main
from fastdgm.cli.warm_up import Step, steps


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
