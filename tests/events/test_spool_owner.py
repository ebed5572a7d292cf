"""Spools in directories that other users can write to."""

import os
from pathlib import Path

import pytest

from statsig_api_client.events import SpoolError
from statsig_api_client.events.queue.database import SpoolDatabase
from tests.chaos.chance import logger
from tests.support.collector import Collector
from tests.support.spools import leave_pending

pytestmark = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="only the administrator gives files away"
)
OTHER = 65_534


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    tmp_path.chmod(0o1777)
    return tmp_path


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", "-reserve"])
def test_file_of_other_user_is_rejected(shared: Path, suffix: str) -> None:
    file = shared / f"events.db{suffix}"
    file.touch()
    file.chmod(0o666)
    os.chown(file, OTHER, OTHER)
    with pytest.raises(SpoolError, match=f"{file.name} belongs to another user"):
        SpoolDatabase(shared / "events.db")
    assert file.stat().st_mode & 0o777 == 0o666
    assert list(shared.iterdir()) == [file]


def test_link_of_other_user_is_rejected(shared: Path) -> None:
    target = shared / "mine"
    target.write_text("valuable")
    target.chmod(0o644)
    link = shared / "events.db"
    link.symlink_to(target)
    os.chown(link, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(SpoolError, match="belongs to another user"):
        SpoolDatabase(link)
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("valuable", 0o644)


def test_child_spool_of_other_user_is_not_recovered(shared: Path, collector: Collector) -> None:
    child = shared / "events.db.child-7-1"
    leave_pending(child, 3)
    os.chown(child, OTHER, OTHER)
    with logger(collector.url, spool=shared / "events.db") as events:
        assert events.flush(30).delivered == 0
    assert child.exists()


def test_administrator_opens_spool_in_directory_of_user(tmp_path: Path) -> None:
    SpoolDatabase(tmp_path / "events.db").close()
    tmp_path.chmod(0o755)
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, OTHER, OTHER)
    SpoolDatabase(tmp_path / "events.db").close()
    assert (tmp_path / "events.db").stat().st_uid == OTHER
