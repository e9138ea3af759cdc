"""Predictions for new rows in many formats."""

from __future__ import annotations

import gzip
import json
import logging

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.project import configure_project

from conftest import assert_refused, copy_project
from dropnorm.cli.main import run
from dropnorm.cli.study.group import study as study_group
from dropnorm.cli.study.project import open_project
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.datasets.new_rows import input_formats
from dropnorm.evaluation.records import RunRecord
from dropnorm.training.execution import MEMORY

pytestmark = pytest.mark.training
HEADER = "Stadt;Raucher;Stelle;Kilometer;Gewicht;Klasse"


def rows() -> list[list[str]]:
    """Return rows as German Excel writes them, with codes that begin with zeros."""
    chance = np.random.default_rng(3)
    found = []
    for number in range(120):
        town = ["München", "Köln", "Berlin"][number % 3]
        smokes = ["TRUE", "FALSE", "unknown"][chance.integers(3)]
        post = ["01", "02", "A"][chance.integers(3)]
        far = int(chance.integers(200, 9000))
        kilometers = f"{far // 1000}.{far % 1000:03}" if far > 999 else str(far)
        weight = f"{chance.normal(70, 9):.2f}".replace(".", ",")
        label = ["001", "010", "002"][number % 3]
        found.append([town, smokes, post, kilometers, weight, label])
    return found


def text(lines: list[list[str]], header: str = HEADER, sep: str = ";") -> str:
    return "\n".join([header.replace(";", sep), *(sep.join(line) for line in lines)]) + "\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a complete run on such a table, with the smallest network and one epoch."""
    root, told = logging.getLogger(), logging.getLogger("dropnorm.training.progress")
    before = (root.handlers[:], told.handlers[:], told.propagate)
    patch = pytest.MonkeyPatch()
    folder = copy_project(tmp_path_factory.mktemp("trained"))
    patch.chdir(folder)
    (folder / "staff.csv").write_bytes(text(rows()).encode("cp1252"))
    patch.setattr(StudyConfigLoader, "latest", None)
    patch.setenv(MEMORY, "off")
    configure_project("dropnorm")
    made = CliRunner().invoke(
        study_group, ["new", "staff", "--csv", "staff.csv", "--target", "Klasse"]
    )
    assert made.exit_code == 0, made.output
    yml = folder / "conf/base/parameters/staff.yml"
    study = yaml.safe_load(yml.read_text("utf-8"))
    study["staff"]["training"]["epochs"] = 2
    study["staff"]["network"]["hidden"] = [4]
    study["staff"]["replicas"]["splits"] = 1
    yml.write_text(yaml.safe_dump(study), "utf-8")
    StudyConfigLoader.latest = None
    configure_project("dropnorm")
    done = CliRunner().invoke(run, ["--pipelines=staff"])
    assert done.exit_code == 0, done.output
    yield folder
    patch.undo()
    root.handlers, told.handlers, told.propagate = before


@pytest.fixture
def predicted(trained, tmp_path, monkeypatch):
    """Run ``kedro study predict staff`` on a file, and return the result and the output."""
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    configure_project("dropnorm")

    def predict(content: bytes | str, name: str = "new.csv"):
        source, output = tmp_path / name, tmp_path / "out.csv"
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        output.unlink(missing_ok=True)
        words = ["predict", "staff", "--input", str(source), "--output", str(output)]
        done = CliRunner().invoke(study_group, words)
        found = pd.read_csv(output, dtype={"prediction": str}) if output.exists() else None
        return done, found

    return predict


def test_the_table_is_read_as_it_is_written_and_the_record_says_how(trained):
    study = open_project(None, None).config.study("staff")
    assert study.task == "classification"
    assert set(study.preprocessing.one_hot) == {"Stadt", "Raucher", "Stelle"}
    assert set(study.preprocessing.numbers) == {"Kilometer", "Gewicht"}
    (record,) = (trained / "data/08_reporting/staff/run.json").rglob("*.json")
    written = json.loads(record.read_text())["table"]["format"]
    assert (written["sep"], written["encoding"]) == (";", "cp1252")
    assert written["columns"]["Kilometer"] == {"decimal": ",", "thousands": "."}
    assert {"Stelle", "Klasse"} <= {
        name for name, column in written["columns"].items() if column.get("type") == "text"
    }


SAME = {
    "as the table": lambda r: text(r).encode("cp1252"),
    "UTF-8": text,
    "UTF-16": lambda r: text(r).encode("utf-16"),
    "rows that end in a separator": lambda r: text([[*line, ""] for line in r]),
    "other order, further columns": lambda r: text(
        [["1.5e9", *line[::-1], "x, y"] for line in r],
        f"mehr;{';'.join(HEADER.split(';')[::-1])};noch mehr",
    ),
    "blanks around": lambda r: text([[f" {value} " for value in line] for line in r]),
    "gzip": lambda r: gzip.compress(text(r).encode()),
    "tabs": lambda r: text(r, sep="\t"),
    "commas, quoted": lambda r: text([[f'"{value}"' for value in line] for line in r], sep=","),
    "no target": lambda r: text([line[:-1] for line in r], HEADER.removesuffix(";Klasse")),
    "true in other letters": lambda r: text(r).replace("TRUE", "True").replace("FALSE", "false"),
}


