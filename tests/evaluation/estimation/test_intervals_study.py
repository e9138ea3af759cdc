from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from simulation import read, simulate

from dropnorm.evaluation.estimation.intervals import RowsVariance, over_splits

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("intervals")


@pytest.mark.parametrize("name", ["linear", "linear, groups", "soft thresholds, near"])
def test_intervals_hold_the_true_effect_and_are_narrower_than_nadeau_and_bengios(study, name):
    found = [study.repeat(name, number) for number in range(40)]
    truth = study.true_effect(name, 600)["truth"]

    for splits in (5, 20):
        cells = study.table([{"source": name, "truth": truth}, *found], splits, 1)[name]
        ours, theirs = cells[study.SHIPPED], cells["Nadeau–Bengio"]
        assert ours[0] >= 0.9
        assert ours[2] < theirs[2]


def test_what_is_simulated_is_what_a_study_gets(study):
    source, found = study.SOURCES["linear"], study.repeat("linear", 3)
    ratio = source.held / (source.rows - source.held)
    for splits in (5, 20):
        by_split = np.array(found["differences x1"])[:splits]
        rows = found[f"rows {splits}x1"]
        simulated = study.half_widths(by_split, rows, None, ratio)

        ours = over_splits(by_split, ratio, 0.05, RowsVariance(rows[0], int(rows[2])))
        theirs = over_splits(by_split, ratio, 0.05)

        assert ours.high - ours.mean == pytest.approx(simulated[study.SHIPPED])
        assert theirs.high - theirs.mean == pytest.approx(simulated["Nadeau–Bengio"])


def test_a_study_goes_on_where_it_stopped(study, tmp_path):
    path = tmp_path / "found.jsonl"
    true_effect = partial(study.true_effect, tables=320)
    simulate(path, {"linear": 2}, true_effect, study.repeat)
    before = path.read_text()
    path.write_text(before + '{"source": "lin')

    simulate(path, {"linear": 3}, true_effect, study.repeat)

    assert path.read_text().startswith(before)
    assert [one.get("repeat") for one in read(path)] == [None, 0, 1, 2]
