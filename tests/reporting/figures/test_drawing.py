from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

from conftest import read_study
from dropnorm.evaluation.sweeps.sweep_results import Choice, Choices
from dropnorm.reporting.figures.comparison import draw_comparison
from dropnorm.reporting.figures.drawing import (
    finite_runs,
    label_ends,
    spread,
    title_axes,
    value_axis,
)
from dropnorm.reporting.figures.effects import draw_effects
from dropnorm.reporting.figures.learning_curves import draw_learning_curves
from dropnorm.reporting.figures.sweep import draw_sweep
from dropnorm.reporting.style import LIGHT, drawn, to_png, to_svg
from dropnorm.study.variants import Variant
from made_results import measured, some_metrics

STUDY = read_study("concrete")
NO_STEPS = pd.DataFrame(columns=["split", "start", "step", "loss"])


def a_history(*ends, epochs=20, length=None):
    """Losses that fall from 40 to each of ``ends``; NaN for one that diverged."""
    return pd.concat(
        pd.DataFrame(
            {
                "split": split, "start": 0, "epoch": range(1, count + 1),
                "loss": np.geomspace(40, end, count) if math.isfinite(end) else math.nan,
                "val_loss": np.geomspace(40, end, count) if math.isfinite(end) else math.nan,
            }
        )
        for split, end in enumerate(ends)
        for count in [(length or {}).get(split, epochs)]
    )  # fmt: skip


def metrics(variant, history):
    replicas = [
        measured(
            split,
            diverged_at_epoch=None if runs["val_loss"].notna().all() else 1,
            best_epoch=int(runs["epoch"].iloc[-1]),
            min_val_loss=float(runs["val_loss"].min()),
        )
        for split, runs in history.groupby("split")
    ]
    return some_metrics(*replicas, variant=variant)


def the_comparison(**ends):
    histories = {variant: a_history(*ends[variant]) for variant in Variant}
    rows = []
    for variant in Variant:
        finite = [end for end in ends[variant] if math.isfinite(end)]
        value = sum(finite) / len(finite) if finite else math.nan
        rows.append(
            {
                "variant": variant.value, "min_val_loss": value, "final_val_loss": value,
                "diverged": len(ends[variant]) - len(finite), "replicas": len(ends[variant]),
                "constant_val_loss": 13.0,
            }
        )  # fmt: skip
    return draw_comparison(pd.DataFrame(rows), histories, STUDY)


def told(axes):
    return {text.get_text(): text for text in axes.texts}


def test_names_at_the_ends_of_lines_cover_neither_each_other_nor_leave_the_axes():
    figure = the_comparison(
        baseline=(4.0, 4.1), dropout=(4.02, 4.1), batchnorm=(4.01, 4.1), dropout_batchnorm=(4, 4.1)
    )
    figure.draw_without_rendering()
    curves = figure.axes[0]
    boxes = sorted(
        (text.get_window_extent() for text in curves.texts), key=lambda box: (box.y0 + box.y1) / 2
    )

    assert len(boxes) == 5  # the variants, and a constant
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    place = curves.get_window_extent()
    assert all(place.y0 <= (box.y0 + box.y1) / 2 <= place.y1 for box in boxes)


def axes_of(limits, title=title_axes):
    """Axes of a project's plot with a title, laid out."""
    with drawn():
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        axes.set_ylim(limits)
        title(axes, "a title")
    figure.draw_without_rendering()
    return axes


def box_of_title(axes):
    texts = axes.findobj(Text)
    return next(one for one in texts if one.get_text() == "a title").get_window_extent()


@pytest.mark.parametrize("limits", [(0, 1), (-3, 2), (0, 9e5), (2e-3, 5e-3), (900, 1000)])
def test_a_title_stands_where_matplotlib_would_place_it(limits):
    ours, usual = axes_of(limits), axes_of(limits, Axes.set_title)

    assert usual.yaxis.get_offset_text().get_text() == ""
    assert box_of_title(ours).bounds == box_of_title(usual).bounds


@pytest.mark.parametrize("limits", [(0, 3e6), (0, 5e-5), (1_000_000, 1_000_001), (-2e7, 0)])
def test_a_title_stands_above_what_is_taken_out_of_the_numbers(limits):
    ours, usual = axes_of(limits), axes_of(limits, Axes.set_title)

    assert ours.yaxis.get_offset_text().get_text()
    assert box_of_title(ours).bounds == box_of_title(usual).bounds


