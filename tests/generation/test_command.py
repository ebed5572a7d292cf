"""`generate.py` and `generate.py --check`: deterministic and atomic."""

import hashlib
import importlib.metadata
import shutil
import signal
import time
import tomllib
from pathlib import Path

import pytest

import generate
from generator.output import GENERATORS

from .processes import contents, copy_project, finish, run, start
from .spec_edits import ROOT, SPEC, edited, new_operation, write
from .spec_edits import method as change_method

GENERATED = ROOT / "statsig_api_client" / "generated"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A copy of the generated code that a test may change."""
    return shutil.copytree(
        GENERATED, tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__")
    )


# ---- Determinism ----


def test_output_is_deterministic(tmp_path: Path) -> None:
    # The hash seed, the locale, the working directory and the file name differ.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    renamed = shutil.copy(SPEC, elsewhere / "renamed.yml")
    runs = [
        start("--output", tmp_path / "one", PYTHONHASHSEED="1"),
        start(
            *("--spec", renamed, "--output", "two"),
            cwd=elsewhere,
            PYTHONHASHSEED="2",
            LC_ALL="C",
            PYTHONUTF8="0",
        ),
    ]
    assert [finish(process)[0] for process in runs] == [0, 0]
    assert contents(tmp_path / "one") == contents(GENERATED)
    assert contents(elsewhere / "two") == contents(GENERATED)


def test_header_names_spec_and_generators() -> None:
    digest = hashlib.sha256(SPEC.read_bytes()).hexdigest()
    for file in (*GENERATED.glob("*.py"), ROOT / "tests" / "support" / "oracle.py"):
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith(f"# Generated from openapi.yaml (sha256 {digest}) with ")
        for name, version in pins().items():
            assert f"{name} {version}" in first


def test_installed_generators_are_pinned_versions() -> None:
    # Their Python APIs and their output are not stable; review the result of every upgrade.
    for name, version in pins().items():
        assert importlib.metadata.version(name) == version


def pins() -> dict[str, str]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    exact = dict(
        requirement.split("==")
        for requirement in declared["optional-dependencies"]["dev"]
        if "==" in requirement
    )
    return {name: exact[name] for name in GENERATORS}


# ---- --check ----


def test_check_passes_from_any_directory(tmp_path: Path) -> None:
    code, out, err = finish(start("--check", cwd=tmp_path))
    assert (code, err) == (0, "")
    targets = "statsig_api_client/generated and tests/support/oracle.py"
    assert out == f"{targets}: up to date with openapi.yaml\n"


def check(output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = generate.main(["--check", "--output", str(output)])
    return code, capsys.readouterr().out.splitlines()


def test_check_prints_changed_lines(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = generated / "calls.py"
    calls.write_text(calls.read_text().replace('path="/get_layer"', 'path="/get_layers"'))
    code, printed = check(generated, capsys)
    assert code == 1
    assert printed[:2] == ["--- now/calls.py", "+++ new/calls.py"]
    assert '-        path="/get_layers",' in printed
    assert '+        path="/get_layer",' in printed
    assert printed[-1] == f"{generated}: out of date with openapi.yaml; run `python generate.py`"


@pytest.mark.parametrize("missing", ["typed_dicts.py", "openapi.json", "."])
def test_check_reports_missing_files(
    missing: str, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing == ".":
        shutil.rmtree(generated)
    else:
        (generated / missing).unlink()
    code, printed = check(generated, capsys)
    assert code == 1
    assert any(line.startswith("+++ new/") for line in printed)
    assert not any(line.startswith("-") and not line.startswith("--- ") for line in printed)


@pytest.mark.parametrize(
    ("stray", "content"),
    [
        ("extra.py", b"STRAY = 1\n"),
        ("more/extra.py", b"STRAY = 1\n"),
        ("empty", b""),
        ("picture.png", b"\x89PNG\xff"),
    ],
)
def test_check_reports_stray_files(
    stray: str, content: bytes, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = generated / stray
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    code, printed = check(generated, capsys)
    assert code == 1
    assert printed[0] == f"--- now/{path.name}"


def test_check_writes_nothing(generated: Path) -> None:
    (generated / "calls.py").unlink()
    before = contents(generated.parent)
    assert generate.main(["--check", "--output", str(generated)]) == 1
    assert contents(generated.parent) == before


# ---- Atomicity ----


def test_changed_spec_is_checked_and_generated(project: Path) -> None:
    spec = edited(
        new_operation("/get_flag", like="/get_layer"), change_method("/get_flag", name="get_flag")
    )
    write(project / "openapi.yaml", spec)
    before = contents(project / "statsig_api_client")
    (project / "statsig_api_client/generated/stray.py").touch()

    code, out, _ = run("--check", project=project)
    assert code == 1
    assert "+    def get_flag(" in out
    assert "--- now/oracle.py" in out

    assert run(project=project) == (
        0,
        "wrote statsig_api_client/generated and tests/support/oracle.py from openapi.yaml\n",
        "",
    )
    assert contents(project / "statsig_api_client").keys() == before.keys()


def test_failed_rename_changes_nothing(project: Path) -> None:
    write(project / "openapi.yaml", edited())
    shutil.rmtree(project / "tests")  # where the oracle goes
    before = contents(project)
    code, out, err = run(project=project)
    assert (code, out) == (2, "")
    assert "No such file or directory" in err
    assert contents(project) == before


@pytest.mark.parametrize("stray", ["__init__.py", "notes.txt", "more/notes.txt"])
def test_other_directory_is_not_replaced(
    stray: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "package" / stray
    path.parent.mkdir(parents=True)
    path.write_text("# Mine\n")
    before = contents(tmp_path)
    assert generate.main(["--output", str(tmp_path / "package")]) == 2
    printed = f"{tmp_path}/package: contains files that are not generated; move them\n"
    assert capsys.readouterr() == ("", printed)
    assert contents(tmp_path) == before


@pytest.fixture
def ruff(tmp_path: Path) -> Path:
    """A directory for a `ruff` that replaces the real one."""
    directory = tmp_path / "ruff"
    directory.mkdir()
    return directory


def test_failed_format_changes_nothing(project: Path, ruff: Path) -> None:
    (ruff / "ruff.py").write_text("raise SystemExit('ruff: out of memory')")
    before = contents(project)
    code, out, err = run(project=project, PYTHONPATH=str(ruff))
    assert (code, out) == (1, "")
    assert "ruff: out of memory" in err
    assert contents(project) == before


def test_interrupt_changes_nothing(project: Path, ruff: Path) -> None:
    started = ruff / "started"
    (ruff / "ruff.py").write_text(
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(60)"
    )
    # A shell starts background jobs with SIGINT ignored, and the tests may be one.
    (ruff / "sitecustomize.py").write_text(
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    )
    before = contents(project)
    # `subprocess` emits a ResourceWarning for the killed ruff.
    process = start(project=project, PYTHONPATH=str(ruff), PYTHONWARNINGS="ignore")
    while not started.exists():
        assert process.poll() is None, finish(process)
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (130, "", "interrupted; the generated code is unchanged\n")
    assert contents(project) == before


def test_help_shows_all_modes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        generate.main(["--help"])
    assert exited.value.code == 0
    usage = capsys.readouterr().out
    for words in ("python generate.py ", "--check", "--diff OLD_SPEC", "Exit codes"):
        assert words in usage


def test_check_and_diff_cannot_be_combined(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        generate.main(["--check", "--diff", "old.yaml"])
    assert exited.value.code == 2
    assert "--diff: not allowed with argument --check" in capsys.readouterr().err
