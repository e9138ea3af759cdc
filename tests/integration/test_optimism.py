"""Which rows choose epochs: in what a run writes, and in what it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from conftest import change_options, copy_project
from whole_commands import kedro_here, newest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

VARIANTS = ("baseline", "dropout_batchnorm")


def run(folder: Path, rows: str) -> tuple[Path, str]:
    project = copy_project(folder)
    change_options(
        project / "conf" / "sample" / "parameters" / "concrete.yml", "concrete",
        {"compare": {name: {} for name in VARIANTS}},
    )  # fmt: skip
    stopping = f"concrete.training.early_stopping.rows={rows}"
    done = kedro_here(
        project, "run", "--env=sample", "--pipelines=concrete",
        "--params=concrete.replicas.splits=2,concrete.training.optimizer=adam,"
        f"concrete.network.hidden=[8],{stopping}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return project, " ".join(done.stdout.split())


def written(project: Path, name: str) -> dict[str, object]:
    return json.loads(newest(project, f"08_reporting/concrete/{name}.json").read_text())


def facts_of(project: Path) -> list[dict[str, object]]:
    files = [newest(project, f"07_model_output/concrete/{name}/training.json") for name in VARIANTS]
    return [one for file in files for one in json.loads(file.read_text())["replicas"]]


def histories_of(project: Path) -> list[pd.DataFrame]:
    return [
        pd.read_csv(newest(project, f"08_reporting/concrete/{name}/history.csv"))
        for name in VARIANTS
    ]


def finite(facts: list[dict[str, object]]) -> list[dict[str, object]]:
    return [one for one in facts if one["diverged_at_epoch"] is None]


def test_where_scoring_rows_choose_everything_that_shows_a_score_says_optimistic(tmp_path):
    project, told = run(tmp_path, "validation")

    why = "Scores are optimistic: epochs are chosen on the rows that score."
    assert why in told
    assert "DN013" in told
    effects = written(project, "effects")
    assert (effects["optimistic"], effects["choice"]) == ([*VARIANTS], why)
    assert all("optimistic" in f"{one['effect']} {one['rules_out']}"
               for one in effects["cards"].values())  # fmt: skip
    comparison = pd.read_csv(newest(project, "08_reporting/concrete/comparison.csv"))
    assert comparison["optimistic"].all()
    scored = comparison.dropna(subset="validation_mae")["variant"]
    assert len(scored)
    for name in scored:
        assert re.search(rf" {name} [\d.]+ \(optimistic\);", told)
    page = newest(project, "08_reporting/concrete/report.html").read_text()
    assert page.count(f'<p class="alert">{why}</p>') == 1
    assert page.count(" (optimistic)</td>") == len(VARIANTS)
    assert {one["chosen_by"] for one in finite(facts_of(project))} == {"least val_loss"}
    assert all(one["rows"] == {"train": 140, "validation": 60} for one in facts_of(project))
    assert not any("inner_loss" in one for one in histories_of(project))
    listed = kedro_here(project, "study", "list", "--env=sample")
    assert "optimistic scores" in " ".join(listed.stdout.split())


def test_where_training_rows_choose_no_score_is_optimistic_and_it_says_which_rows(tmp_path):
    project, told = run(tmp_path, "training")

    which = "Epochs are chosen on one in five of the training rows; validation rows only score."
    assert which in told
    assert "DN013" not in told
    effects = written(project, "effects")
    assert effects["choice"] == which
    assert "optimistic" not in effects
    comparison = pd.read_csv(newest(project, "08_reporting/concrete/comparison.csv"))
    assert "optimistic" not in comparison
    page = newest(project, "08_reporting/concrete/report.html").read_text()
    assert which in page
    assert "112 train, 28 set aside to choose, 60 validation" in page
    facts = facts_of(project)
    assert {one["chosen_by"] for one in finite(facts)} == {"least inner_loss"}
    assert all(one["rows"] == {"train": 112, "inner": 28, "validation": 60} for one in facts)
    for history in histories_of(project):
        assert list(history)[-1] == "inner_loss"
    assert "112" not in kedro_here(project, "study", "list", "--env=sample").stdout