def test_moved_names_have_room_where_neither_title_nor_label_makes_it():
    with drawn():
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1])
        label_ends(figure, axes, [(1.0, "one\ntwo\nthree", "k"), (0.99, "four\nfive", "k")])
    to_png(figure)

    assert max(text.get_window_extent().y1 for text in axes.texts) <= figure.bbox.y1


def test_a_variant_has_its_colour_in_lines_bands_names_and_rows():
    figure = the_comparison(
        baseline=(9.0, 10), dropout=(8.0, 9), batchnorm=(4.0, 5), dropout_batchnorm=(5.0, 6)
    )
    curves, ends = figure.axes
    colours = list(LIGHT.variants.values())

    assert [line.get_color() for line in curves.lines[:4]] == colours
    assert all(
        same_color(band.get_facecolor()[0][:3], colour)
        for band, colour in zip(curves.collections, colours, strict=True)
    )
    assert [label.get_color() for label in reversed(ends.get_yticklabels())] == colours
    assert told(curves)["dropout +\nbatchnorm"].get_color() == colours[3]


@pytest.mark.parametrize(("best", "scale"), [(4.0, "log"), (30.0, "linear")])
def test_the_scale_is_logarithmic_where_the_range_asks_for_it(best, scale):
    history = a_history(best)

    figure = draw_learning_curves(history, NO_STEPS, metrics("batchnorm", history), STUDY)

    assert figure.axes[0].get_yscale() == scale


def test_millions_are_written_the_same_way_at_logarithmic_axes():
    with drawn():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2], [2e5, 4e6])
        value_axis(axes, [np.array([2e5, 4e6])])
        to_png(figure)

    shown = {label.get_text() for label in axes.get_yticklabels()}
    assert {"200,000", "0.5 M", "1 M", "2 M"} <= shown, shown


def test_diverged_trainings_are_told_and_their_first_steps_shown_beside_the_others():
    history = a_history(9.0, math.nan)
    steps = pd.DataFrame({"split": 1, "start": 0, "step": [1, 2, 3], "loss": [40, 1e9, math.nan]})

    figure = draw_learning_curves(history, steps, metrics("dropout", history), STUDY)

    curves, first = figure.axes
    assert len(curves.lines[0].get_xdata()) == 20
    assert first.get_title(loc="left") == "1 of 2 diverged in epoch 1"
    assert any(line.get_marker() == "x" and line.get_xdata() == [3] for line in first.lines)


def test_a_comparison_says_what_diverged():
    lost = (math.nan, math.nan)
    figure = the_comparison(baseline=lost, dropout=(math.nan, 8), batchnorm=(4, 5),
                            dropout_batchnorm=(4, 5))  # fmt: skip
    assert {"× 2 of 2 diverged", "× 1 of 2 diverged"} <= set(told(figure.axes[1]))

    figure = the_comparison(**dict.fromkeys(Variant, lost))
    assert "every training diverged" in told(figure.axes[0])


def test_replicas_that_stopped_early_are_drawn_as_far_as_they_went():
    history = a_history(9.0, 8.0, length={0: 12})

    figure = draw_learning_curves(history, NO_STEPS, metrics("dropout", history), STUDY)

    training = figure.axes[0].lines[0]
    assert len(training.get_xdata()) == 20
    assert np.isfinite(training.get_ydata()).all()
    assert training.get_ydata()[-1] == pytest.approx(8.0)


NOT_COMPARABLE = {
    "title": "A table", "unit": "MPa", "error": "mae", "margin": None, "references": {},
    "variants": {one: {"error": None, "standard_deviation": None} for one in Variant},
    "effects": {
        name: {"difference": None, "low": None, "verdict": "not comparable"}
        for name in ("dropout", "batchnorm", "dropout_batchnorm", "interaction")
    },
}  # fmt: skip


def test_effects_that_cannot_be_compared_have_no_scale():
    errors, differences = draw_effects(NOT_COMPARABLE).axes

    assert not len(errors.get_xticks())
    assert list(differences.get_xticks()) == [0]


