from __future__ import annotations

import pytest

from dropnorm.study.training import Training
from dropnorm.training.optimizer import make_optimizer

pytestmark = pytest.mark.training


def optimizer(**training: object):
    return make_optimizer(Training.model_validate({"batch_size": 8, "epochs": 10, **training}), 5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"momentum": 0.5, "nesterov": True, "clipvalue": 0.5}),
        ("adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5, "amsgrad": True}),
        ("adamw", {"weight_decay": 0.01, "global_clipnorm": 2.0}),
        ("rmsprop", {"rho": 0.8, "momentum": 0.1, "centered": True, "clipnorm": 1.0}),
        ("nadam", {"beta_1": 0.85}),
    ],
)
def test_optimizers_are_those_of_keras_with_the_given_options(name, options):
    made = optimizer(optimizer=name, optimizer_options=options)

    config = made.get_config()
    assert type(made).__name__.lower() == name
    assert {key: config[key] for key in options} == options


def test_schedules_have_the_expected_rates():
    cosine = optimizer(learning_rate=0.2, schedule={"method": "cosine", "final_fraction": 0.1})
    shrinking = optimizer(schedule={"method": "exponential", "factor": 0.5})
    warming = optimizer(learning_rate=0.2, schedule={"method": "cosine", "warmup_epochs": 2})

    def rates(made, steps):
        schedule = made._learning_rate
        return [float(schedule(step)) for step in steps]

    assert rates(cosine, [0, 25, 50]) == pytest.approx([0.2, 0.11, 0.02], rel=1e-5)
    assert rates(shrinking, [0, 5, 10]) == pytest.approx([0.001, 0.0005, 0.00025], rel=1e-5)
    assert rates(warming, [0, 5, 10, 50]) == pytest.approx([0, 0.1, 0.2, 0], abs=1e-6)
