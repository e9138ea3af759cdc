from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dropnorm.reporting.figures.panels import Trainings, draw_curve_panels
from dropnorm.reporting.figures.predictions import (
    draw_amount_panels,
    draw_class_panels,
    draw_reliability,
)
from dropnorm.study.variants import Variant

EPOCHS = np.arange(1, 11)


def finite(level, splits=2):
    history = pd.concat(
        [pd.DataFrame({"split": k, "start": 0, "epoch": EPOCHS, "loss": level + 1 / EPOCHS,
                       "val_loss": level + 1 + 1 / EPOCHS}) for k in range(splits)]
    )  # fmt: skip
    return Trainings(history, pd.DataFrame(columns=["split", "start", "step", "loss"]))


def diverged():
    history = pd.DataFrame({"split": [0], "start": 0, "epoch": 1, "loss": np.nan,
                            "val_loss": np.nan})  # fmt: skip
    steps = pd.DataFrame({"split": 0, "start": 0, "step": [1, 2, 3],
                          "loss": [1e2, 1e9, np.inf]})  # fmt: skip
    return Trainings(history, steps)


def texts(figure):
    axes = figure.axes[0]
    return [axes.get_title(loc="left"), *(one.get_text() for one in axes.texts)]


def test_each_variant_has_a_panel_on_the_same_axes():
    figures = draw_curve_panels(
        {Variant.BASELINE: finite(3), Variant.DROPOUT: finite(4)}, 9.0, "MAE, MPa"
    )

    limits = [figure.axes[0].get_ylim() for figure in figures.values()]
    assert list(figures) == [Variant.BASELINE, Variant.DROPOUT]
    assert limits[0] == limits[1]
    assert figures[Variant.BASELINE].axes[0].get_ylabel() == "MAE, MPa"


def test_a_diverged_variant_shows_its_loss_step_by_step():
    figures = draw_curve_panels(
        {Variant.BASELINE: diverged(), Variant.DROPOUT: finite(4)}, 9.0, "MAE"
    )

    axes = figures[Variant.BASELINE].axes[0]
    assert texts(figures[Variant.BASELINE])[0] == "baseline: 1 of 1 diverged"
    assert axes.get_yscale() == "log"
    assert list(axes.lines[0].get_ydata()) == [1e2, 1e9]


def test_a_curve_far_beyond_the_constant_does_not_flatten_the_others():
    figures = draw_curve_panels(
        {Variant.BASELINE: finite(3), Variant.DROPOUT: finite(7000)}, 9.0, "MAE"
    )

    assert figures[Variant.BASELINE].axes[0].get_ylim()[1] < 30
    assert "● 7,001 in epoch 10 · ends at 7,001 ↑" in texts(figures[Variant.DROPOUT])


def test_words_stand_above_the_axes_and_cover_no_curve():
    panel = draw_curve_panels({Variant.DROPOUT: finite(4)}, 9.0, "MAE")[Variant.DROPOUT]

    panel.draw_without_rendering()
    (axes,) = panel.axes
    words = [one.get_window_extent() for one in axes.texts]
    assert words
    assert all(one.y0 >= axes.get_window_extent().y1 for one in words)
    assert all(one.y1 <= axes.title.get_window_extent().y0 for one in words if axes.get_title())


@pytest.mark.parametrize("predicted", [[1.0, 2.5, 3.0], [1.0, 2.5, 900.0]])
def test_predictions_beyond_the_axis_are_counted(predicted):
    table = pd.DataFrame({"target": [1.0, 2.0, 3.0], "prediction": predicted})

    (figure,) = draw_amount_panels({Variant.BASELINE: table}, "strength").values()

    assert figure.axes[0].get_xlim() == pytest.approx((0.9, 3.1))
    assert ("1 of 3 beyond the axis" in texts(figure)) == (predicted[-1] > 3.1)


def test_a_variant_without_predictions_says_so():
    table = pd.DataFrame({"target": [1.0, 2.0], "prediction": [np.nan, np.nan]})

    (figure,) = draw_amount_panels({Variant.BASELINE: table}, "strength").values()

    assert "every training diverged" in texts(figure)


CLASSES = pd.DataFrame({
    "target": ["a", "a", "b", "b"],
    "probability_a": [0.9, 0.2, 0.3, 0.1],
    "probability_b": [0.1, 0.8, 0.7, 0.9],
})  # fmt: skip


def test_a_confusion_matrix_has_the_shares_of_each_true_class():
    (figure,) = draw_class_panels({Variant.BASELINE: CLASSES}).values()

    assert texts(figure)[1:] == ["50", "50", "0", "100"]


def test_reliability_puts_the_share_that_is_right_beside_the_probability():
    figure = draw_reliability({Variant.BASELINE: CLASSES})

    (_, line) = figure.axes[0].lines
    assert line.get_xdata()[-1] == pytest.approx(0.9)
    assert line.get_ydata()[-1] == pytest.approx(1.0)


def test_the_loss_of_rows_that_are_set_aside_is_a_curve_of_its_own():
    plain = finite(3.0)
    aside = Trainings(plain.history.assign(inner_loss=5.0), plain.first_steps)

    figures = draw_curve_panels({"baseline": plain, "dropout": aside}, 9.0, "MAE")

    lines = {name: one.axes[0].lines for name, one in figures.items()}
    assert len(lines["dropout"]) == len(lines["baseline"]) + 1
    assert [set(one.get_ydata()) for one in lines["dropout"] if one.get_linestyle() == "-."] == [
        {5.0}
    ]
