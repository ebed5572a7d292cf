"""The disk space that is set apart to deliver events from a full disk."""

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from statsig_api_client.events.queue.reserve import DiskReserve, free_bytes

MIB = 2**20


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def reserve(tmp_path: Path) -> DiskReserve:
    return DiskReserve(tmp_path / "events.db")


def free(monkeypatch: pytest.MonkeyPatch, free_now: int, total: int = 100 * MIB) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, total - free_now, free_now))


def test_reserve_fills_target(reserve: DiskReserve) -> None:
    reserve.fill(4 * MIB)
    assert reserve.size() == 4 * MIB
    assert reserve.path.name == "events.db-reserve"
    assert reserve.path.stat().st_mode & 0o777 == 0o600


def test_reserve_fills_half_of_free_bytes(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, MIB)
    reserve.fill(4 * MIB)
    assert reserve.size() == MIB // 2


def test_reserve_is_empty_on_full_disk(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1000)
    reserve.fill(4 * MIB)
    assert not reserve.path.exists()
    assert reserve.size() == 0


def test_reserve_respects_quota(reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The free bytes of a disk say nothing about the quota of a user."""
    allocate = os.posix_fallocate

    def limited(descriptor: int, offset: int, length: int) -> None:
        if offset + length > MIB:
            allocate(descriptor, offset, length // 2)
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        allocate(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", limited)
    reserve.fill(4 * MIB)
    assert MIB // 2 <= reserve.size() <= MIB


def test_reserve_releases_halves_and_restores(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve.fill(MIB)
    free(monkeypatch, 0)
    assert reserve.release_half()
    assert reserve.size() == MIB // 2
    assert reserve.release_half()
    assert (reserve.size(), reserve.released) == (MIB // 4, 3 * MIB // 4)
    reserve.restore()
    assert (reserve.size(), reserve.released) == (MIB, 0)
    reserve.restore()
    assert reserve.size() == MIB


def test_reserve_is_released_completely(reserve: DiskReserve) -> None:
    reserve.fill(MIB)
    while reserve.release_half():
        pass
    assert not reserve.path.exists()
    assert reserve.released == MIB


def test_reserve_is_removed(reserve: DiskReserve) -> None:
    reserve.fill(MIB)
    reserve.remove()
    reserve.remove()
    assert not reserve.path.exists()


def test_unknown_disk_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0, total=0)
    assert free_bytes(tmp_path / "events.db") > 2**60
