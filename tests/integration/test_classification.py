"""Classes instead of amounts, from the table to predictions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.project import configure_project
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss, roc_auc_score

from conftest import assert_refused, change_options, copy_project, read_study
from dropnorm.cli.study.group import study as study_group
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import training_loss
from dropnorm.tasks.targets import Classes
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import up_to_outputs
from dropnorm.training.trainer import predict_rows, train_replica, trained_network
from whole_commands import kedro_here, newest

pytestmark = pytest.mark.training
COMPARED = ("baseline", "dropout")


def blobs(rows: int, labels: tuple[str, ...], seed: int) -> Part:
    """Made-up rows whose class moves their first input."""
    chance = np.random.default_rng(seed)
    classes = np.resize(np.arange(len(labels)), rows)
    x = chance.normal(size=(rows, 3))
    x[:, 0] += 3 * classes
    return Part(np.arange(rows), x.astype(np.float32), classes.astype(np.float32))


@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")])
def test_a_network_learns_classes_and_is_saved_with_their_probabilities(labels):
    inputs = SplitInputs(0, blobs(200, labels, 0), blobs(90, labels, 1), None, Classes(labels))
    study = read_study(
        "wine", task="classification", target={"column": "quality"}, network={"hidden": [16]},
        training={"optimizer": "adam", "learning_rate": 0.02, "batch_size": 32, "epochs": 15,
                  "metrics": ["accuracy"]},
    )  # fmt: skip

    trained = train_replica(study, Variant.DROPOUT_BATCHNORM, inputs, 0)

    assert list(trained.history) == ["epoch", "loss", "val_loss", "accuracy", "val_accuracy"]
    held, last = inputs.validation, trained.history.iloc[-1]
    probabilities = inputs.target.invert(trained.outputs)
    assert last["val_loss"] == pytest.approx(log_loss(held.y, probabilities), rel=1e-5)
    assert last["val_accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == held.y))
    assert last["val_accuracy"] > 0.85
    assert trained.history["loss"].iloc[-1] < 0.6 * trained.history["loss"].iloc[0]
    network = trained_network(study, Variant.DROPOUT_BATCHNORM, inputs, 0, trained)
    np.testing.assert_array_equal(predict_rows(network, held.x), trained.outputs)
    told = load_keras().ops.convert_to_numpy(network(held.x, training=False))
    np.testing.assert_allclose(told, probabilities[:, -told.shape[1] :], atol=1e-6)
    assert up_to_outputs(network).layers[-1].name == "output"


@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")])
def test_the_losses_of_steps_are_those_of_the_batches(labels):
    train = blobs(120, labels, 0)
    inputs = SplitInputs(0, train, train, None, Classes(labels))
    study = read_study(
        "wine", task="classification", target={"column": "quality"},
        network={"hidden": [4], "activation": "tanh"},  # no output is 0, and none a tie
        training={"optimizer": "sgd", "learning_rate": 1e-12, "batch_size": 32, "epochs": 1,
                  "metrics": ["accuracy"]},
    )  # fmt: skip

    still = train_replica(study, Variant.BASELINE, inputs, 0)  # the weights do not move

    (epoch,) = still.history.to_dict("records")
    for name, loss in (("loss", "cross_entropy"), ("accuracy", "accuracy")):
        assert epoch[name] == pytest.approx(training_loss(train.y, still.outputs, loss), rel=1e-5)
        assert epoch[name] == pytest.approx(epoch[f"val_{name}"], rel=1e-5)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """A project with a study of iris as `study new` writes it, and a complete run of it."""
    project = copy_project(tmp_path_factory.mktemp("flowers"))
    iris = load_iris(as_frame=True)
    names = iris.target_names[iris.target]
    iris.data.assign(species=names).to_csv(project / "iris.csv", index=False)
    made = kedro_here(
        project, "study", "new", "flowers", "--csv=iris.csv", "--target=species", "--env=sample"
    )
    assert made.exit_code == 0, made.output
    change_options(
        project / "conf/sample/parameters/flowers.yml", "flowers",
        {"training": {"epochs": 4}, "replicas": {"starts": 2, "splits": 2},
         "network": {"hidden": [8]}, "compare": {name: {} for name in COMPARED}},
    )  # fmt: skip
    done = kedro_here(project, "run", "--env=sample", "--pipelines=flowers")
    assert done.exit_code == 0, done.output
    return project, done.stdout + done.stderr


def losses_of_the_training_rows_shares(project):
    split = pd.read_parquet(newest(project, "05_model_input/flowers/split.parquet"))
    species = pd.read_csv(project / "iris.csv")["species"]
    for _, rows in split.groupby("split"):
        train, held = (species[rows.loc[rows["part"] == part, "row"]]
                       for part in ("train", "validation"))  # fmt: skip
        shares = train.value_counts(normalize=True).sort_index()
        yield log_loss(held, np.tile(shares, (len(held), 1)), labels=shares.index)


def test_a_run_measures_compares_and_reports_classes(flowers):
    project, told = flowers
    assert "Flowers: log loss, nats, of the validation rows" in told
    assert "; accuracy " in told
    assert "Dropout: " in told
    folder = "08_reporting/flowers"
    for variant in COMPARED:
        file = newest(project, f"{folder}/{variant}/metrics.json")
        metrics = json.loads(file.read_text())
        table = pd.read_parquet(
            newest(project, f"07_model_output/flowers/{variant}/validation_predictions.parquet")
        )
        columns = [f"probability_{name}" for name in ("setosa", "versicolor", "virginica")]
        assert list(table) == ["split", "start", "row", "target", "prediction", *columns]
        assert set(metrics["replicas"][0]) >= {"validation_log_loss", "collapsed", "overconfident"}
        for one in metrics["replicas"]:
            mine = table.query(f"split == {one['split']} and start == {one['start']}")
            told_of = mine[columns].to_numpy()
            assert one["validation_log_loss"] == pytest.approx(log_loss(mine["target"], told_of))
            assert one["validation_log_loss"] == pytest.approx(one["final_val_loss"], rel=1e-5)
            assert one["validation_accuracy"] == np.mean(mine["target"] == mine["prediction"])
            auc = roc_auc_score(mine["target"], told_of, multi_class="ovr")
            assert one["validation_auc"] == pytest.approx(auc)
            counts = mine["target"].value_counts()
            assert counts.max() - counts.min() <= 1  # stratified
        assert set(metrics["committee"]) == {"log_loss", "accuracy", "auc"}
    found = json.loads(newest(project, f"{folder}/effects.json").read_text())
    assert (found["error"], found["unit"]) == ("log_loss", "nats")
    assert list(found["references"]) == [
        "constant", "logistic_regression", "linear_network", "gradient_boosting",
    ]  # fmt: skip
    assert found["references"]["constant"]["error"] == pytest.approx(
        np.mean(list(losses_of_the_training_rows_shares(project)))
    )
    assert found["references"]["logistic_regression"]["error"] < 0.3
    assert set(found["classes"]["effects"]) == {"accuracy", "auc", "scaled_log_loss"}
    side_by_side = pd.read_csv(newest(project, f"{folder}/comparison.csv")).set_index("variant")
    for variant, one in found["classes"]["calibration"].items():
        row = side_by_side.loc[variant]
        assert 0 <= row["validation_ece"] <= 1
        assert row["temperature"] > 0
        assert [row["validation_ece"], row["temperature"], row["scaled_ece"],
                row["scaled_log_loss"]] == pytest.approx(list(one.values()))  # fmt: skip
        accuracy = row["validation_accuracy"] - side_by_side.loc["baseline", "validation_accuracy"]
        if variant != "baseline":
            effect = found["classes"]["effects"]["accuracy"][variant]
            assert effect["difference"] == pytest.approx(accuracy)
    page = newest(project, f"{folder}/report.html").read_text()
    assert "Classes: accuracy, AUC, and log loss after temperature scaling" in page
    assert "<th>log loss</th><th>sd</th><th>accuracy</th><th>AUC</th>" in page


def test_new_rows_get_a_probability_for_each_class(flowers, monkeypatch):
    project, _ = flowers
    monkeypatch.chdir(project)
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    configure_project("dropnorm")
    kept = pd.read_parquet(
        newest(project, "07_model_output/flowers/dropout/validation_predictions.parquet")
    )
    words = ["predict", "flowers", "--input", "iris.csv", "--output", "out.csv",
             "--variant", "dropout", "--mc-dropout", "20", "--env", "sample"]  # fmt: skip

    done = CliRunner().invoke(study_group, words)

    assert done.exit_code == 0, done.output
    assert "interval, lower_" not in done.output
    found = pd.read_csv("out.csv")
    names = ("setosa", "versicolor", "virginica")
    assert list(found)[:5] == ["row", "prediction", *(f"probability_{name}" for name in names)]
    probabilities = found[[f"probability_{name}" for name in names]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=3e-6)  # of six digits
    assert list(found["prediction"]) == [names[one] for one in probabilities.to_numpy().argmax(1)]
    for name in names:
        assert (found[f"min_{name}"] <= found[f"probability_{name}"]).all()
        assert (found[f"mc_low_{name}"] <= found[f"mc_high_{name}"]).all()
        # To the digits that are written, of the rows that each replica's validation part had.
        saved = kept.set_index("row")[f"probability_{name}"]
        near = saved.between(
            found[f"min_{name}"].reindex(saved.index) - 1e-6,
            found[f"max_{name}"].reindex(saved.index) + 1e-6,
        )
        assert near.all()

    refused = CliRunner().invoke(study_group, [*words, "--overwrite", "--level", "95"])
    assert_refused(refused, "--level: classes have probabilities and no interval")
