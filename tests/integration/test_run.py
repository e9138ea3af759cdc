"""The project as a user runs it: whole commands on the made-up tables."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from conftest import assert_refused, copy_project
from whole_commands import kedro, kedro_here, newest, refused

if TYPE_CHECKING:
    from pathlib import Path

REPLICAS = (
    "--params=concrete.replicas.starts=2,concrete.replicas.splits=1,"
    "concrete.network.hidden=[16],concrete.training.epochs=2"
)
VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")


def history(project: Path, study: str = "concrete") -> pd.DataFrame:
    return pd.concat(
        pd.read_csv(newest(project, f"08_reporting/{study}/{name}/history.csv"))
        for name in VARIANTS
    )


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    """A project after a run of concrete, one split and two starts, and what it said."""
    project = copy_project(tmp_path_factory.mktemp("sequential"))
    return project, kedro(project, "run", "--env=sample", "--pipeline=concrete", REPLICAS)


@pytest.mark.training
def test_a_run_writes_every_output_and_a_record_that_names_each_with_its_checksum(sequential):
    project, done = sequential
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Concrete (made-up table): MAE, MPa, of the validation rows" in done.stdout
    assert "oneDNN" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout

    record = json.loads(newest(project, "08_reporting/concrete/run.json").read_text())
    data = project / "data" / "sample"
    for file in record["files"]:
        path = data / file["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
    written = {p.relative_to(data).as_posix() for p in data.rglob("*") if p.is_file()}
    tables = {f"01_raw/{name}" for name in ("concrete.csv", "red-wine.csv", "spotify.csv")}
    own = newest(project, "08_reporting/concrete/run.json").relative_to(data).as_posix()
    assert (project / "data" / ".memory").is_dir()
    assert {file["path"] for file in record["files"]} == written - tables - {own}
    assert len(record["files"]) == 2 + 4 * 11 + 4 + 13  # two .keras files for each variant
    table = project / "data/sample/01_raw/concrete.csv"
    assert record["table"]["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert record["made_up"]
    assert record["options"]["replicas"] == {"splits": 1, "starts": 2}
    assert not list((project / "data").glob("0[2-8]*"))

    metrics = json.loads(
        newest(project, "08_reporting/concrete/batchnorm/metrics.json").read_text()
    )
    curves = pd.read_csv(newest(project, "08_reporting/concrete/batchnorm/history.csv"))
    assert list(curves.columns) == ["split", "start", "epoch", "loss", "val_loss", "mae", "val_mae"]
    best = curves.groupby("start")["val_loss"].min()
    assert metrics["min_val_loss"] == pytest.approx(best.mean())
    assert [one["min_val_loss"] for one in metrics["replicas"]] == pytest.approx(list(best))
    predictions = pd.read_parquet(
        newest(project, "07_model_output/concrete/batchnorm/validation_predictions.parquet")
    )
    errors = (predictions["target"] - predictions["prediction"]).abs()
    assert metrics["validation_mae"] == pytest.approx(
        errors.groupby(predictions["start"]).mean().mean()
    )
    assert metrics["rows"] == {"train": 140, "validation": 60}
    for picture in (p for p in written if p.endswith(".png")):
        assert (data / picture).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (data / picture).with_suffix(".svg").is_file()


@pytest.mark.training
@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_all_three_runners_give_the_same_numbers_to_the_last_bit(
    sequential, project, monkeypatch, runner
):
    monkeypatch.setenv("DROPNORM_MEMORY", "off")  # each trains for itself
    words = ["run", "--env=sample", "--pipelines=concrete", f"--runner={runner}", REPLICAS]

    if runner == "ThreadRunner":
        done = kedro_here(project, *words)
        assert done.exit_code == 0, done.output
    else:
        called = kedro(project, *words, below="src")
        assert called.returncode == 0, called.stdout + called.stderr
    expected = history(sequential[0])
    pd.testing.assert_frame_equal(history(project), expected, check_exact=True)
    assert np.isfinite(expected["val_loss"]).any()


def test_a_wrong_option_is_refused_in_one_line(project):
    refused(
        kedro(project, "run", "--pipelines=concreet"),
        "no pipeline 'concreet'; did you mean 'concrete'?",
    )
    assert not list((project / "data").glob("0[2-8]*"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file.unlink(), "data/01_raw/concrete.csv: there is no such file"),
        (lambda file: (file.unlink(), file.mkdir()), "concrete.csv: is a folder"),
        (lambda file: file.write_bytes(b""), "concrete.csv: is empty"),
        (
            lambda file: file.write_bytes(b"Cement\n\xff\xfe\x00"),
            "concrete.csv: is not a text file",
        ),
        (lambda file: file.write_text(file.read_text().replace(",", "^")), "column"),
        (lambda file: file.write_text('a,b\n1,2,3\n"'), "line 3 has an opening quotation mark"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_before_any_training(
    run_here, configured, spoil, told
):
    spoil(configured / "data" / "01_raw" / "concrete.csv")

    assert_refused(run_here("--pipelines=concrete"), told)
    assert not list((configured / "data").glob("0[2-8]*"))


def test_studies_are_listed_without_an_engine_and_without_training(project):
    script = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "from kedro.framework.startup import bootstrap_project",
            "bootstrap_project(Path.cwd())",
            "from kedro.framework.project import pipelines",
            "print(sorted(pipelines))",
            "print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=project, text=True,
                          capture_output=True, check=True)  # fmt: skip

    assert done.stdout.splitlines()[-2:] == [
        "['__default__', 'concrete', 'concrete.predict', 'concrete.recommend', 'concrete.sweep',"
        " 'spotify', 'spotify.predict', 'spotify.recommend', 'spotify.sweep', 'wine',"
        " 'wine.predict', 'wine.recommend', 'wine.sweep']",
        "set()",
    ]
