"""The guide to Spark: its programs run, and its output is current."""

import json
import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from statsig_api_client.local import LocalServer
from statsig_api_client.spark import EvaluationOptions, read_summary
from statsig_api_client.spark import options as sink_options

from .conftest import ROOT

GUIDE = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
BATCH, STREAM, EVALUATIONS = re.findall(
    r"^```python\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL
)
CONSOLE = "".join(re.findall(r"^```console\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL))
SALES = "".join(re.findall(r'^\{"event":.*\n', CONSOLE, flags=re.MULTILINE))


def test_programs_of_guide_run(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sales.json").write_text(SALES)
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "sales.json").write_text(SALES.replace("re<fund", "refund"))
    with LocalServer(ROOT / "examples" / "project.yaml") as shop:
        key = tmp_path / "key"
        key.write_text(shop.secret_key)
        names: dict[str, object] = {"spark": spark, "EvaluationOptions": EvaluationOptions}

        def run(code: str) -> None:
            code = code.replace('"sales.json"', f'"{tmp_path}/sales.json"')
            code = code.replace('"/shared/', f'"{tmp_path}/').replace(
                '.format("statsig")',
                f'.format("statsig").option("url", "{shop.url}").option("apiKeyFile", "{key}")',
            )
            for name in ("staff_tools", "logo_test"):
                options = f'EvaluationOptions(url="{shop.url}", api_key_file="{key}")'
                code = code.replace(f'"{name}"', f'"{name}", {options}')
            exec(compile(code, "docs/spark.md", "exec"), names)  # noqa: S102

        run(BATCH)
        assert capsys.readouterr().out in CONSOLE
        (letter,) = (tmp_path / "sales-2026-11-01" / "dead-letters").iterdir()
        assert json.loads(letter.read_text()) == json.loads(CONSOLE.splitlines()[-1])
        run(STREAM)
        query = names["query"]
        query.processAllAvailable()  # type: ignore[attr-defined]
        query.stop()  # type: ignore[attr-defined]
        (epoch,) = (tmp_path / "sales-stream").glob("*-*/0")
        assert read_summary(str(epoch)).totals.delivered == 3
        assert [event.event_name for event in shop.events()].count("purchase") == 4
        run(EVALUATIONS)
        assert capsys.readouterr().out.rstrip("\n") in GUIDE


def test_guide_lists_all_options() -> None:
    documented = re.findall(r"`(\w+)`", GUIDE.partition("## Options")[2].partition("\n##")[0])
    with pytest.raises(Exception, match="expected one of") as raised:
        sink_options.read_options({"no": ""})
    known = str(raised.value).partition("expected one of ")[2].split(", ")
    assert set(known) <= set(documented)


def test_links_of_guide_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", GUIDE):
        path, _, heading = target.partition("#")
        text = (ROOT / "docs" / path).read_text(encoding="utf-8")
        headings = [
            re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^##+ (.*)$", text, flags=re.MULTILINE)
        ]
        assert not heading or heading in headings, target