@pytest.mark.parametrize("spell", SAME.values(), ids=SAME)
def test_the_same_rows_in_another_spelling_are_predicted_alike(predicted, spell):
    _, expected = predicted(text(rows()[:20]).encode("cp1252"))

    done, found = predicted(spell(rows()[:20]))

    assert done.exit_code == 0, done.output
    assert "Warning" not in done.output
    pd.testing.assert_frame_equal(found, expected)
    assert set(found["prediction"]) <= {"001", "010", "002"}
    assert {"probability_001", "probability_010"} <= set(found.columns)


@pytest.mark.parametrize(
    "choose",
    [
        lambda line: line[1] in ("TRUE", "FALSE"),
        lambda line: line[2] == "01",
        lambda line: "." not in line[3],
        lambda line: "." in line[3],
        lambda line: line[0] == "Berlin",
    ],
)
def test_rows_are_predicted_alone_as_among_others(predicted, choose):
    chosen = [number for number, line in enumerate(rows()) if choose(line)]
    _, every = predicted(text(rows()))

    done, found = predicted(text([rows()[number] for number in chosen]))

    assert done.exit_code == 0, done.output
    assert "Warning" not in done.output
    expected = every.iloc[chosen].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="row"), expected.drop(columns="row"))


def test_parquet_is_predicted_like_text(predicted, tmp_path):
    table = pd.DataFrame(rows()[:20], columns=HEADER.split(";"))
    table["Kilometer"] = table["Kilometer"].str.replace(".", "").astype(int)
    table["Gewicht"] = table["Gewicht"].str.replace(",", ".").astype(float)
    table.set_index("Stadt").to_parquet(tmp_path / "t.parquet")
    _, expected = predicted(text(rows()[:20]))

    done, found = predicted((tmp_path / "t.parquet").read_bytes(), "new.parquet")

    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda line: [*line[:4], line[4].replace(",", "."), line[5]], "'Gewicht'"),
        (lambda line: [*line[:3], "1.8", *line[4:]], "'Kilometer'.*1.8"),
        (lambda line: [*line[:3], "1,800.5", *line[4:]], "'Kilometer'.*1,800.5"),
        (lambda line: [*line[:3], "far", *line[4:]], "'Kilometer'.*far"),
        (lambda line: [*line, "more"], "line 2.*7 fields.*6"),
    ],
)
def test_numbers_in_another_spelling_and_fields_too_many_are_refused(predicted, spoil, told):
    done, found = predicted(text([spoil(line) for line in rows()[:5]]))

    assert_refused(done, rf"new\.csv: .*{told}")
    assert found is None


def test_the_pipeline_reads_new_rows_likewise(trained, predicted):
    new = text([line for line in rows() if line[2] == "01" and line[1] == "TRUE"])
    (trained / "data/01_raw/staff_new_rows.csv").write_text(new, "utf-8")
    _, expected = predicted(new)
    StudyConfigLoader.latest = None
    configure_project("dropnorm")

    done = CliRunner().invoke(run, ["--pipelines=staff.predict"])

    assert done.exit_code == 0, done.output
    frames = [
        pd.read_csv(file, dtype={"prediction": str})
        for file in (trained / "data/07_model_output/staff").glob("*/predictions.csv/*/*.csv")
    ]
    assert len(frames) == 4
    # The command writes six digits; the catalog has all of them.
    assert any(close(frame, expected) for frame in frames)


def close(frame: pd.DataFrame, expected: pd.DataFrame) -> bool:
    amounts = expected.select_dtypes("number").columns
    others = expected.columns.difference(amounts)
    return frame[others].equals(expected[others]) and np.allclose(
        frame[amounts], expected[amounts], rtol=1e-5, atol=1e-6, equal_nan=True
    )


def test_without_a_format_in_the_record_the_study_says_what_columns_are(trained):
    study = open_project(None, None).config.study("staff")

    inputs = input_formats(RunRecord(), study.preprocessing, None)

    assert inputs is not None
    assert inputs.columns == dict.fromkeys(
        ("Stadt", "Raucher", "Stelle"), ColumnFormat(type="text")
    )


def test_a_run_is_repeated_by_the_format_of_its_record(trained, monkeypatch):
    entry = trained / "conf/base/catalog_staff.yml"
    text = entry.read_text("utf-8")
    entry.write_text(text.replace('thousands: "."', "thousands: null"), "utf-8")
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    configure_project("dropnorm")

    refused = CliRunner().invoke(study_group, ["check", "staff"])
    done = CliRunner().invoke(study_group, ["rerun", "staff"])

    entry.write_text(text, "utf-8")
    assert refused.exit_code == 1
    assert done.exit_code == 0, done.output
    assert "OK the repetition agrees bit for bit" in done.output
