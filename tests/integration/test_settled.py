"""A run until it is settled, and a raise of the splits by hand behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import change_options
from dropnorm.evaluation.estimation.sequential import levels

STUDY = Path("conf/sample/parameters/concrete.yml")
# Two networks are compared, where four would be no other run.
TWO = {"compare": {"baseline": {}, "dropout": {}}}
SMALL = {"network": {"hidden": [4]}, "training": {"epochs": 2, "learning_rate": 1e-6}}


def of_version(name: str, version: str) -> dict:
    path = Path("data/sample/08_reporting/concrete", name, version, name)
    return json.loads(path.read_text())


def versions() -> list[str]:
    return sorted(path.name for path in Path("data/sample/08_reporting/concrete/run.json").iterdir()
                  if not path.name.startswith("."))  # fmt: skip


@pytest.mark.training
@pytest.mark.parametrize("kept", [True, False])
def test_looks_leave_one_version_that_says_what_each_of_them_saw(
    run_here, configured, monkeypatch, kept
):
    change_options(STUDY, "concrete", SMALL if kept else {**SMALL, **TWO})
    if not kept:
        monkeypatch.setenv("DROPNORM_MEMORY", "off")

    done = run_here("--env=sample", "--pipelines=concrete", "--until-settled",
                    "--params=concrete.replicas.at_most=6")  # fmt: skip

    assert done.exit_code == 0, done.output
    (version,) = versions()
    record, effects = of_version("run.json", version), of_version("effects.json", version)
    looks = record["looks"]
    splits = [one["splits"] for one in looks]
    assert splits in ([5], [5, 6])
    assert [one["level"] for one in looks] == list(levels((5, 6), 4 if kept else 1))[: len(looks)]
    assert record["options"]["replicas"] == {
        "splits": splits[-1], "starts": 1, "until": "settled", "at_most": 6,
    }  # fmt: skip
    assert record["command"] == (
        "kedro run --pipelines=concrete --until-settled --env=sample"
        " --params=concrete.replicas.at_most=6"
    )
    assert effects["splits"] == splits[-1]
    assert effects["looks"] == looks == of_version("report.json", version)["looks"]
    for name, seen in looks[-1]["seen"].items():
        assert seen["low"] == effects["effects"][name]["low"]
        # The boundaries of a run with one look are its intervals' own.
        assert seen["boundary"] == effects["effects"][name].get("boundary")
        assert seen["verdict"] == effects["effects"][name]["verdict"]
    assert effects["stopped"] in done.output
    page = Path(f"data/sample/08_reporting/concrete/report.html/{version}/report.html").read_text()
    assert "<h2>Looks</h2>" in page
    if kept:
        assert "trained anew" not in done.output
        assert done.output.count("are known from earlier runs") >= 4


@pytest.mark.training
def test_a_run_with_more_splits_says_which_runs_came_before(run_here, configured):
    change_options(STUDY, "concrete", {**SMALL, **TWO})
    first, second = (
        run_here("--env=sample", "--pipelines=concrete", f"--params=concrete.replicas.splits={one}")
        for one in (2, 3)
    )

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    before, after = versions()
    assert "DN018" not in first.output
    assert "earlier" not in of_version("run.json", before)
    assert ("DN018 (caution): This is look 2 at this study, after 2 splits; its intervals do not"
            " allow for that.") in second.output  # fmt: skip
    assert of_version("run.json", after)["earlier"] == [
        {"version": before, "splits": 2, "starts": 1}
    ]
