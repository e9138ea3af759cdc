from __future__ import annotations

import pytest

from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.records import Look, Seen
from dropnorm.reporting.figures.looks import draw_looks

OPEN = Seen(0.2, -0.5, 0.9, "not settled", settled=False, boundary=0.8)
HELPS = Seen(-2.0, -2.5, -1.5, "helps", settled=True, boundary=0.6)
FAILED = Seen(None, None, None, "both fail", settled=True)


def a_report(*looks, margin=0.1):
    """A report of a run with at most 20 splits."""
    told = [
        Look(splits, 0.99, dict(zip(("dropout", "batchnorm"), seen, strict=True)))
        for splits, *seen in looks
    ]
    names = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
    return {"looks": to_json(told), "variants": dict.fromkeys(names), "unit": "MPa",
            "margin": margin, "options": {"replicas": {"at_most": 20}}}  # fmt: skip


def drawn(axes):
    """Return the intervals, the boundaries, and for each dot its place and whether it is filled."""
    vertical, horizontal = [], []
    for lines in axes.collections:
        for (x, y), (x_end, y_end) in lines.get_segments():
            (vertical if x == x_end else horizontal).append((x, y, y_end))
    dots = [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_markerfacecolor() != "white")
        for line in axes.lines
        if line.get_marker() == "o"
    ]
    return vertical, sorted({y for _, y, _ in horizontal}), dots


def test_each_effect_has_its_interval_and_boundary_at_each_look():
    figures = draw_looks(a_report((5, OPEN, HELPS), (10, HELPS, HELPS)))

    assert list(figures) == ["dropout", "batchnorm"]
    axes = figures["dropout"].axes[0]
    intervals, boundaries, dots = drawn(axes)
    assert intervals == [(0, -0.5, 0.9), (1, -2.5, -1.5)]
    assert boundaries == [-0.8, -0.6, 0.6, 0.8]
    assert dots == [(0, 0.2, False), (1, -2.0, True)]
    assert [one.get_text() for one in axes.get_xticklabels()] == ["5", "10", "20"]
    assert axes.get_ylabel() == "difference, MPa"
    low, high = axes.get_ylim()
    assert low == -high < -2.5


def test_what_no_look_could_compare_has_no_figure():
    assert list(draw_looks(a_report((5, FAILED, HELPS)))) == ["batchnorm"]
    assert draw_looks(a_report((5, FAILED, FAILED))) == {}
    later = draw_looks(a_report((5, FAILED, HELPS), (10, OPEN, HELPS)))
    assert drawn(later["dropout"].axes[0])[2] == [(1, 0.2, False)]


@pytest.mark.parametrize("ends", [(None, None), (0.0, 0.0)])
def test_equal_networks_are_drawn_at_zero(ends):
    equal = Seen(0.0, *ends, "not settled", settled=False)

    axes = draw_looks(a_report((5, equal, HELPS), margin=0))["dropout"].axes[0]

    assert drawn(axes)[2] == [(0, 0.0, False)]
    assert list(axes.get_yticks()) == [0]
