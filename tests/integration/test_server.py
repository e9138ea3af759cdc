"""Kedro's own HTTP server in front of this project: runs and predictions by request."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from whole_commands import kedro_here, newest

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {
    "concrete": {"training": {"epochs": 1}, "replicas": {"splits": 1}, "network": {"hidden": [8]}}
}

Request = Callable[..., dict[str, Any]]


@pytest.fixture
def request_run(project: Path) -> Iterator[Request]:
    """Start the server on a free port, and return a function that posts a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kedro", "server", "start", "--env=sample", f"--port={port}"]
    server = subprocess.Popen(
        command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def post(**request: Any) -> dict[str, Any]:
        body = json.dumps(request).encode()
        address = f"http://127.0.0.1:{port}/run"
        asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return json.load(answer)

    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield post
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from {address}")


@pytest.mark.training
def test_the_server_runs_a_study_and_predicts_as_the_command_does(request_run, project):
    tables = project / "data/sample/01_raw"
    rows = pd.read_csv(tables / "concrete.csv").drop(columns="CompressiveStrength").head(5)
    rows.to_csv(tables / "concrete_new_rows.csv", index=False)

    wrong = request_run(pipeline_names=["concrete"], params={"concrete": {"epochs": 1}})
    ran = request_run(pipeline_names=["concrete"], params=SMALL)
    unsure = request_run(pipeline_names=["concrete.predict"])
    version = newest(project, "08_reporting/concrete/run.json").parent.name
    chosen = {"concrete.run": version}
    predicted = request_run(pipeline_names=["concrete.predict"], load_versions=chosen)

    assert (wrong["status"], ran["status"], predicted["status"]) == (
        "failure", "success", "success"
    ), (wrong, ran, predicted)  # fmt: skip
    assert "epochs" in wrong["error"]["message"]
    assert "--load-versions takes that one" in unsure["error"]["message"]
    record = json.loads(newest(project, "08_reporting/concrete/run.json").read_text())
    assert record["options"]["training"]["epochs"] == 1
    assert {"replicas.splits", "training.epochs"} <= set(record["overridden"])
    served = pd.read_csv(newest(project, "07_model_output/concrete/batchnorm/predictions.csv"))
    done = kedro_here(project, "study", "predict", "concrete", "--env=sample",
                      "--variant=batchnorm", f"--version={version}",
                      f"--input={tables}/concrete_new_rows.csv",
                      "--output=predicted.csv")  # fmt: skip
    assert done.exit_code == 0, done.output
    asked = pd.read_csv(project / "predicted.csv")
    assert served["prediction"].tolist() == pytest.approx(asked["prediction"].tolist(), rel=1e-5)
