"""Tables and studies that Hypothesis makes up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from hypothesis import strategies as st

from conftest import read_study

if TYPE_CHECKING:
    from dropnorm.study.schema import Study


def study_of(preprocessing: dict[str, Any], **changes: Any) -> Study:
    changes.setdefault("target", {"column": "y"})
    return read_study("wine", preprocessing=preprocessing, **changes)


# What people's tables hold, and worse.
NUMBERS = st.one_of(st.floats(-1e3, 1e3), st.integers(-5, 5), st.just(None))
CELLS = {
    "numbers": NUMBERS,
    "positive": st.floats(0, 1e6),
    "whole": st.integers(0, 3),
    "names": st.sampled_from(["a", "b", "c", None]),
    "text": st.text(max_size=4),
    "dates": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str),
    "parts": st.sampled_from(["train", "validation", "test"]),
    "mess": st.one_of(
        NUMBERS, st.floats(), st.text(max_size=3), st.booleans(), st.just([1]), st.dates()
    ),
}
LISTS = ("standard_scale", "min_max_scale", "robust_scale", "quantile_scale", "passthrough",
         "one_hot", "ordinal")  # fmt: skip
SPLITS = st.one_of(
    st.fixed_dictionaries(
        {"method": st.just("random"), "train_fraction": st.sampled_from([0.5, 0.7])},
        optional={
            "test_fraction": st.sampled_from([0.1, 0.2]),
            "keep_together": st.just(["extra"]),
        },
    ),
    st.just({"method": "random", "identical_rows": True, "test_fraction": 0.2}),
    st.fixed_dictionaries(
        {"method": st.just("grouped"), "by": st.just("extra")},
        optional={"test_fraction": st.just(0.2)},
    ),
    st.fixed_dictionaries(
        {"method": st.just("time"), "by": st.just("extra")},
        optional={"test_fraction": st.just(0.2)},
    ),
    st.just({"method": "columns", "columns": ["extra"]}),
)


@st.composite
def made_up(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = draw(st.integers(1, 40))

    def column(cells: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cells, min_size=rows, max_size=rows))

    suited = {"one_hot": ("names", "text", "whole"), "ordinal": ("names", "text")}
    columns, lists, logs = {}, {}, []
    for number in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(LISTS))
        kinds = suited.get(place, ("numbers", "positive", "whole"))
        kind = draw(st.sampled_from(kinds * 20 + tuple(CELLS)))
        columns[f"x{number}"] = column(CELLS[kind])
        lists.setdefault(place, []).append(f"x{number}")
        if place not in suited and draw(st.booleans()) and kind != "numbers":
            logs.append(f"x{number}")
    split = draw(SPLITS)
    by = {"time": ("dates", "whole"), "columns": ("parts",)}.get(split["method"], ("whole", "text"))
    columns["extra"] = column(CELLS[draw(st.sampled_from(by * 20 + tuple(CELLS)))])
    columns["y"] = column(draw(st.sampled_from([CELLS["positive"]] * 5 + [CELLS["numbers"]])))
    missing = draw(st.sampled_from(["refuse", "drop", "impute"]))
    options = {
        "preprocessing": {**lists, "log1p": logs},
        "missing": missing,
        "split": split,
        "target": {
            "column": "y", "scale": draw(st.sampled_from(["none", "standardize", "log1p"])),
        },
    }  # fmt: skip
    if missing == "impute":
        options["preprocessing"]["impute"] = {
            "numbers": draw(st.sampled_from(["median", "mean", "most_frequent", 0, 3.5])),
            "indicator": draw(st.booleans()),
            "categories": draw(st.sampled_from(["most_frequent", "gone"])),
        }
    return pd.DataFrame(columns), options
