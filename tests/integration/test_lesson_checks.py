"""The checks of the lesson's exercises say what is wrong with a wrong answer."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from conftest import ROOT
from dropnorm.training.backend import load_keras

pytestmark = pytest.mark.training  # builds networks, and trains none


def load_checks():
    file = ROOT / "notebooks" / "lesson_checks.py"
    spec = importlib.util.spec_from_file_location("lesson_checks", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checks = load_checks()


def layer(word: str):
    """Make a layer from a word: the units of a dense one, or d (dropout) with its rate."""
    layers = load_keras().layers
    if word.isdigit():
        return layers.Dense(int(word))
    kinds = {"bn": layers.BatchNormalization, "ln": layers.LayerNormalization}
    return kinds[word]() if word in kinds else layers.Dropout(float(word.removeprefix("d")))


def network(words: str):
    return load_keras().Sequential([layer(word) for word in words.split()])


def test_right_answers_are_called_correct():
    assert checks.check_dropout(network("128 d0.3 64 d0.3 1")) == checks.CORRECT
    batchnorm = network("bn 512 bn 512 bn 512 bn 1")
    assert checks.check_batchnorm(batchnorm) == checks.CORRECT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("128 64 1", "there is no Dropout layer"),
        ("128 d0.3 64 1", "there should be 2 Dropout layers, and there are 1"),
        ("128 64 d0.3 1 d0.3", "after the last Dense layer"),
        ("d0.3 128 d0.3 64 1", "before the first Dense layer"),
        ("128 d0.3 d0.3 64 1", "order Dense → Dropout → Dropout → Dense → Dense"),
        ("128 d0.7 64 d0.7 1", "the share that is switched off, not the share that is kept"),
        ("128 d0.3 64 d0.5 1", "the rate is 0.5; this exercise asks for 0.3"),
        ("64 d0.3 64 d0.3 1", "with 128, 64, 1 units; yours have 64, 64, 1"),
    ],
)
def test_a_wrong_answer_on_dropout_is_told_what_is_wrong(words, said):
    assert said in checks.check_dropout(network(words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("512 512 512 1", "there is no BatchNormalization layer"),
        ("bn 512 bn 512 bn 512 1", "directly before Dense layer 4"),
        ("512 bn 512 bn 512 bn 1", "the first Dense layer still gets the raw columns"),
        ("512 bn 512 bn 512 bn 1 bn", "after the last Dense layer"),
        ("bn 512 512 512 1", "directly before Dense layer 2 and 3 and 4"),
        ("bn bn 512 bn 512 bn 512 bn 1", "one BatchNormalization layer is too many"),
        ("ln 512 ln 512 ln 512 ln 1", "LayerNormalization is another layer"),
        ("bn 512 bn 512 bn 1", "with 512, 512, 512, 1 units; yours have 512, 512, 1"),
    ],
)
def test_a_wrong_answer_on_batchnorm_is_told_what_is_wrong(words, said):
    assert said in checks.check_batchnorm(network(words))


@pytest.mark.parametrize(
    ("answer", "said"),
    [([0, 1], "this is a list of layers"), (0.3, "this is a float, not a network")],
)
def test_what_is_no_network_is_told_so(answer, said):
    assert said in checks.check_dropout(answer)


HISTORY = SimpleNamespace(
    history={"loss": [3.0, 2.0, 1.0], "val_loss": [3.5, 2.5, 2.6], "mae": [3.0, 2.0, 1.0]}
)
LOSSES = pd.DataFrame(HISTORY.history)[["loss", "val_loss"]]


def test_a_plot_of_both_losses_is_called_correct():
    assert checks.check_plot(LOSSES.plot(), HISTORY) == checks.CORRECT
    _, axes = plt.subplots()
    axes.plot([1, 2, 3], LOSSES["loss"])
    axes.plot([1, 2, 3], LOSSES["val_loss"])
    assert checks.check_plot(axes, HISTORY) == checks.CORRECT


@pytest.mark.parametrize(
    ("plot", "said"),
    [
        (lambda: ..., "there is no plot"),
        (lambda: HISTORY, "`axes` is a SimpleNamespace"),
        (lambda: plt.subplots()[1], "the plot is empty"),
        (lambda: LOSSES["loss"].plot(ax=plt.subplots()[1]), "does not show val_loss"),
        (lambda: LOSSES.plot(x="loss", y="val_loss"), "loss on one axis and val_loss on the other"),
        (LOSSES.iloc[1:].plot, "a line has fewer than 3 epochs"),
    ],
)
def test_a_wrong_plot_is_told_what_is_wrong(plot, said):
    assert said in checks.check_plot(plot(), HISTORY)
