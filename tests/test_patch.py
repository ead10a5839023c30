"""Patches as wholes, on a library of the test's own."""

from __future__ import annotations

import subprocess
import sys
import warnings
from types import ModuleType

import pytest

import fastdgm as fd
from fastdgm.interop.patches import patching as module
from fastdgm.interop.patches.replacement import NotOursError, Replacement, faster


class Base:
    def inherited(self) -> str:
        return "theirs"


class Model(Base):
    def draw(self, n: int, option: str = "plain") -> str:
        """Theirs."""
        return f"theirs {n} {option}"


def ours(model: Model, n: int, option: str = "plain") -> str:
    if option != "plain":
        raise NotOursError(f"option={option!r}")
    return f"ours {n}"


@pytest.fixture
def library(monkeypatch):
    """Stands for pgmpy: what is replaced is a method of its own and one that it inherits."""

    def replacements() -> list[Replacement]:
        return [faster(Model, "draw", ours), Replacement(Model, "inherited", lambda model: "ours")]

    fake = ModuleType("fastdgm.interop.patches.fake")
    fake.replacements = replacements
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setitem(module.LIBRARIES, "pgmpy", module.Library(".fake", "1.0", "2"))
    monkeypatch.setattr(module.metadata, "version", lambda name: "1.1.2")
    yield fake
    assert not module._applied
    assert Model().draw(1) == "theirs 1 plain"


def test_a_with_statement_undoes_the_patch(library):
    with fd.patch("pgmpy") as patch:
        assert Model().draw(2) == "ours 2"
        assert Model().inherited() == "ours"
        assert Base().inherited() == "theirs"
        assert "in force" in repr(patch)
    assert Model().draw(2) == "theirs 2 plain"
    assert "inherited" not in vars(Model)
    assert "undone" in repr(patch)


def test_the_signature_and_docstring_stay_the_librarys(library):
    with fd.patch("pgmpy"):
        assert Model.draw.__doc__ == "Theirs."
        assert Model.draw.__name__ == "draw"


def test_the_last_of_several_patches_undoes_it_and_undo_twice_is_once(library):
    first, second = fd.patch("pgmpy"), fd.patch("pgmpy")
    first.undo()
    first.undo()
    assert Model().draw(2) == "ours 2"
    second.undo()
    assert Model().draw(2) == "theirs 2 plain"


def test_an_error_undoes_a_with_statement(library):
    with pytest.raises(RuntimeError), fd.patch("pgmpy"):
        raise RuntimeError
    assert Model().draw(2) == "theirs 2 plain"


def test_what_is_not_ours_runs_theirs_and_says_so_once(library):
    with fd.patch("pgmpy"):
        with pytest.warns(UserWarning, match=r"Model.draw runs the library's own code: option='once'"):
            assert Model().draw(2, option="once") == "theirs 2 once"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert Model().draw(3, option="once") == "theirs 3 once"


def test_the_warning_is_at_the_users_line(library, monkeypatch):
    monkeypatch.setattr(Model.draw, "__module__", "pgmpy.models")
    code = "def verb(model): return model.draw(2, option='of a verb')"
    exec(code, others := {"__name__": "pgmpy.verbs"})  # the library calls its own method
    with fd.patch("pgmpy"), pytest.warns(UserWarning, match="of a verb") as said:
        others["verb"](Model())
    assert said[0].filename == __file__


def test_arguments_that_ours_does_not_take(library):
    with fd.patch("pgmpy"):
        with pytest.raises(TypeError, match=r"Model.draw\(\) got an unexpected keyword argument 'colour'"):
            Model().draw(2, colour="red")
        with pytest.raises(TypeError, match=r"Model.draw\(\) missing 1 required positional argument: 'n'"):
            Model().draw()


def test_a_type_error_inside_ours_is_not_hidden(library):
    library.replacements = lambda: [faster(Model, "draw", lambda model, n: n + "")]
    with fd.patch("pgmpy"), pytest.raises(TypeError, match="unsupported operand"):
        Model().draw(2)


def test_all_or_nothing(library, monkeypatch):
    class Fixed(type):
        def __setattr__(cls, name: str, value: object) -> None:
            raise AttributeError("cannot be set")

    class Stubborn(metaclass=Fixed):
        pass

    own = library.replacements
    library.replacements = lambda: [*own(), Replacement(Stubborn, "draw", ours)]
    with pytest.raises(AttributeError, match="cannot be set"):
        fd.patch("pgmpy")
    assert Model().draw(2) == "theirs 2 plain"
    assert Model().inherited() == "theirs"


def test_what_somebody_else_replaced_since_stays(library):
    theirs = Model.draw
    patch = fd.patch("pgmpy")
    Model.draw = lambda model, n: "another's"
    patch.undo()
    assert Model().draw(1) == "another's"
    Model.draw = theirs


@pytest.mark.parametrize("version", ["0.9.9", "2.0", "2.0rc1", "dev"])
def test_another_version_is_refused_with_the_range(library, monkeypatch, version):
    monkeypatch.setattr(module.metadata, "version", lambda name: version)
    with pytest.raises(ImportError, match=rf"needs pgmpy 1.0 or later, below 2, got {version}"):
        fd.patch("pgmpy")


def test_a_library_that_is_not_installed(library, monkeypatch):
    def version(name: str) -> str:
        raise module.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(module.metadata, "version", version)
    with pytest.raises(ImportError, match=r'it is not installed: pip install "pgmpy>=1.0,<2"'):
        fd.patch("pgmpy")


@pytest.mark.parametrize("name", ["pgmpi", "", None, 3])
def test_an_unknown_library(name):
    with pytest.raises(ValueError, match="patch takes one of hmmlearn, nflows, pgmpy, zuko, got"):
        fd.patch(name)


def test_the_command_says_what_is_missing(tmp_path):
    command = [sys.executable, "-m", "fastdgm", "patch"]
    result = subprocess.run([*command, "pgmpy", str(tmp_path / "none.py")], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("fastdgm: error:") and "no such script" in result.stderr
    result = subprocess.run([*command, "torch", "none.py"], capture_output=True, text=True)
    assert result.returncode == 2 and "hmmlearn" in result.stderr
