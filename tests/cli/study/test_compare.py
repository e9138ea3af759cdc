from __future__ import annotations

import pytest

from conftest import assert_refused, copy_project
from whole_commands import kedro_here

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A project with a run of the made-up songs in the sample, and one with another dropout."""
    project = copy_project(tmp_path_factory.mktemp("twice"))
    for changed in ("", ",spotify.network.dropout.rate=0.6"):
        done = kedro_here(
            project, "run", "--env=sample", "--pipelines=spotify",
            "--params=spotify.training.epochs=1,spotify.replicas.splits=2,spotify.network.hidden=[4]"
            f"{changed}",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    return project


def test_two_runs_are_put_side_by_side_and_a_sentence_says_what_it_comes_to(twice):
    runs = sorted(
        path.name for path in (twice / "data/sample/08_reporting/spotify/run.json").iterdir()
    )

    done = kedro_here(
        twice, "study", "compare", "spotify", runs[0], "sample:newest", "--env=sample"
    )

    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "options.network.dropout.rate: 0.3 → 0.6" in lines
    assert {"baseline", "dropout", "batchnorm", "dropout_batchnorm", "interaction"} <= {
        line.split()[0] for line in lines if line
    }
    assert " The changed options " in " ".join(done.stdout.split())


def test_a_version_that_is_not_there_is_refused_with_those_that_are(twice):
    done = kedro_here(twice, "study", "compare", "spotify", "sample:newest", "sample:2020")

    assert_refused(done, "in the environment 'sample', there is no complete version '2020'")
