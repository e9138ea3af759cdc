"""A study that names what it compares: run, listed, predicted with, repeated and swept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import yaml

from conftest import ROOT, copy_project, read_study
from dropnorm.study.arms import arm_names
from whole_commands import kedro, newest, refused

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = {
    "baseline": {},
    "dropout": {"network": {"dropout": {"rate": 0.1}}},
    "weight_decay": {"training": {"optimizer_options": {"weight_decay": 0.01}}},
    "wide": {"network": {"hidden": [8]}},
    "norm": {"layers": ["batchnorm"], "training": {"epochs": 3}},
}
NUMBERS = ["Cement", "BlastFurnaceSlag", "FlyAsh", "Water", "Superplasticizer", "CoarseAggregate",
           "FineAggregate", "Age"]  # fmt: skip
COMMANDS = [
    ["run", "--pipelines=concrete"],
    ["study", "list"],
    ["study", "predict", "concrete", "--input", "new.csv", "--output", "best.csv"],
    ["study", "predict", "concrete", "--input", "new.csv", "--output", "wide.csv",
     "--variant", "wide"],
    ["study", "rerun", "concrete"],
    ["study", "compare", "concrete", "newest", "newest"],
    ["study", "sweep", "concrete", "--dropout", "0,0.2"],
]  # fmt: skip


def name_networks(project: Path, **said: object) -> None:
    """Let concrete be a small study on scaled inputs that says what it compares."""
    file = project / "conf" / "base" / "parameters" / "concrete.yml"
    options = yaml.safe_load(file.read_text())
    options["concrete"] |= {
        "preprocessing": {"standard_scale": NUMBERS},
        "replicas": {"splits": 2},
        "network": {"hidden": [4]},
        "training": {"optimizer": "adam", "batch_size": 64, "epochs": 2},
        **said,
    }
    file.write_text(yaml.safe_dump(options, sort_keys=False))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A project after the commands, and what they said."""
    project = copy_project(tmp_path_factory.mktemp("compared"))
    name_networks(project, compare=NETWORKS, against="wide")
    table = pd.read_csv(project / "data/sample/01_raw/concrete.csv")
    table.head(3).to_csv(project / "new.csv", index=False)
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "kedro_commands.py"], input=json.dumps(COMMANDS),
        cwd=project, env={**os.environ, "KEDRO_ENV": "sample", "COLUMNS": "300"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    codes = re.findall(r"^(\d+): kedro (.*)$", done.stdout, re.MULTILINE)
    assert codes == [("0", " ".join(one)) for one in COMMANDS], done.stdout + done.stderr
    return project, done.stdout


def read_json(project: Path, path: str):
    return json.loads(newest(project, f"08_reporting/{path}").read_text())


@pytest.mark.training
@pytest.mark.timeout(1000)
def test_effects_are_each_network_less_the_one_that_is_named(compared):
    project, _ = compared
    errors = {
        name: [one["validation_mae"] for one in read_json(project, f"concrete/{name}/metrics.json")
               ["replicas"]]
        for name in NETWORKS
    }  # fmt: skip

    found = read_json(project, "concrete/effects.json")

    assert found["against"] == "wide"
    assert list(found["effects"]) == ["baseline", "dropout", "weight_decay", "norm"]
    for name, effect in found["effects"].items():
        pairs = [one - other for one, other in zip(errors[name], errors["wide"], strict=True)]
        assert effect["difference"] == pytest.approx(sum(pairs) / 2)
    assert found["interaction"] == ""
    assert [one["name"] for one in found["cards"].values()] == [
        "Baseline", "Dropout", "Weight decay", "Norm",
    ]  # fmt: skip
    assert read_json(project, "concrete/run.json")["options"]["compare"] == NETWORKS


@pytest.mark.training
def test_the_report_has_a_card_a_curve_and_the_layers_of_each_network(compared):
    project, _ = compared

    page = newest(project, "08_reporting/concrete/report.html").read_text()

    assert page.count('<section class="card ') == 4
    for name in ("baseline", "dropout", "weight decay", "wide", "norm"):
        assert f'aria-label="Learning curves of {name}"' in page
        assert f'aria-label="The network {name}, from the inputs to the output"' in page
    assert "difference to wide, 95 % interval" in page
    assert "of each network less that of &#39;wide&#39;: plus is worse" in page
    assert "corrected for four differences" in page
    assert "var(--further-0)" in page


@pytest.mark.training
def test_the_commands_know_the_networks_of_the_study(compared):
    project, said = compared

    assert re.search(
        r"^concrete .*; baseline: .*; dropout: .*; weight decay: .*; norm: ", said, re.M
    )
    assert "Concrete (made-up table) · weight_decay: replica 2/2" in said
    assert "OK wide.csv: 3 rows, by wide of version" in said
    assert len(pd.read_csv(project / "best.csv")) == 3
    for name in NETWORKS:
        assert re.search(rf"^  {name} +.*agree bit for bit", said, re.M), name
    assert "Chance alone does not change the answer: all four verdicts are the same" in said
    choices = read_json(project, "concrete.sweep/choices.json")
    assert list(choices["sentences"]) == ["dropout"]
    assert [(one["variant"], one["rate"]) for one in choices["points"]] == [
        ("baseline", None), ("dropout", 0.0), ("dropout", 0.2), ("weight_decay", None),
        ("wide", None), ("norm", None),
    ]  # fmt: skip


@pytest.mark.training
def test_a_network_that_the_run_does_not_compare_is_refused_by_name(compared):
    project, _ = compared

    refused(
        kedro(project, "study", "predict", "concrete", "--env=sample", "--input=new.csv",
              "--output=no.csv", "--variant=batchnorm"),
        "there is no variant 'batchnorm'; did you mean 'norm'? (variants: baseline, dropout,",
    )  # fmt: skip


def test_a_sweep_of_networks_without_either_layer_is_refused(run_here, configured):
    name_networks(configured, compare={"baseline": {}, "wide": NETWORKS["wide"]})

    done = run_here("--pipelines=concrete.sweep", "--env=sample")

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: concrete: a sweep has nothing to try: none of the")


def test_the_examples_of_the_documentation_are_studies():
    page = (ROOT / "docs" / "how-to" / "compare-networks.md").read_text()
    written = re.findall(r"^```yaml\n(concrete:\n.*?)^```$", page, re.MULTILINE | re.DOTALL)

    first, *others = [read_study("concrete", **yaml.safe_load(one)["concrete"]) for one in written]

    told = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert told == list(arm_names(first))
    assert [list(arm_names(one)) for one in others] == [["baseline", "tabm", "tabm_dropout"]]
