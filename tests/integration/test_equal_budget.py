"""``kedro study recommend`` from the command line; one small study for all tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.project import configure_project

from conftest import assert_refused, copy_project
from dropnorm.cli.main import run
from dropnorm.cli.study.group import study as study_group
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.training import parallel, progress
from dropnorm.training.execution import MEMORY

if TYPE_CHECKING:
    from dropnorm.training.job import Job

pytestmark = pytest.mark.training
STUDY = {
    "title": "Tiny",
    "target": {"column": "CompressiveStrength", "unit": "MPa", "scale": "standardize"},
    "preprocessing": {"standard_scale": ["Cement", "Water", "Superplasticizer", "Age"]},
    "split": {"method": "random"},
    "replicas": {"splits": 2},
    "network": {"hidden": [8]},
    "training": {"batch_size": 16, "epochs": 12, "learning_rate": 0.01},
    "compare": {"baseline": {}, "dropout": {}},
}
RESULTS = "data/08_reporting/tiny.recommend"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("searched"))
    (folder / "conf/base/parameters/tiny.yml").write_text(yaml.safe_dump({"tiny": STUDY}))
    table = {"type": "pandas.CSVDataset", "filepath": "data/01_raw/concrete.csv"}
    (folder / "conf/base/catalog_tiny.yml").write_text(yaml.safe_dump({"tiny.table": table}))
    return folder


@pytest.fixture
def called(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    monkeypatch.setenv(MEMORY, str(project / "data/.memory"))
    configure_project("dropnorm")

    def call(command, *words: str):
        StudyConfigLoader.latest = None
        return CliRunner().invoke(command, list(words))

    return call


@pytest.fixture
def trainings(monkeypatch) -> list[Job]:
    """What is trained, and not recalled."""
    found: list[Job] = []
    train = parallel._train_all
    monkeypatch.setattr(
        parallel, "_train_all", lambda jobs, *rest: found.extend(jobs) or train(jobs, *rest)
    )
    return found


def newest(project: Path, name: str) -> Path:
    return max((project / RESULTS / name).rglob(name))


def test_an_interrupted_search_goes_on_where_it_was_and_stands_apart_complete(
    called, project, trainings, monkeypatch
):
    def interrupt(epoch):
        if epoch.replica == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress, "tell", interrupt)
        called(study_group, "recommend", "tiny", "--trials=2")
    assert not list((project / RESULTS / "run.json").rglob("run.json"))
    trainings.clear()

    done = called(study_group, "recommend", "tiny", "--trials=2")

    assert done.exit_code == 0, done.output
    assert "3 of 4 replicas are known from earlier runs" in done.output
    inner = [job for job in trainings if len(job.inputs.train.rows) < 700]
    assert len(inner) == 2 * 2 * 2 - 3
    record = json.loads(newest(project, "run.json").read_text())
    assert record["command"].endswith("kedro study recommend tiny --trials=2")
    assert {Path(file["path"]).parts[1] for file in record["files"]} == {"tiny.recommend"}
    table = pd.read_csv(newest(project, "trials.csv"))
    assert len(table) == 2 * 2 * 2
    assert table.groupby(["network", "split"])["chosen"].sum().eq(1).all()
    assert newest(project, "recommendation.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_more_trials_train_only_what_is_new_and_as_configured_is_the_studys_own(
    called, project, trainings
):
    assert called(run, "--pipelines=tiny").exit_code == 0
    assert not trainings  # the search has trained the study as it is configured

    done = called(study_group, "recommend", "tiny", "--trials=3")

    assert done.exit_code == 0, done.output
    inner = [job for job in trainings if len(job.inputs.train.rows) < 700]
    assert len(inner) == 2 * 2
    (own,) = (project / "data/08_reporting/tiny/dropout/metrics.json").rglob("*.json")
    found = json.loads(newest(project, "recommendation.json").read_text())
    configured = {one["name"]: one["configured"] for one in found["networks"]}
    assert configured["dropout"] == pytest.approx(json.loads(own.read_text())["validation_mae"])
    assert [point["trials"] for point in found["networks"][0]["curve"]] == [1, 2, 3]


def test_the_recommended_configuration_runs_as_an_environment(called, project):
    text = newest(project, "recommended.yml").read_text()
    if (written := yaml.safe_load(text)) is None:
        pytest.fail(f"no network works: {text}")
    folder = project / "conf/recommended/parameters"
    folder.mkdir(parents=True)
    (folder / "tiny.yml").write_text(text)

    done = called(run, "--pipelines=tiny", "--env=recommended")

    assert done.exit_code == 0, done.output
    record = max((project / "data/08_reporting/tiny/run.json").rglob("run.json"))
    options = json.loads(record.read_text())["options"]
    assert options["training"]["epochs"] == written["tiny"]["training"]["epochs"]
    assert options["network"]["hidden"] == written["tiny"]["network"]["hidden"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tiny", "--trials=0"], r"tiny.recommend.trials is 0; it should be from 1 to 1000"),
        (["tniy"], r"no study 'tniy'; did you mean 'tiny'\?"),
        (["tiny", "--params=tiny.split.train_fraction=0.002"], "2 training rows of split 0 cannot"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_one_line_before_anything_trains(
    called, trainings, words, told
):
    assert_refused(called(study_group, "recommend", *words), f".*{told}")
    assert not trainings
