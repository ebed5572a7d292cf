"""The pytest plugin, in separate runs of pytest."""

import subprocess
import sys
from pathlib import Path

import pytest

# Native modules can be loaded only once, but the runs below unload their imports.
import statsig_api_client.local  # noqa: F401

pytest_plugins = ["pytester"]

SHOP = str(Path(__file__).parent.parent / "examples" / "project.yaml")

TESTS = """
    USER = {"userID": "42"}

    def test_client_evaluates_on_server(statsig, statsig_local):
        assert statsig.check_gate(USER, "staff_tools").value is False
        assert [exposure.name for exposure in statsig_local.exposures()] == ["staff_tools"]

    def test_override_applies(statsig, statsig_local):
        statsig_local.override_gate("staff_tools", True)
        statsig_local.fail_next(times=None, call="get_config")
        assert statsig.check_gate(USER, "staff_tools").value is True

    def test_state_of_earlier_tests_is_discarded(statsig, statsig_local):
        assert statsig_local.exposures() == []
        assert statsig.check_gate(USER, "staff_tools").value is False
        assert statsig.get_config(USER, "homepage").get("button_color", "") == "blue"

    def test_server_is_shared_by_session(statsig_server, statsig_local):
        assert statsig_local is statsig_server
        assert statsig_server.secret_key == "secret-local"
"""


def test_project_is_set_on_command_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(TESTS)
    pytester.makefile(".yaml", project=Path(SHOP).read_text(encoding="utf-8"))
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    result = pytester.runpytest_inprocess("..", "--statsig-project=../project.yaml")
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("options", [[], ["--rootdir=."]])
def test_project_is_relative_to_configuration(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    pytester.makepyfile(TESTS)
    pytester.makefile(".yaml", project=Path(SHOP).read_text(encoding="utf-8"))
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nstatsig_project = "project.yaml"')
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    pytester.runpytest_inprocess("..", *options).assert_outcomes(passed=4)


def test_missing_project_fails_with_hint(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(statsig): pass")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["no project: pass --statsig-project=FILE, set statsig_project in the configuration of*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("text", [None, "gatez: {}"])
def test_invalid_project_fails_with_one_line(pytester: pytest.Pytester, text: str | None) -> None:
    if text:
        pytester.makefile(".yaml", project=text)
    pytester.makepyfile("def test_it(statsig): pass")
    result = pytester.runpytest_inprocess("--statsig-project=project.yaml", "-q")
    result.assert_outcomes(errors=1)
    problem = "1: gatez: unknown key*" if text else " cannot be read: No such file or directory"
    result.stdout.fnmatch_lines([f"{pytester.path}/project.yaml:{problem}"])


def test_server_fixture_can_be_overridden(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import pytest
        from statsig_api_client.local import LocalServer

        @pytest.fixture(scope="session")
        def statsig_server():
            with LocalServer({SHOP!r}, process=True) as server:
                yield server
        """
    )
    pytester.makepyfile(TESTS)
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


ASYNCHRONOUS = """
    import asyncio

    USER = {"userID": "42"}

    def test_own_event_loop_works(async_statsig, statsig_local):
        async def ask_twice():
            gates = [async_statsig.check_gate(USER, "staff_tools") for _ in range(2)]
            return await asyncio.gather(*gates)

        assert [gate.value for gate in asyncio.run(ask_twice())] == [False, False]
        assert [gate.value for gate in asyncio.run(ask_twice())] == [False, False]
        assert len(statsig_local.exposures()) == 4
"""


def test_async_client_needs_no_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASYNCHRONOUS)
    result = pytester.runpytest_inprocess(
        "-W", "error", "-p", "no:anyio", f"--statsig-project={SHOP}"
    )
    result.assert_outcomes(passed=1)


def test_async_client_runs_in_plugin_loop(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        @pytest.mark.parametrize("again", [1, 2])
        async def test_it(async_statsig, statsig_local, again):
            await async_statsig.log_event({"userID": "42"}, "seen")
            assert len(statsig_local.events("seen")) == 1
        """
    )
    result = pytester.runpytest_inprocess("-W", "error", f"--statsig-project={SHOP}")
    result.assert_outcomes(passed=2)


@pytest.mark.slow
def test_each_xdist_worker_has_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=TESTS, test_two=TESTS)
    pytester.makefile(".yaml", project=Path(SHOP).read_text(encoding="utf-8"))
    result = pytester.runpytest_subprocess("-n", "2", "--statsig-project=project.yaml")
    result.assert_outcomes(passed=8)


def test_unused_fixtures_import_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "statsig_api_client.pytest_plugin" in sys.modules
            assert not {"statsig_api_client.local", "httpx", "uvicorn"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:anyio", "--statsig-project=missing.yaml")
    result.assert_outcomes(passed=1)


def test_plugin_imports_only_pytest() -> None:
    program = """
import sys
import pytest
before = set(sys.modules)
import statsig_api_client.pytest_plugin
new = set(sys.modules) - before
print(sorted({name.partition(".")[0] for name in new}))
print(len(new) <= 40)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == ["['statsig_api_client']", "True"]
