"""Packages are replaced completely or not at all."""

from pathlib import Path

import pytest

from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.output import diff_files, write_files
from tests.support.flag_packages import EXAMPLE, contents, files_of

FILES = files_of(EXAMPLE)


def test_package_is_written_with_parents(tmp_path: Path) -> None:
    write_files(tmp_path / "shop" / "flags", FILES)
    assert contents(tmp_path / "shop" / "flags") == FILES
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["flags"]


def test_package_is_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "flags"
    write_files(directory, {"old.py": FILES["gates.py"]})
    (directory / "__pycache__").mkdir()
    write_files(directory, FILES)
    assert contents(directory) == FILES


@pytest.mark.parametrize("name", ["mine.py", "notes.md", "sub", "sub.py"])
def test_foreign_file_is_kept(name: str, tmp_path: Path) -> None:
    directory = tmp_path / "flags"
    write_files(directory, FILES)
    if name.startswith("sub"):
        (directory / name).mkdir()
    else:
        (directory / name).write_text("x = 1\n")
    with pytest.raises(FlagsError, match=f"contains {name}, which is not generated"):
        write_files(directory, {})
    assert contents(directory).items() >= FILES.items()


def test_output_file_is_error(tmp_path: Path) -> None:
    (tmp_path / "flags").write_text("")
    with pytest.raises(FlagsError, match="expected a directory"):
        write_files(tmp_path / "flags", FILES)


def test_unwritable_parent_is_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlagsError, match="cannot be written: "):
        write_files(tmp_path / "file" / "flags", FILES)


@pytest.mark.parametrize("exists", [True, False])
def test_failed_replacement_keeps_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    directory = tmp_path / "flags"
    if exists:
        write_files(directory, FILES)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FlagsError, match="cannot be written: No space left on device"):
        write_files(directory, {"gates.py": FILES["gates.py"]})
    assert [path.name for path in tmp_path.iterdir()] == ["flags"] * exists
    if exists:
        assert contents(directory) == FILES


def test_diff_lists_every_difference(tmp_path: Path) -> None:
    directory = tmp_path / "flags"
    assert any(line.startswith("+new_checkout") for line in diff_files(directory, FILES))
    write_files(directory, {**FILES, "old.py": FILES["gates.py"]})
    assert "-new_checkout: Gate" in "".join(diff_files(directory, FILES))
    (directory / "old.py").unlink()
    assert not list(diff_files(directory, FILES))
