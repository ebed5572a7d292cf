"""The guide to lift: its commands and programs run and print the documented output."""

import csv
import random
import re
import shlex
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.lift import LiftReport, analyze
from tests.docs.pages import ROOT, code_blocks, run
from tests.lift.records import DAY, T0

GUIDE = "docs/lift.md"


def write_shop(directory: Path) -> None:
    """Write the files of the guide: 4,000 shoppers in two weeks, with a true lift of 15 %."""
    chance = random.Random(15)
    assigned, sold = [], []
    for number in range(4000):
        shopper, variant = f"s{number}", chance.choice(("Control", "Square"))
        time = T0 + chance.randrange(10 * DAY)
        assigned.append((shopper, variant, time))
        share = 0.20 if variant == "Control" else 0.23
        while chance.random() < share:
            time += chance.randrange(1, 2 * DAY)
            amount = round(chance.lognormvariate(3, 0.6), 2)
            sold.append((shopper, time, amount, chance.choice(("logo", "plain"))))
        if chance.random() < 0.02:
            sold.append((shopper, T0 - chance.randrange(DAY), 20.0, "plain"))
    for name, columns, rows in (
        ("assignments.csv", ("shopper", "variant", "assigned_at"), assigned),
        ("sales.csv", ("shopper", "sold_at", "amount", "product"), sold),
    ):
        with (directory / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sessions() -> list[tuple[list[str], str]]:
    """Return the arguments of each command of the guide, and its output."""
    text = "".join(code_blocks(GUIDE, "console"))
    parts = re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]
    split = [part.partition("\n") for part in parts]
    return [(shlex.split(command)[1:], output.rstrip("\n")) for command, _, output in split]


@pytest.mark.usefixtures("shop")
def test_commands_print_documented_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for arguments, documented in sessions():
        assert main(arguments) == 0
        assert capsys.readouterr().out.rstrip("\n") == documented
    assert Path("lift.png").exists()


@pytest.mark.usefixtures("shop")
def test_programs_run(capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = code_blocks(GUIDE, "python")
    names = run(first, GUIDE)
    report = names["report"]
    assert isinstance(report, LiftReport)
    assert capsys.readouterr().out == f"{report}\n"
    for code in others:
        run(code, GUIDE, **{**names, "analyze": analyze})


def test_pictures_exist() -> None:
    page = (ROOT / GUIDE).read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert pictures
    assert all((ROOT / "docs" / picture).exists() for picture in pictures)
