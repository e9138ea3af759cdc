"""Commands that train: a sweep, and a run repeated; one small study for all tests."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.project import configure_project

from conftest import assert_refused, copy_project
from dropnorm.cli.main import run
from dropnorm.cli.study.group import study as study_group
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.study.variants import Variant
from dropnorm.training import cache
from dropnorm.training.execution import MEMORY

pytestmark = pytest.mark.training
STUDY = {
    "title": "Tiny",
    "target": {"column": "CompressiveStrength", "unit": "MPa", "scale": "standardize"},
    "preprocessing": {"standard_scale": ["Cement", "Age"]},
    "split": {"method": "random"},
    "replicas": {"splits": 2},
    "network": {"hidden": [4]},
    "training": {"batch_size": 70, "epochs": 2},
}
ENTRY = {
    "tiny.table": {
        "type": "pandas.CSVDataset",
        "filepath": "data/sample/01_raw/concrete.csv",
    }
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a complete run of the study, as the project that Kedro works in."""
    root, told = logging.getLogger(), logging.getLogger("dropnorm.training.progress")
    before = (root.handlers[:], told.handlers[:], told.propagate)
    patch = pytest.MonkeyPatch()
    folder = copy_project(tmp_path_factory.mktemp("trained"))
    (folder / "conf/base/parameters/tiny.yml").write_text(yaml.safe_dump({"tiny": STUDY}))
    (folder / "conf/base/catalog_tiny.yml").write_text(yaml.safe_dump(ENTRY))
    patch.chdir(folder)
    patch.setattr(StudyConfigLoader, "latest", None)
    patch.setenv(MEMORY, str(folder / "data/.memory"))
    configure_project("dropnorm")
    done = CliRunner().invoke(run, ["--pipelines=tiny"])
    assert done.exit_code == 0, done.output
    yield folder
    patch.undo()
    root.handlers, told.handlers, told.propagate = before


@pytest.fixture
def command(trained, monkeypatch):
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    monkeypatch.setenv(MEMORY, str(trained / "data/.memory"))
    configure_project("dropnorm")
    return lambda *options: CliRunner().invoke(study_group, [str(option) for option in options])


def written(folder: Path, what: str = "0[2-8]*") -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for place in (folder / "data").glob(what)
        for path in place.rglob("*")
        if path.is_file()
    }


def test_a_run_repeated_from_its_record_agrees_bit_for_bit_and_writes_nothing(
    command, trained, monkeypatch
):
    before = written(trained, "*")
    asked: list[Path | None] = []
    recall = cache.recall
    monkeypatch.setattr(cache, "recall", lambda *known: asked.append(known[-1]) or recall(*known))
    # The record says what was run, not the YAML of today.
    yml = trained / "conf/base/parameters/tiny.yml"
    yml.write_text(yaml.safe_dump({"tiny": {**STUDY, "network": {"hidden": [7, 7]}}}))

    done = command("rerun", "tiny")

    yml.write_text(yaml.safe_dump({"tiny": STUDY}))
    assert done.exit_code == 0, done.output
    for variant in Variant:
        assert f"{variant.value:<18} 4 epochs of 2 replicas agree bit for bit" in done.output
    assert done.output.endswith("OK the repetition agrees bit for bit\n")
    assert written(trained, "*") == before
    assert set(asked) == {None}  # the memory was off
    assert os.environ[MEMORY] != "off"


def test_a_repetition_that_differs_though_nothing_explains_it_is_an_error(command, trained):
    (file,) = (trained / "data/08_reporting/tiny/run.json").rglob("*.json")
    text = file.read_text()
    record = json.loads(text)
    record["options"]["training"]["seed"] = 1  # not what was run
    file.write_text(json.dumps(record))

    done = command("rerun", "tiny")

    file.write_text(text)
    assert "epochs of 2 replicas agree within" in done.output
    assert "first in epoch 1 of split 0, start 0" in done.output
    assert done.exit_code == 1
    assert "Error: the repetition differs, though engine" in done.stderr


def test_a_run_is_not_repeated_with_another_table(command, trained):
    table = trained / "data/sample/01_raw/concrete.csv"
    text = table.read_text()
    table.write_text(text + text.splitlines()[-1] + "\n")

    done = command("rerun", "tiny")

    table.write_text(text)
    assert_refused(done, "concrete.csv: has changed since that run")


def test_a_version_that_there_is_not_is_refused(command):
    assert_refused(command("rerun", "wine"), "no complete run of the study 'wine' to repeat")
    assert_refused(command("rerun", "tiny", "--version=2020"), "no complete version '2020'")
    assert_refused(command("rerun", "tinny"), "no study 'tinny'; did you mean 'tiny'\\?")


