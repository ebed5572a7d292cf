"""Reading ID lists: from the project file itself, or from a file beside it."""

from pathlib import Path

from attrs import frozen

from .yaml_reader import Entry


@frozen(kw_only=True)
class IdList:
    """The members of an ID list, and the file that they came from if they have one."""

    members: tuple[str, ...]
    file: Path | None


def read_id_list(entry: Entry) -> IdList:
    """Read a list of IDs, or the name of a file that has one ID in each line.

    The file is looked for beside the project file. Blanks around an ID and empty lines are nothing.

    Raises:
        ProjectError: An ID is not text, or the file cannot be read.
    """
    file = None if entry.is_list() else entry.file.parent / entry.text()
    ids = [_id(item) for item in entry.items()] if file is None else _read(file, entry)
    return IdList(members=tuple(dict.fromkeys(ids)), file=file)


def _id(entry: Entry) -> str:
    # A number is an ID as it is written, 007 too.
    if isinstance(entry.scalar(), bool | None) or not entry.written():
        entry.fail(f"expected an ID, got {entry.written()!r}")
    return entry.written()


def _read(file: Path, entry: Entry) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        entry.fail(f"the file {str(file)!r} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        entry.fail(f"expected UTF-8 text in the file {str(file)!r}")
    return [line.strip() for line in text.splitlines() if line.strip()]
