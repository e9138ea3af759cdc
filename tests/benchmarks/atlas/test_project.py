import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from atlas.collect import collect, open_within, tidy
from atlas.networks import Networks, collect_networks
from atlas.project import make_project, run_table
from atlas.recipe import Table
from atlas.searches import collect_searches

CARS = Table("cars", "P", "Cars", "mpg", None, None, {}, ())
SMALL = {"replicas.splits": "2", "training.epochs": "2", "network.hidden": "[4]"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas") / "project"
    make_project(folder)
    return folder


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "cars.csv"
    weights = [1.5 + (number * 37 % 60) / 25 for number in range(60)]
    rows = pd.DataFrame({"mpg": [40 - 5 * weight for weight in weights], "weight": weights})
    rows.to_csv(path, index=False)
    return path


@pytest.mark.training
def test_a_table_is_run_once_and_its_effects_are_collected(project, csv):
    first = run_table(project, CARS, csv, SMALL)
    again = run_table(project, CARS, csv, SMALL)

    assert {step: one.code for step, one in first.items()} == {"new": 0, "check": 0, "run": 0}
    assert again == first  # with the seconds of the first: nothing ran
    effects = tidy(collect(project, ["cars", "of_a_table_that_never_ran"]))
    assert effects["layer"].tolist() == ["dropout", "batchnorm", "dropout_batchnorm"]
    assert effects["engine"].unique().tolist() == ["jax"]
    assert effects["inputs"].tolist() == [0.0] * 3
    assert set(effects["overridden"].iloc[0].split("; ")) >= {"training.epochs=2"}


@pytest.mark.training
def test_a_table_is_searched_once_and_its_effects_are_collected(project, csv):
    first = run_table(project, CARS, csv, SMALL, trials=2)
    again = run_table(project, CARS, csv, SMALL, trials=2)

    done = {step: one.code for step, one in first.items() if step != "run"}
    assert done == {"new": 0, "check": 0, "search": 0}
    assert again == first
    told = collect_searches(project, ["cars", "of_a_table_that_never_ran"])
    assert len(told) == 9
    assert told["trials"].unique().tolist() == [2]
    assert told["splits"].unique().tolist() == [2]


@pytest.mark.training
def test_other_networks_are_compared_in_an_environment_of_their_own(project, csv):
    networks = Networks(
        "depths",
        {"baseline": {}, "dropout": {}, "four_layers": {"network": {"hidden": "each_twice"}}},
        [("dropout", "baseline"), ("four_layers", "dropout")],
    )

    done = run_table(project, CARS, csv, SMALL, networks=networks)

    assert done["depths"].code == 0, done["depths"].told
    told = collect_networks(project, ["cars", "of_a_table_that_never_ran"], networks)
    assert list(zip(told["network"], told["against"], strict=True)) == networks.contrasts
    assert np.isfinite(told["share"]).all()
    with open_within(project) as opened:
        versions = opened.complete_versions("cars")
    assert not set(told["version"]) & set(versions)


def test_a_table_that_fails_says_why_and_is_tried_again_only_where_that_is_asked(project, csv):
    wrong = replace(CARS, name="lorries", target="mgp")

    failed = run_table(project, wrong, csv, {})
    kept = run_table(project, wrong, csv, {})
    tried = run_table(project, wrong, csv, {}, retry=True)

    assert list(failed) == ["new"]
    assert failed["new"].code != 0
    assert "mgp" in failed["new"].told
    assert kept == failed
    assert tried["new"].told == failed["new"].told
    written = json.loads((project / "outcomes" / "lorries.json").read_text())
    assert written["new"]["seconds"] == tried["new"].seconds


def test_a_project_that_is_there_is_left_as_it_is(project):
    (project / "mine.txt").write_text("kept")

    make_project(project)

    assert (project / "mine.txt").read_text() == "kept"
