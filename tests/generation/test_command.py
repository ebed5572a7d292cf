"""`generate.py` and `generate.py --check`: the same on every run, wholly or not at all."""

import hashlib
import importlib.metadata
import shutil
import signal
import time
import tomllib
from pathlib import Path

import pytest

import generate

from .contracts import ROOT, SPEC, changed, new_operation, write
from .contracts import method as change_method
from .runs import contents, copy_project, finish, run, start

GENERATED = ROOT / "statsig_api_client" / "generated"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A copy of the generated code, to break."""
    return shutil.copytree(
        GENERATED, tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__")
    )


# ---- The same on every run ----


def test_every_run_gives_the_same_bytes_and_they_are_those_of_this_project(tmp_path: Path) -> None:
    # Another hash seed, locale, folder to run in, and name of the contract.
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


def test_each_file_says_from_which_contract_it_comes_and_with_which_generators() -> None:
    digest = hashlib.sha256(SPEC.read_bytes()).hexdigest()
    for file in (*GENERATED.glob("*.py"), ROOT / "tests" / "oracle.py"):
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith(f"# Generated from openapi.yaml (sha256 {digest}) with ")
        for name, version in pins().items():
            assert f"{name} {version}" in first


def test_the_installed_generators_are_those_that_are_pinned() -> None:
    # Their Python APIs and output are not stable: another version needs other eyes on the result.
    for name, version in pins().items():
        assert importlib.metadata.version(name) == version


def pins() -> dict[str, str]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    exact = dict(
        requirement.split("==")
        for requirement in declared["optional-dependencies"]["dev"]
        if "==" in requirement
    )
    return {name: exact[name] for name in generate.GENERATORS}


# ---- --check ----


def test_check_passes_on_this_project_from_any_folder(tmp_path: Path) -> None:
    code, out, err = finish(start("--check", cwd=tmp_path))
    assert (code, err) == (0, "")
    assert out == "statsig_api_client/generated and tests/oracle.py: what openapi.yaml gives\n"


def check(output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = generate.main(["--check", "--output", str(output)])
    return code, capsys.readouterr().out.splitlines()


def test_check_shows_the_lines_that_were_changed(
    generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = generated / "calls.py"
    calls.write_text(calls.read_text().replace('path="/get_layer"', 'path="/get_layers"'))
    code, told = check(generated, capsys)
    assert code == 1
    assert told[:2] == ["--- now/calls.py", "+++ new/calls.py"]
    assert '-        path="/get_layers",' in told
    assert '+        path="/get_layer",' in told
    assert told[-1] == f"{generated}: not what openapi.yaml gives; run `python generate.py`"


@pytest.mark.parametrize("missing", ["typed_dicts.py", "openapi.json", "."])
def test_check_misses_what_was_removed(
    missing: str, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing == ".":
        shutil.rmtree(generated)
    else:
        (generated / missing).unlink()
    code, told = check(generated, capsys)
    assert code == 1
    assert any(line.startswith("+++ new/") for line in told)
    assert not any(line.startswith("-") and not line.startswith("--- ") for line in told)


@pytest.mark.parametrize(
    ("stray", "content"),
    [
        ("extra.py", b"STRAY = 1\n"),
        ("more/extra.py", b"STRAY = 1\n"),
        ("empty", b""),
        ("picture.png", b"\x89PNG\xff"),
    ],
)
def test_check_notices_a_stray_file(
    stray: str, content: bytes, generated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = generated / stray
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    code, told = check(generated, capsys)
    assert code == 1
    assert told[0] == f"--- now/{path.name}"


def test_check_writes_nothing(generated: Path) -> None:
    (generated / "calls.py").unlink()
    before = contents(generated.parent)
    assert generate.main(["--check", "--output", str(generated)]) == 1
    assert contents(generated.parent) == before


# ---- Wholly or not at all ----


def test_a_changed_contract_is_noticed_and_then_generated(project: Path) -> None:
    spec = changed(
        new_operation("/get_flag", like="/get_layer"), change_method("/get_flag", name="get_flag")
    )
    write(project / "openapi.yaml", spec)
    (project / "statsig_api_client/generated/stray.py").touch()

    code, out, _ = run("--check", project=project)
    assert code == 1
    assert "+    def get_flag(" in out
    assert "--- now/oracle.py" in out

    assert run(project=project) == (
        0,
        "wrote statsig_api_client/generated and tests/oracle.py from openapi.yaml\n",
        "",
    )
    assert not (project / "statsig_api_client/generated/stray.py").exists()
    assert {path.name for path in (project / "statsig_api_client").iterdir()} == {"generated"}


def test_what_cannot_be_put_in_its_place_leaves_everything_as_it_was(project: Path) -> None:
    write(project / "openapi.yaml", changed())
    shutil.rmtree(project / "tests")  # where the oracle goes
    before = contents(project)
    code, out, err = run(project=project)
    assert (code, out) == (2, "")
    assert "No such file or directory" in err
    assert contents(project) == before


@pytest.mark.parametrize("stray", ["__init__.py", "notes.txt", "more/notes.txt"])
def test_a_folder_that_was_not_generated_is_left_alone(
    stray: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "package" / stray
    path.parent.mkdir(parents=True)
    path.write_text("# Mine\n")
    before = contents(tmp_path)
    assert generate.main(["--output", str(tmp_path / "package")]) == 2
    told = f"{tmp_path}/package: holds files that are not generated, and would be lost\n"
    assert capsys.readouterr() == ("", told)
    assert contents(tmp_path) == before


@pytest.fixture
def ruff(tmp_path: Path) -> Path:
    """A folder in which a `ruff` can be put that runs instead of the real one."""
    folder = tmp_path / "ruff"
    folder.mkdir()
    return folder


def test_a_failure_in_the_middle_leaves_everything_as_it_was(project: Path, ruff: Path) -> None:
    (ruff / "ruff.py").write_text("raise SystemExit('ruff: out of memory')")
    before = contents(project)
    code, out, err = run(project=project, PYTHONPATH=str(ruff))
    assert (code, out) == (1, "")
    assert "ruff: out of memory" in err
    assert contents(project) == before


def test_ctrl_c_leaves_everything_as_it_was(project: Path, ruff: Path) -> None:
    started = ruff / "started"
    (ruff / "ruff.py").write_text(
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(60)"
    )
    # A shell starts its background jobs deaf to Ctrl-C, and these tests may be one.
    (ruff / "sitecustomize.py").write_text(
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    )
    before = contents(project)
    # `subprocess` does not wait for what it kills, and warns of that itself.
    process = start(project=project, PYTHONPATH=str(ruff), PYTHONWARNINGS="ignore")
    while not started.exists():
        assert process.poll() is None, finish(process)
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (130, "", "interrupted; the generated code is as it was\n")
    assert contents(project) == before


def test_the_usage_tells_the_three_ways_to_run_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        generate.main(["--help"])
    assert exited.value.code == 0
    usage = capsys.readouterr().out
    for words in ("python generate.py ", "--check", "--diff OLD_SPEC", "Exit codes"):
        assert words in usage


def test_it_does_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        generate.main(["--check", "--diff", "old.yaml"])
    assert exited.value.code == 2
    assert "--diff: not allowed with argument --check" in capsys.readouterr().err