def test_a_sweep_stands_apart_complete_and_trains_only_what_the_study_has_not(command, trained):
    before = written(trained)

    done = command("sweep", "tiny", "--dropout=0,0.3", "--placement=after_hidden,input")

    assert done.exit_code == 0, done.output
    new = written(trained) - before
    assert {Path(file).parts[2] for file in new} == {"tiny.sweep"}
    (record,) = (trained / "data/08_reporting/tiny.sweep/run.json").rglob("*.json")
    named = json.loads(record.read_text())
    own = record.relative_to(trained).as_posix()
    assert {f"data/{file['path']}" for file in named["files"]} == new - {own}
    assert named["options"]["sweep"] == {
        "dropout": [0.0, 0.3], "placement": ["after_hidden", "input"],
    }  # fmt: skip
    assert named["command"].endswith(  # behind the engine, if another is asked for
        "kedro study sweep tiny --dropout=0.0,0.3 --placement=after_hidden,input"
    )
    # baseline, dropout 0.3, batchnorm after_hidden, both: the study's own trainings.
    assert done.output.count("2 of 2 replicas are known from earlier runs") == 4
    (curve,) = (trained / "data/08_reporting/tiny.sweep/curve.csv").rglob("*.csv")
    points = pd.read_csv(curve)
    assert len(points) == 1 + 2 + 2 + 4
    assert "Dropout, which rate: " in done.output
    assert "Both layers, which rate and which place: " in done.output
    # A rate of 0 is no dropout.
    errors = points.set_index(["variant", "rate", "placement"])["error"]
    assert errors["dropout"][0.0].item() == errors["baseline"].item()
    # The study's own point has the study's own error.
    (metrics,) = (trained / "data/08_reporting/tiny/dropout/metrics.json").rglob("*.json")
    own_error = json.loads(metrics.read_text())["validation_mae"]
    assert errors["dropout"][0.3].item() == own_error
    (picture,) = (trained / "data/08_reporting/tiny.sweep/curve.png").rglob("*.png")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    # Other commands see the study's own versions alone.
    (version,) = (folder.name for folder in (trained / "data/08_reporting/tiny/run.json").iterdir())
    assert f" {version}" in command("list").output
    assert command("prune", "tiny", "--keep=0", "--dry-run").output.count("would remove") == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["wne"], "no study 'wne'; did you mean 'wine'?"),
        (["tiny", "--dropout=0,1"], "sweep.dropout.1 is 1.0; it should be at least 0 and below 1"),
        (["tiny", "--dropout=0.1,0.1"], "tries something twice in 'dropout'"),
        (["tiny", "--params=tiny.training.epochs=0"], "tiny.training.epochs is 0"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_trains(command, trained, options, told):
    before = written(trained)

    assert_refused(command("sweep", *options), told.replace("?", r"\?"))
    assert written(trained) == before


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--dropout=0,many", "'0,many' is no list of numbers"),
        ("--placement=inptu", "no place 'inptu'; did you mean 'input'?"),
        ("--dropuot=0", "Did you mean '--dropout'?"),
    ],
)
def test_an_option_of_a_sweep_is_read_as_click_does(command, option, told):
    done = command("sweep", "tiny", option)

    assert done.exit_code == 2
    assert told in done.stderr


def test_a_run_with_overridden_options_says_so_and_is_not_taken_for_the_studys_own(
    command, trained
):
    records = trained / "data/08_reporting/tiny/run.json"
    (own,) = (folder.name for folder in records.iterdir())

    StudyConfigLoader.latest = None
    done = CliRunner().invoke(run, ["--pipelines=tiny", "--params=tiny.training.epochs=1"])

    assert done.exit_code == 0, done.output
    told = "--params: training.epochs 1 (study: 2)"
    assert f"  Not the study's own options: {told}" in done.output
    (other,) = {folder.name for folder in records.iterdir()} - {own}
    assert f"(or: kedro study open tiny --version={other})" in done.output
    record = json.loads((records / other / "run.json").read_text())
    assert record["overridden"] == {"training.epochs": {"run": 1, "study": 2, "by": "--params"}}
    assert record["environment"] is None
    assert record["switches"]["floatx"] == "float32"
    assert json.loads((records / own / "run.json").read_text())["overridden"] == {}
    page = trained / "data/08_reporting/tiny/report.html" / other / "report.html"
    line = "Not the study's own options: --params: training.epochs 1 (study: 2)"
    assert line in page.read_text("utf-8").partition("<h1")[0]
    (line,) = (one for one in command("list").output.splitlines() if one.startswith("tiny"))
    assert own in line

    table = trained / "data/sample/01_raw/concrete.csv"
    out = trained / "out.csv"
    done = command("predict", "tiny", "--input", table, "--output", out, "--variant=dropout")
    assert f"by dropout of version {own}" in done.output
    done = command(
        "predict", "tiny", "--input", table, "--output", trained / "2.csv", "--version", other
    )
    assert f"of version {other}" in done.output
    done = command("compare", "tiny", own, "newest")
    assert "newest: not the study's own options: training.epochs 1 (study: 2)" in done.output
    assert "options.training.epochs: 2 → 1" in done.output