@pytest.mark.parametrize(
    "text", ["$^{$", r"$\badmacro$", "50 % $ & <b> =1", "日本語", "\U0001f9ff"]
)
def test_titles_and_units_are_drawn_as_they_are_written_without_a_warning(text):
    study = read_study("concrete", title=text, target__unit=text)
    history = a_history(9.0, math.nan)
    steps = pd.DataFrame({"split": 1, "start": 0, "step": [1, 2, 3], "loss": [40, 1e9, math.nan]})
    point = Choice(
        "dropout_batchnorm", 0.5, "after_hidden", 1.0, 1.0, 1.0, 1, 0, None, None, None, None,
        "least error",
    )  # fmt: skip
    choices = Choices(
        "concrete", text, False, "mae", text, 1, 1, "", {}, (point, replace(point, rate=0.1))
    )
    found = {**NOT_COMPARABLE, "title": text, "unit": text}
    plots = [
        draw_learning_curves(history, steps, metrics("dropout", history), study),
        draw_effects(found),
        draw_effects(found, dark=True, tall=True),
        draw_sweep(choices),
    ]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for plot in plots:
            assert to_png(plot)
            assert to_svg(plot)

    assert "● best (optimistic)" in plots[-1].get_suptitle()
    for plot in plots:
        shown = [one for one in plot.findobj(Text) if text in one.get_text()]
        assert len(shown) >= 2  # the title, and an axis with the unit
        assert not any(one.get_parse_math() or one.get_usetex() for one in shown)


def test_powers_of_ten_need_no_mathematics():
    history = a_history(9.0, math.nan)
    steps = pd.DataFrame({"split": 1, "start": 0, "step": [1, 2, 3], "loss": [40, 1e9, math.nan]})

    figure = draw_learning_curves(history, steps, metrics("dropout", history), STUDY)
    figure.draw_without_rendering()

    named = [one.get_text() for one in figure.axes[1].get_yticklabels(which="both")]
    assert {"10⁴", "10¹²"} <= set(named)
    assert not any("$" in one for one in named)


@st.composite
def labels(draw):
    drawn = draw(
        st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 40)), min_size=1, max_size=8)
    )
    return SimpleNamespace(heights=sorted(one for one, _ in drawn), sizes=[one for _, one in drawn])


@given(labels())
def test_labels_stand_apart_in_order_and_stay_where_there_is_room(drawn):
    placed = spread(drawn.heights, drawn.sizes)

    needed = [(a + b) / 2 for a, b in itertools.pairwise(drawn.sizes)]
    gaps = [b - a for a, b in itertools.pairwise(placed)]
    assert all(gap >= need - 1e-6 for gap, need in zip(gaps, needed, strict=True))
    wanted = [b - a for a, b in itertools.pairwise(drawn.heights)]
    if all(gap >= need for gap, need in zip(wanted, needed, strict=True)):
        assert placed == pytest.approx(drawn.heights)
    assert sum(placed) == pytest.approx(sum(drawn.heights), abs=1e-6)


@given(labels())
def test_labels_keep_within_bounds_that_have_room(drawn):
    room = sum(drawn.sizes)

    placed = spread(drawn.heights, drawn.sizes, 0, room)

    assert all(-1e-6 <= one <= room + 1e-6 for one in placed)


def test_learning_curves_show_the_loss_of_rows_that_are_set_aside():
    plain = a_history(10.0, 12.0)
    history = plain.assign(inner_loss=plain["val_loss"] * 1.1)

    axes = draw_learning_curves(history, NO_STEPS, metrics("dropout", history), STUDY).axes[0]
    without = draw_learning_curves(plain, NO_STEPS, metrics("dropout", plain), STUDY).axes[0]

    assert "set aside" in {one.get_text() for one in axes.texts}
    assert "set aside" not in {one.get_text() for one in without.texts}


def test_a_training_whose_rows_that_are_set_aside_have_no_finite_loss_is_not_drawn():
    history = a_history(10.0).assign(inner_loss=math.inf)

    assert finite_runs(history, "val_loss") == []


def test_optimistic_errors_are_called_so():
    variants = {one: {"error": 9.0, "standard_deviation": 1.0} for one in Variant}
    honest = {**NOT_COMPARABLE, "variants": variants}

    told, plain = (
        [one.get_text() for one in draw_effects(found).findobj(Text)]
        for found in ({**honest, "optimistic": ["baseline"]}, honest)
    )
    assert sum(one.endswith(" optimistic") for one in told) == 2  # the error and the differences
    assert not any("optimistic" in one for one in plain)
