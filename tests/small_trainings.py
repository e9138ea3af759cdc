"""Studies and inputs that train in a moment."""

from __future__ import annotations

import numpy as np

from conftest import read_study
from dropnorm.data.preprocessing import Part, SplitInputs


def an_input(split: int, rows: int = 60) -> SplitInputs:
    chance = np.random.default_rng(split)
    x = chance.normal(size=(rows + 30, 4)).astype(np.float32)
    parts = (np.arange(rows), np.arange(rows, rows + 30))
    return SplitInputs(split, *(Part(part, x[part], x[part, 0]) for part in parts))


def a_study(**changes: object):
    small = {"network__hidden": [8, 8], "training__epochs": 2, "training__batch_size": 16}
    return read_study("concrete", **{**small, **changes})
