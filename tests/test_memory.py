"""The memory at hand: that of the system, and that of the container."""

from __future__ import annotations

import pytest

from fastdgm.runtime import memory

GIB = 1 << 30


@pytest.fixture
def container(tmp_path, monkeypatch):
    """A system with 8 GiB available, in a cgroup without a limit."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text(f"MemTotal: {16 << 20} kB\nMemAvailable: {8 << 20} kB\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text(f"{3 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {2 * GIB}\ninactive_file {GIB}\n")
    return tmp_path


def test_without_a_limit_the_system_counts(container):
    assert memory.available_memory() == 8 * GIB
    (container / "memory.max").unlink()
    assert memory.available_memory() == 8 * GIB


@pytest.mark.parametrize(("limit", "available"), [(4, 2), (100, 8), (1, 0)])
def test_the_smaller_of_system_and_container_counts(container, limit, available):
    (container / "memory.max").write_text(f"{limit * GIB}\n")
    assert memory.available_memory() == available * GIB


def test_damaged_statistics_are_no_limit(container):
    (container / "memory.max").write_text(f"{4 * GIB}\n")
    (container / "memory.stat").write_text("nonsense\n")
    assert memory.available_memory() == 8 * GIB


def test_what_does_not_fit_the_container_is_refused(container):
    (container / "memory.max").write_text(f"{4 * GIB}\n")
    memory.check_memory(2 * GIB, "a table")
    with pytest.raises(ValueError, match=r"a table needs 3\.0 GiB, 2\.0 GiB are available"):
        memory.check_memory(3 * GIB, "a table")
