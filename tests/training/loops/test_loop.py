"""Steps on an engine other than the one that the other tests run on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

# Three batches of eight rows and one of five, by the loop and by Keras' own train_on_batch.
SCRIPT = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import read_study
from dropnorm.training.backend import load_keras
from dropnorm.training.loops.loop import Losses
from dropnorm.training.loops.selection import make_loop
from dropnorm.training.networks import build_network, plan_layers, up_to_outputs
from dropnorm.study.variants import Variant
from dropnorm.training.optimizer import make_optimizer

keras = load_keras()
chance = np.random.default_rng(0)
x = chance.normal(size=(29, 3)).astype(np.float32)
y = x.sum(axis=1) + 1

def train(options):
    study = read_study(
        "concrete",
        network__hidden=[6, 5],
        network__layernorm={"placement": "after_hidden"},
        training__optimizer="adam",
        **options,
    )

    def network():
        layers = plan_layers(study.network, Variant.BATCHNORM)
        return up_to_outputs(build_network(layers, 3, np.random.SeedSequence(0)))

    ours, optimizer = network(), make_optimizer(study.training, 4)
    optimizer.build(ours.trainable_variables)
    ensemble = study.network.batch_ensemble
    members = None if ensemble is None else ensemble.members
    loop = make_loop(ours, optimizer, Losses([keras.losses.get("mae")] * 2, members), 16, 8)
    taken = loop.train(x[:16], y[:16])
    rest = loop.train(x[16:], y[16:])

    # Keras' mean over all members is the mean over the rows of the members' means.
    targets = y if members is None else np.repeat(y[:, None, None], members, axis=1)
    theirs = network()
    theirs.compile(optimizer=make_optimizer(study.training, 4), loss="mae")
    losses = [
        float(theirs.train_on_batch(x[first : first + 8], targets[first : first + 8]))
        for first in range(0, 29, 8)
    ]
    return {
        "taken": [float(loss) for loss in (*taken[0], *rest[0])],
        "same": [np.array_equal(*both) for both in (taken, rest)],
        "losses": losses,
        "apart": max(
            float(np.abs(one - other).max())
            for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True)
        ),
        "outputs": float(np.abs(loop.predict(x) - theirs.predict_on_batch(x)).max()),
        "compiled": loop._train._cache_size(),
    }

print(json.dumps({name: train(options) for name, options in json.loads(sys.argv[2]).items()}))
"""
OPTIONS = {
    "norms are bounded": {"network__max_norm": 0.5},
    "members": {"network__batch_ensemble": {"members": 3}},
}


@pytest.fixture(scope="module")
def trained():
    """What a process on JAX finds, with each of the options."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "tests"), json.dumps(OPTIONS)], text=True,
        capture_output=True, env={**os.environ, "KERAS_BACKEND": "jax"}, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.training
@pytest.mark.parametrize("options", list(OPTIONS))
def test_steps_on_jax_are_those_that_keras_takes_and_a_smaller_batch_compiles_nothing_anew(
    trained, options
):
    found = trained[options]
    # Keras tells the mean over the batches so far.
    means = [sum(found["taken"][: n + 1]) / (n + 1) for n in range(4)]
    assert found["same"] == [True, True]
    assert means[0] == pytest.approx(found["losses"][0], rel=1e-5)
    assert found["apart"] < 1e-5
    assert found["outputs"] < 1e-5
    assert found["compiled"] == 1
