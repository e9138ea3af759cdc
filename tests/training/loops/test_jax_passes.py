"""Networks that share what JAX compiles, each with its own weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

# Two starts of each network; the networks differ by one option.
SCRIPT = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import read_study
from dropnorm.training.backend import load_keras
from dropnorm.training.loops import jax_passes
from dropnorm.training.networks import build_network, plan_layers
from dropnorm.training.passes import outputs_of, outputs_of_layers
from dropnorm.study.variants import Variant

keras = load_keras()
x = np.random.default_rng(0).normal(size=(29, 3)).astype(np.float32)

def by_layer(network, training):
    with keras.StatelessScope():
        given = [x]
        for layer in network.layers:
            given.append(layer(given[-1], training=training))
    return [np.asarray(one) for one in given[1:]]

apart = []
for options in (
    {}, {"network__activation": "tanh"}, {"network__dropout__rate": 0.9},
    {"network__batchnorm__epsilon": 0.5}, {"network__hidden": [5, 6]},
):
    study = read_study("concrete", **{"network__hidden": [6, 5], **options})
    layers = plan_layers(study.network, Variant.DROPOUT_BATCHNORM)
    for start in range(2):
        network = build_network(layers, 3, np.random.SeedSequence(start))
        apart.append(float(np.abs(outputs_of(network, x) - by_layer(network, False)[-1]).max()))
        for training in (True, False):
            pairs = zip(
                outputs_of_layers(network, x, training=training), by_layer(network, training),
                strict=True,
            )
            apart += [float(np.abs(one - other).max()) for one, other in pairs]
made = [one.cache_info().misses for one in (jax_passes._inference, jax_passes._layer_by_layer)]
print(json.dumps({"apart": max(apart), "made": made}))
"""


@pytest.mark.training
def test_networks_that_are_alike_share_what_is_compiled_and_no_others_do():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "tests")], text=True, capture_output=True,
        env={**os.environ, "KERAS_BACKEND": "jax"}, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    found = json.loads(done.stdout.splitlines()[-1])
    assert found["apart"] < 1e-5
    assert found["made"] == [5, 10]
