"""Runs logged to a real MLflow server on this machine."""

from __future__ import annotations

import html
import importlib
import importlib.util
import json
import logging
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from markdown_it import MarkdownIt

from conftest import ROOT, copy_project
from dropnorm.cli.study.project import open_project
from dropnorm.errors import BadInputError
from dropnorm.hooks.mlflow import TrackingHooks
from dropnorm.hooks.mlflow_logging import _in_markdown
from dropnorm.hooks.mlflow_options import Tracking, parse_options
from dropnorm.hooks.mlflow_server import (
    experiment_id,
    load_mlflow,
    shown,
    tracked_at,
    tracking_uri_of,
)
from dropnorm.training.backend import load_keras
from whole_commands import kedro, kedro_here, newest, refused

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"
)

STARTS = 2


def mlflow():
    """Imported by the tests that need it: it takes seconds."""
    return importlib.import_module("mlflow")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a tracking server with a database of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
               "--backend-store-uri", f"sqlite:///{folder}/runs.db",
               "--artifacts-destination", str(folder / "files")]  # fmt: skip
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true",
             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # fmt: skip
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env=quiet, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5)  # ours
                break
            except OSError:
                assert running.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        running.terminate()
        running.wait(timeout=60)


@pytest.fixture(scope="module")
def logged(server, tmp_path_factory):
    """A project of which a run was logged, and a client of the server."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    (project / "conf" / "sample" / "mlflow.yml").write_text(
        f"tracking_uri: {server}\nexperiment: team/{{study}}\ntags: {{team: mixers}}\n"
    )
    replicas = f"concrete.replicas.starts={STARTS},concrete.replicas.splits=1"
    done = kedro_here(
        project, "run", "--env=sample", "--pipelines=concrete", f"--params={replicas}"
    )
    assert done.exit_code == 0, done.output
    client = mlflow().MlflowClient(server)
    experiment = client.get_experiment_by_name("team/concrete")
    runs = client.search_runs([experiment.experiment_id])
    return project, done.stdout, client, runs


def at(level, runs, **tags):
    wanted = {"level": level, **tags}
    return [run for run in runs if wanted.items() <= run.data.tags.items()]


@pytest.mark.training
def test_a_run_is_one_in_mlflow_with_one_for_each_variant_and_replica_below(logged):
    project, told, client, runs = logged
    (study,) = at("study", runs)
    record = json.loads(newest(project, "08_reporting/concrete/run.json").read_text())

    assert f"/runs/{study.info.run_id}" in told
    assert study.data.tags["version"] == record["version"]
    assert study.data.tags["team"] == "mixers"
    assert study.data.params["training.epochs"] == str(record["options"]["training"]["epochs"])
    assert study.data.params["table.sha256"] == record["table"]["sha256"]
    files = {file.path for file in client.list_artifacts(study.info.run_id)}
    assert {"report.html", "effects.png", "comparison.png", "preprocessors.skops"} <= files
    variants = at("variant", runs)
    assert len(variants) == 4
    assert len(at("replica", runs)) == 4 * STARTS
    parent = "mlflow.parentRunId"
    assert {one.data.tags[parent] for one in variants} == {study.info.run_id}
    of_variants = {one.info.run_id for one in variants}
    assert {one.data.tags[parent] for one in at("replica", runs)} == of_variants
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.training
def test_metrics_and_curves_are_those_on_disk_and_a_diverged_training_has_none(logged):
    project, _, client, runs = logged
    metrics = json.loads(
        newest(project, "08_reporting/concrete/batchnorm/metrics.json").read_text()
    )
    history = pd.read_csv(newest(project, "08_reporting/concrete/batchnorm/history.csv"))
    (variant,) = at("variant", runs, variant="batchnorm")

    assert variant.data.metrics["validation_mae"] == pytest.approx(metrics["validation_mae"])
    for one in at("replica", runs, variant="batchnorm"):
        mine = history[history["start"] == int(one.data.params["start"])]
        curve = client.get_metric_history(one.info.run_id, "val_loss")
        assert [point.step for point in curve] == list(mine["epoch"])
        np.testing.assert_allclose([point.value for point in curve], mine["val_loss"])
    (baseline,) = at("variant", runs, variant="baseline")
    assert baseline.data.metrics["diverged"] >= 1
    diverged = [one for one in at("replica", runs) if one.data.metrics["diverged_at_epoch"] > 0]
    assert all(math.isnan(one.data.metrics["min_val_loss"]) for one in diverged)
    curve = client.get_metric_history(diverged[0].info.run_id, "val_loss")
    assert math.isnan(curve[-1].value)


@pytest.mark.training
def test_a_logged_network_has_a_signature_and_no_pickle_and_predicts_what_the_run_did(
    logged, server
):
    project, _, _, runs = logged
    replica = at("replica", runs, variant="batchnorm")[0]
    name = f"split_0-start_{replica.data.params['start']}"
    with tracked_at(mlflow(), server):
        (model,) = mlflow().search_logged_models(
            [replica.info.experiment_id],
            filter_string=f"source_run_id='{replica.info.run_id}'",
            output_format="list",
        )
        loaded = mlflow().pyfunc.load_model(model.model_uri)
        folder = mlflow().artifacts.download_artifacts(model.model_uri)

    inputs, outputs = loaded.metadata.signature.inputs, loaded.metadata.signature.outputs
    assert [(one.type, one.shape) for one in inputs.inputs] == [(np.dtype("float32"), (-1, 8))]
    assert [one.shape for one in outputs.inputs] == [(-1, 1)]
    assert len(loaded.metadata.metadata["inputs"]) == 8
    files = {file for _, _, names in os.walk(folder) for file in names}
    assert "model.keras" in files
    assert not [file for file in files if file.endswith((".pkl", ".py"))]
    saved = newest(project, "06_models/concrete/batchnorm") / f"{name}.keras"
    x = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    expected = load_keras().saving.load_model(saved).predict(x, verbose=0)
    np.testing.assert_array_equal(loaded.predict(x), expected)


def test_a_note_reads_on_mlflows_page_as_it_is_written():
    answer = r"By 3 $\a$ <b> [x](y) a_b_c & *c* `d` ~~e~~ &amp; R² 0.5 (MPa)."

    page = MarkdownIt().render(_in_markdown(answer))

    assert html.unescape(page) == f"<p>{answer}</p>\n"


def test_a_server_that_does_not_answer_is_told_in_one_line_before_anything_trains(project):
    (project / "conf" / "sample" / "mlflow.yml").write_text(
        "tracking_uri: http://someone:secret@127.0.0.1:1\n"
    )

    done = kedro(project, "run", "--env=sample", "--pipelines=concrete")

    refused(done, "MLflow cannot be reached at http://someone:…@127.0.0.1:1")
    assert "secret" not in done.stdout + done.stderr.replace("127.0.0.1", "")
    assert not list((project / "data" / "sample").glob("0[2-8]*"))


def test_a_database_of_ones_own_needs_no_server(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    uri = tracking_uri_of(Tracking(tracking_uri="sqlite:///data/runs.db"), tmp_path)

    with tracked_at(mlflow(), uri):
        made = experiment_id(mlflow(), uri, "concrete")
        place = mlflow().get_experiment(made).artifact_location
        again = experiment_id(mlflow(), uri, "concrete")

    assert (tmp_path / "data" / "runs.db").is_file()
    assert place == (tmp_path / "data" / "mlflow-artifacts").as_uri()
    assert again == made
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_without_the_file_nothing_is_logged_and_mlflow_not_imported(project):
    script = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "from kedro.framework.session import KedroSession",
            "from kedro.framework.startup import bootstrap_project",
            "bootstrap_project(Path.cwd())",
            "with KedroSession.create(env='sample') as session:",
            "    session.run(pipeline_names=['wine'], to_nodes=['wine.prepare.check_data'])",
            "print({'mlflow', 'distributed', 'dask'} & set(sys.modules))",
        ]
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=project, text=True,
                          capture_output=True, check=True)  # fmt: skip

    assert done.stdout.splitlines()[-1] == "set()"
    assert not list((project / "data").rglob("mlflow*"))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({}, "mlflow.yml: tracking_uri"),
        ({"tracking_uri": "http://x", "experimant": "y"}, "did you mean 'experiment'"),
        ({"tracking_uri": "http://x", "models": "all"}, "mlflow.yml: models is 'all'; it should"),
    ],
)
def test_a_mistake_in_the_file_is_told_in_one_line(written, told):
    with pytest.raises(BadInputError, match=told) as refused:
        parse_options(written)

    assert "\n" not in str(refused.value)


def test_an_environment_that_asks_for_mlflow_without_it_installed_is_told_what_brings_it(
    monkeypatch,
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(BadInputError, match=r"'pip install \"\.\[mlflow\]\"' brings it"):
        load_mlflow()


def test_a_password_is_not_shown():
    assert shown("postgresql://me:hush@host:5432/runs") == "postgresql://me:…@host:5432/runs"
    assert shown("http://host:5000") == "http://host:5000"


def test_the_shipped_environment_says_where_runs_are_logged():
    written = yaml.safe_load((ROOT / "conf" / "mlflow" / "mlflow.yml").read_text())

    assert parse_options(written).tracking_uri.startswith("sqlite:///")


@pytest.mark.training
def test_what_goes_wrong_at_the_end_costs_no_result(logged, caplog, monkeypatch):
    project, *_ = logged
    monkeypatch.chdir(project)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    bootstrap_project(project)
    hooks = TrackingHooks()
    hooks._tracking = Tracking(tracking_uri="http://127.0.0.1:1")
    opened = open_project(None, "sample")
    # Kedro has just replaced the handlers of the root.
    monkeypatch.setattr(logging.getLogger("dropnorm.hooks.mlflow"), "handlers", [caplog.handler])

    hooks.after_pipeline_run({"run_id": "v"}, pipelines["concrete"], opened.catalog)

    assert "the run is complete on disk (version v), and not logged to MLflow" in caplog.text
