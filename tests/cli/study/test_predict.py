from __future__ import annotations

import errno
import importlib.util
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.project import configure_project

from conftest import assert_refused, change_options, copy_project, read_study, read_table
from dropnorm.cli.study.group import study as study_group
from dropnorm.cli.study.predict import _best_variant, _write
from dropnorm.cli.study.project import open_project
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.errors import BadInputError
from dropnorm.pipelines.prediction import nodes
from dropnorm.pipelines.prediction.nodes import predict
from whole_commands import kedro_here

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a complete run of the made-up songs: one split, two starts."""
    project = copy_project(tmp_path_factory.mktemp("trained"))
    change_options(
        project / "conf/sample/parameters/spotify.yml", "spotify",
        {"network": {"hidden": [8, 4]}, "training": {"epochs": 2},
         "replicas": {"starts": 2, "splits": 1}},
    )  # fmt: skip
    done = kedro_here(project, "run", "--env=sample", "--pipelines=spotify")
    assert done.exit_code == 0, done.output
    return project


@pytest.fixture
def at_project(trained, monkeypatch):
    monkeypatch.chdir(trained)
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    configure_project("dropnorm")
    return trained


@pytest.fixture
def command(at_project, tmp_path, monkeypatch):
    """``kedro study predict spotify``, and what it wrote; few draws say what intervals hold."""
    monkeypatch.setattr(nodes, "_COVERING_DRAWS", 20)

    def run(table: pd.DataFrame, *options: str):
        source, output = tmp_path / "new.csv", tmp_path / "out.csv"
        table.to_csv(source, index=False)
        output.unlink(missing_ok=True)
        words = ["predict", "spotify", "--input", source, "--output", output, "--env", "sample"]
        done = CliRunner().invoke(study_group, [str(word) for word in (*words, *options)])
        return done, pd.read_csv(output) if output.exists() else None

    return run


def saved(*names: str):
    """What the run has saved under each name."""
    project = open_project(None, "sample")
    (version,) = project.complete_versions("spotify")
    return [project.load(f"spotify.{name}", version) for name in names]


def songs() -> pd.DataFrame:
    return read_table("spotify", "data/sample/01_raw")


@pytest.mark.parametrize("variant", ["baseline", "dropout", "batchnorm", "dropout_batchnorm"])
def test_predictions_of_saved_networks_are_those_in_memory_to_the_last_bit(at_project, variant):
    predictions, *fitted = saved(
        f"{variant}.validation_predictions", "run", "preprocessors", f"{variant}.models",
        f"{variant}.training",
    )  # fmt: skip
    kept = predictions.set_index("row")
    rows = kept.index[kept["start"] == 0]
    new = songs().loc[rows].drop(columns=["track_popularity", "track_artist"])

    found = predict(new, *fitted)

    each = [kept.loc[kept["start"] == start, "prediction"].to_numpy() for start in (0, 1)]
    assert (each[0] != each[1]).any()
    np.testing.assert_array_equal(found["prediction"], np.mean(each, axis=0))
    np.testing.assert_array_equal(found["min"], np.min(each, axis=0))
    np.testing.assert_array_equal(found["max"], np.max(each, axis=0))
    np.testing.assert_allclose(found["sd"], np.std(each, axis=0, ddof=1))
    assert list(found["row"]) == list(range(len(rows)))


def test_a_replica_that_diverged_has_no_say(at_project, caplog):
    training, predictions, *fitted = saved(
        "baseline.training", "baseline.validation_predictions", "run", "preprocessors",
        "baseline.models",
    )  # fmt: skip
    first, second = training.replicas
    training = replace(training, replicas=(first, replace(second, diverged_at_epoch=1)))
    kept = predictions.query("start == 0")
    new = songs().loc[kept["row"]]

    found = predict(new, *fitted, training)

    np.testing.assert_array_equal(found["prediction"], kept["prediction"])
    assert found["sd"].isna().all()
    assert "1 of 2 runs diverged, and has no say" in caplog.text


def test_the_order_of_the_columns_and_further_ones_change_nothing(command):
    table = songs().head(20)

    done, straight = command(table)
    _, turned = command(table.iloc[:, ::-1].assign(more="x").drop(columns="track_popularity"))

    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(straight, turned)
    assert len(straight) == 20
    assert straight["prediction"].between(straight["min"], straight["max"]).all()


def test_the_recommended_variant_predicts_unless_another_is_named(command):
    comparison, effects = saved("comparison", "effects")
    best = effects["recommendation"]["network"]
    if not best:
        best = comparison.loc[comparison["validation_mae"].idxmin(), "variant"]
    other = next(name for name in comparison["variant"] if name != best)

    done, default = command(songs().head(5))
    _, named = command(songs().head(5), "--variant", best)
    _, another = command(songs().head(5), "--variant", other)

    assert f"by {best} of version" in done.output
    pd.testing.assert_frame_equal(default, named)
    assert (another["prediction"] != default["prediction"]).all()


class Saved:
    """A project with the answer and the comparison of a run that stopped early."""

    def __init__(self, **recommendation: str) -> None:
        self.effects = {"recommendation": recommendation}
        self.comparison = pd.DataFrame({
            "variant": ["baseline", "dropout", "batchnorm"],
            "final_val_loss": [9.0, 8.0, 7.0],
            "validation_mae": [4.0, 3.0, 5.0],
        })  # fmt: skip

    def load(self, name: str, version: str) -> object:
        return getattr(self, name.removeprefix("concrete."))


@pytest.mark.parametrize(
    ("recommendation", "network"),
    [
        ({"use": "baseline", "network": "baseline"}, "baseline"),
        ({"use": "gradient_boosting", "network": "baseline"}, "baseline"),
        ({"use": "gradient_boosting"}, "dropout"),  # a record of version 0.2.0
        ({"use": "", "network": ""}, "dropout"),
    ],
)
def test_the_network_that_predicts_is_the_one_that_the_report_names(recommendation, network):
    assert _best_variant(Saved(**recommendation), read_study("concrete"), "any") == network


@pytest.mark.parametrize("variant", ["dropout", "dropout_batchnorm"])
def test_mc_dropout_adds_an_interval_and_changes_nothing_else(command, variant):
    options = ("--variant", variant, "--mc-dropout", "30")
    _, plain = command(songs().head(9), "--variant", variant)
    done, drawn = command(songs().head(9), *options)
    _, again = command(songs().head(9), *options)

    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(drawn[plain.columns], plain)
    pd.testing.assert_frame_equal(drawn, again)
    assert (drawn["mc_low"] < drawn["mc_mean"]).all()
    assert (drawn["mc_mean"] < drawn["mc_high"]).all()
    assert (drawn["mc_sd"] > 0).all()
    # Draws scatter around what the networks say without dropout.
    assert (abs(drawn["mc_mean"] - drawn["prediction"]) < 2 * drawn["mc_sd"]).all()


def test_a_category_that_no_training_row_had_is_named_and_predicted(command):
    table = songs().head(3)
    table.loc[1, "playlist_genre"] = "metal"

    done, found = command(table)

    assert "Warning: column 'playlist_genre': 1 of 3 rows" in done.stderr
    assert "'metal'" in done.stderr
    assert found["prediction"].notna().all()


@pytest.mark.parametrize(
    ("spoil", "options", "told"),
    [
        (lambda t: t.drop(columns="tempo"), [], "new.csv: has no column 'tempo'"),
        (lambda t: t.assign(tempo="fast"), [], "line 2, column 'tempo': 'fast' is not a number"),
        (lambda t: t.assign(tempo=None), [], "column 'tempo', row 0: the value is missing"),
        (lambda t: t, ["--variant", "droput"], "no variant 'droput'; did you mean 'dropout'?"),
        (lambda t: t, ["--version", "2020"], "no complete version '2020'"),
        (lambda t: t, ["--variant", "baseline", "--mc-dropout", "5"], "has no dropout layers"),
        (lambda t: t, ["--input", "nothing.csv"], "nothing.csv: there is no such file"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(command, spoil, options, told):
    done, found = command(spoil(songs().head(3)), *options)

    assert_refused(done, told)
    assert found is None


def test_an_output_that_is_there_is_replaced_only_if_told(at_project, tmp_path):
    output = tmp_path / "out.parquet"
    output.write_text("mine")
    words = ["predict", "spotify", "--input", "data/sample/01_raw/spotify.csv", "--output",
             str(output), "--env", "sample"]  # fmt: skip

    assert_refused(CliRunner().invoke(study_group, words), "is there already; --overwrite")
    assert output.read_text() == "mine"

    done = CliRunner().invoke(study_group, [*words, "--overwrite"])
    assert done.exit_code == 0, done.output
    assert len(pd.read_parquet(output)) == len(songs())


def test_a_link_stays_and_the_file_behind_it_is_replaced(at_project, tmp_path):
    link, output = tmp_path / "link.csv", tmp_path / "out.csv"
    output.write_text("mine")
    link.symlink_to(output)
    words = ["predict", "spotify", "--input", "data/sample/01_raw/spotify.csv", "--output",
             str(link), "--env", "sample"]  # fmt: skip

    assert_refused(CliRunner().invoke(study_group, words), "is there already; --overwrite")
    done = CliRunner().invoke(study_group, [*words, "--overwrite"])

    assert done.exit_code == 0, done.output
    assert link.is_symlink()
    assert len(pd.read_csv(output)) == len(songs())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_what_is_no_file_is_not_replaced_by_one(at_project, tmp_path):
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    words = ["predict", "spotify", "--input", "data/sample/01_raw/spotify.csv", "--output",
             str(pipe), "--env", "sample", "--overwrite"]  # fmt: skip

    assert_refused(CliRunner().invoke(study_group, words), "is a device, a pipe or a socket")
    assert pipe.is_fifo()


def test_an_ending_whose_package_is_missing_is_refused(at_project, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    words = ["predict", "spotify", "--input", "data/sample/01_raw/spotify.csv", "--output",
             str(tmp_path / "out.csv.zst"), "--env", "sample"]  # fmt: skip

    assert_refused(CliRunner().invoke(study_group, words), "zstandard, which is not installed")


def test_a_full_disk_is_told_with_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def is_full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pd.DataFrame, "to_csv", is_full)

    with pytest.raises(BadInputError, match=r"^--output: .*out.csv cannot be written: No space"):
        _write(pd.DataFrame({"prediction": [1.0]}), tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_an_interval_stands_beside_predictions_and_holds_the_rows_it_comes_from(command):
    predictions, split = saved("baseline.validation_predictions", "split")
    kept = predictions.query("start == 0")
    artists = split.set_index("row")["group"].astype(str).loc[kept["row"]]

    done, found = command(songs().loc[kept["row"]], "--variant", "baseline", "--level", "80")

    targets = kept["target"].to_numpy().round(3)  # the file has six digits
    within = (found["lower_80"] <= targets) & (targets <= found["upper_80"])
    by_artist = within.groupby(artists.to_numpy()).mean()
    # Of the held artists and one more, the interval holds at least 80 %.
    assert by_artist.sum() / (len(by_artist) + 1) >= 0.8
    assert (
        f"The 80 % interval, lower_80 to upper_80, is from the residuals of {len(kept)} validation"
        f" rows in {len(by_artist)} groups" in done.output
    )
    np.testing.assert_allclose(found["lower_80"] + found["upper_80"], 2 * found["prediction"],
                               rtol=1e-4, atol=1e-3)  # fmt: skip


def test_without_the_predictions_of_held_rows_there_is_no_interval(command, at_project):
    (file,) = at_project.glob("data/sample/07_model_output/spotify/baseline/validation_p*/*/*")
    moved = file.rename(at_project / "away.parquet")
    try:
        done, found = command(songs().head(3), "--variant", "baseline")
    finally:
        moved.rename(file)

    assert done.exit_code == 0, done.output
    assert "No 90 % interval: " in done.output
    assert "validation_predictions.parquet: is missing" in done.output
    assert list(found) == ["row", "prediction", "sd", "min", "max"]


def test_without_a_complete_run_nothing_predicts(at_project, tmp_path):
    words = ["predict", "wine", "--input", "data/sample/01_raw/red-wine.csv", "--output",
             str(tmp_path / "out.csv"), "--env", "sample"]  # fmt: skip

    assert_refused(CliRunner().invoke(study_group, words), "no complete run of the study 'wine'")


def test_todays_options_do_not_touch_what_was_saved(command, at_project):
    _, before = command(songs().head(5))
    file = at_project / "conf/base/parameters/spotify.yml"
    text = file.read_text()
    file.write_text(text.replace("      - tempo\n", "").replace("divide_by: 100", "divide_by: 7"))
    try:
        _, after = command(songs().head(5))
    finally:
        file.write_text(text)

    pd.testing.assert_frame_equal(before, after)


def test_the_pipeline_predicts_for_the_file_of_the_catalog_with_every_variant(command, at_project):
    new = songs().head(7)
    new.to_csv(at_project / "data/sample/01_raw/spotify_new_rows.csv", index=False)

    done = kedro_here(at_project, "run", "--env=sample", "--pipelines=spotify.predict")

    assert done.exit_code == 0, done.output
    for variant in ("baseline", "batchnorm"):
        _, expected = command(new, "--variant", variant)
        folder = at_project / f"data/sample/07_model_output/spotify/{variant}/predictions.csv"
        (file,) = folder.glob("*/predictions.csv")
        pd.testing.assert_frame_equal(pd.read_csv(file), expected)


@pytest.mark.parametrize(
    ("value", "told"),
    [(34.123456789, "34.1235"), (1234567.89, "1234568"), (0.000123456789, "0.000123457"),
     (0.0, "0"), (-2.5, "-2.50000")],
)  # fmt: skip
def test_predictions_are_written_with_six_digits(value, told, tmp_path):
    _write(pd.DataFrame({"prediction": [value]}), tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text() == f"prediction\n{told}\n"


@pytest.mark.parametrize(
    ("low", "value", "high", "told"),
    [
        (123456780.5, 123456789.25, 123456799.75, "123456780.50,123456789.25,123456799.75"),
        (2018.5, 2019.37, 2020.0, "2018.500,2019.370,2020.000"),
        (1.0, 20.0, 300.0, "1.00000,20.0000,300.000"),
        (1e9, 1e9, 1e9 + 1e-6, "1000000000.00,1000000000.00,1000000000.00"),
    ],
)
def test_predictions_that_are_close_together_keep_the_digits_that_differ(
    low, value, high, told, tmp_path
):
    numbers = {"lower_90": [low], "prediction": [value], "upper_90": [high], "sd": [0.0]}

    _write(pd.DataFrame({"row": [7], **numbers}), tmp_path / "out.csv")

    written = (tmp_path / "out.csv").read_text()
    assert written == f"row,lower_90,prediction,upper_90,sd\n7,{told},0\n"


def test_mc_dropout_says_how_many_targets_its_intervals_hold(command):
    done, _ = command(songs().head(3), "--variant", "dropout", "--mc-dropout", "20")

    assert "The 95 % interval of MC dropout holds" in done.output
    assert "% of the targets of the validation rows" in done.output


def test_of_another_table_than_the_runs_no_share_is_told(command, at_project):
    table = at_project / "data/sample/01_raw/spotify.csv"
    before = table.read_bytes()
    table.write_bytes(before + b"\n")
    try:
        done, _ = command(songs().head(3), "--variant", "dropout", "--mc-dropout", "20")
    finally:
        table.write_bytes(before)

    assert "holds is not known: the table of the study is not the one that the run read" in (
        done.output
    )
