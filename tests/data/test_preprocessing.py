from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io import MemoryDataset
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from conftest import read_study, read_table
from dropnorm.data import preprocessing
from dropnorm.data.inspection.checks import check_study_table
from dropnorm.data.preprocessing import (
    SplitInputs,
    check_saved,
    fit_preprocessor,
    make_inputs,
    make_split_inputs,
)
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_new_rows, check_table
from dropnorm.datasets import SkopsDataset
from dropnorm.errors import BadInputError
from dropnorm.tasks.targets import TargetScale
from random_studies import made_up, study_of

if TYPE_CHECKING:
    from dropnorm.study.schema import Study


def prepare(table: pd.DataFrame, study: Study) -> list[SplitInputs]:
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    return [
        make_split_inputs(rows, split, k, fit_preprocessor(rows, split, k, study), study)
        for k in range(study.replicas.splits)
    ]


def in_order(values: list[Any], y: list[float] | None = None, name: str = "x") -> pd.DataFrame:
    """Return a table whose column ``part`` puts the last two rows into the validation part."""
    parts = ["train"] * (len(values) - 2) + ["validation"] * 2
    return pd.DataFrame({name: values, "y": y or range(len(values)), "part": parts})


def inputs_of(values: list[Any], preprocessing: dict[str, Any], **changes: Any) -> np.ndarray:
    """Return the inputs of all rows, of which the last two validate."""
    study = study_of(preprocessing, split={"method": "columns", "columns": ["part"]}, **changes)
    (inputs,) = prepare(in_order(values), study)
    return np.concatenate([inputs.train.x, inputs.validation.x])


NAN = float("nan")
LAST = [10.0, 20.0]  # validation rows, which must not affect the scaling


@pytest.mark.parametrize(
    ("preprocessing", "train", "validation"),
    [
        ({"standard_scale": ["x"]}, [-1.3416, -0.4472, 0.4472, 1.3416], [7.6026, 16.5469]),
        ({"min_max_scale": ["x"]}, [0, 1 / 3, 2 / 3, 1], [10 / 3, 20 / 3]),
        ({"robust_scale": ["x"]}, [-1, -1 / 3, 1 / 3, 1], [17 / 3, 37 / 3]),
        ({"quantile_scale": ["x"]}, [-5.1993, -0.4307, 0.4307, 5.1993], [5.1993, 5.1993]),
        ({"passthrough": ["x"], "log1p": ["x"]}, np.log([1, 2, 3, 4]), np.log([11, 21])),
        (
            {"min_max_scale": ["x"], "log1p": ["x"]},
            np.log([1, 2, 3, 4]) / np.log(4), np.log([11, 21]) / np.log(4),
        ),
    ],
)  # fmt: skip
def test_numbers_are_scaled_by_the_training_rows_alone(preprocessing, train, validation):
    found = inputs_of([0.0, 1.0, 2.0, 3.0, *LAST], preprocessing)

    np.testing.assert_allclose(found[:, 0], [*train, *validation], rtol=1e-4)


@pytest.mark.parametrize(
    ("fill", "expected"), [("median", 1), ("mean", 2), ("most_frequent", 0), (7, 7), (-1.5, -1.5)]
)
def test_missing_numbers_are_filled_from_training_rows_and_marked(fill, expected):
    found = inputs_of(
        [0.0, 0.0, 2.0, 6.0, NAN, 10.0, NAN],
        {"passthrough": ["x"], "impute": {"numbers": fill, "indicator": True}},
        missing="impute",
    )

    assert list(found[:, 0]) == [0, 0, 2, 6, expected, 10, expected]
    assert list(found[:, 1]) == [0, 0, 0, 0, 1, 0, 1]


def test_a_constant_is_filled_in_before_the_logarithm_is_taken():
    found = inputs_of(
        [0.0, 1.0, NAN, 3.0, NAN],
        {"passthrough": ["x"], "log1p": ["x"], "impute": {"numbers": 9}},
        missing="impute",
    )

    np.testing.assert_allclose(found[:, 0], np.log([1, 2, 10, 4, 10]), rtol=1e-6)


def test_an_unseen_category_is_zeros_in_every_column():
    found = inputs_of(["a", "b", "a", "a", "c"], {"one_hot": ["x"]})

    assert found.tolist() == [[1, 0], [0, 1], [1, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize("limit", [{"min_count": 2}, {"min_share": 0.3}])
def test_rare_categories_are_folded_and_an_unseen_one_joins_them(limit):
    values = ["a", "a", "a", "b", "c", "a", "new"]

    found = inputs_of(values, {"one_hot": ["x"], "rare_categories": limit})

    assert found.tolist() == [[1, 0]] * 3 + [[0, 1]] * 2 + [[1, 0], [0, 1]]


def test_missing_categories_become_the_most_frequent_or_a_separate_one():
    values = ["a", "b", "b", None, "a", None]

    frequent = inputs_of(values, {"one_hot": ["x"]}, missing="impute")
    own = inputs_of(values, {"one_hot": ["x"], "impute": {"categories": "gone"}}, missing="impute")

    assert frequent.tolist() == [[1, 0], [0, 1], [0, 1], [0, 1], [1, 0], [0, 1]]
    assert own.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]


def test_ordinal_follows_the_given_order_and_marks_unseen_categories():
    values = ["small", "large", "medium", "large", "small", "medium"]
    order = {"x": ["small", "medium", "large"]}

    assert inputs_of(values, {"ordinal": ["x"], "order": order})[:, 0].tolist() == [
        0,
        2,
        1,
        2,
        0,
        1,
    ]
    unordered = inputs_of(["b", "a", "c", "a", "b", "z"], {"ordinal": ["x"]})[:, 0]
    assert unordered.tolist() == [1, 0, 2, 0, 1, -1]


def test_1_and_1_0_are_the_same_category():
    study = study_of({"one_hot": ["x"]})
    table = pd.DataFrame({"x": [1, 2, 1, 2, 1, 2], "y": range(6)})
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessor(rows, split, 0, study)

    asked = make_inputs(check_new_rows(pd.DataFrame({"x": [2.0, 1.0]}), study), fitted, study)

    assert asked.tolist() == [[0, 1], [1, 0]]


def test_a_saved_and_loaded_preprocessor_gives_the_same_inputs(tmp_path):
    chance = np.random.default_rng(0)
    table = pd.DataFrame({name: chance.gamma(1, size=60) for name in "abcdey"})
    table["k"] = chance.choice(["u", "v", "w"], 60)
    table["s"] = chance.choice(["low", "high"], 60)
    table = table.mask(chance.random(table.shape) < 0.05)
    study = study_of(
        {
            "standard_scale": ["a"], "min_max_scale": ["b"], "robust_scale": ["c"],
            "quantile_scale": ["d"], "passthrough": ["e"], "log1p": ["a", "e"],
            "one_hot": ["k"], "ordinal": ["s"], "order": {"s": ["low", "high"]},
            "rare_categories": {"min_share": 0.2},
            "impute": {"numbers": 0, "categories": "gone", "indicator": True},
        },
        missing="impute", target={"column": "y", "scale": "standardize"},
    )  # fmt: skip
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessor(rows, split, 0, study)
    dataset = SkopsDataset(filepath=str(tmp_path / "preprocessors.skops"))
    dataset.save({0: fitted})

    loaded = dataset.load()[0]

    assert loaded["target"] == fitted["target"]
    assert len(rows) < len(table)  # those without a target
    np.testing.assert_array_equal(
        make_inputs(rows, loaded, study), make_inputs(rows, fitted, study)
    )


@given(
    target=st.lists(st.floats(-0.99, 1e6, allow_subnormal=False), min_size=1, max_size=20),
    scale=st.sampled_from(
        [TargetScale(scale=100.0), TargetScale(mean=-3.5, scale=0.01), TargetScale(log1p=True)]
    ),
)
def test_a_scaled_target_is_restored_in_its_own_units(target, scale):
    y = pd.Series(target, dtype=float)

    learnt = scale.apply(y)
    np.testing.assert_allclose(scale.restore(learnt), y, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(scale.invert(learnt[:, None])[:, 0], scale.restore(learnt))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"divide_by": 10}, [0.1, 0.2, 0.3, 0.4]),
        ({"scale": "standardize"}, [-1.3416408, -0.4472136, 0.4472136, 1.3416408]),
        ({"scale": "log1p"}, np.log([2, 3, 4, 5])),
    ],
)
def test_the_target_is_scaled_by_training_rows_alone(target, expected):
    study = study_of(
        {"passthrough": ["x"]}, target={"column": "y", **target},
        split={"method": "columns", "columns": ["part"]},
    )  # fmt: skip

    (inputs,) = prepare(in_order([0.0] * 6, [1.0, 2.0, 3.0, 4.0, 90.0, 100.0]), study)

    np.testing.assert_allclose(inputs.train.y, expected, rtol=1e-6)
    np.testing.assert_allclose(inputs.target.invert(inputs.validation.y), [90, 100], rtol=1e-6)
    assert inputs.train.y.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "y", "preprocessing", "changes", "message"),
    [
        ([1, 2, 3, 4], [5, 5, 6, 7], {"passthrough": ["x"]}, {}, "is 5 in all 2 training rows"),
        (
            [NAN, NAN, 3, 4], [1, 2, 3, 4], {"passthrough": ["x"]}, {"missing": "impute"},
            "column 'x' is missing in all 2 training rows",
        ),
        (
            [1e-10, 2e-10, 3.0, 1e35], [1, 2, 3, 4], {"min_max_scale": ["x"]}, {},
            "'min_max_scale__x' has a scaled value that is too large for float32",
        ),
        (
            [1, 2, 3, 4], [1, 2, 3, 1e30], {"passthrough": ["x"]},
            {"target": {"column": "y", "divide_by": 1e-20}}, "column 'y' has values up to",
        ),
        (
            [1, 2, 3, 4], [1e-200, 2e-200, 3, 4], {"passthrough": ["x"]},
            {"target": {"column": "y", "scale": "standardize"}}, "varies too little",
        ),
    ],
)  # fmt: skip
def test_values_that_cannot_be_scaled_are_refused(values, y, preprocessing, changes, message):
    study = study_of(preprocessing, split={"method": "columns", "columns": ["part"]}, **changes)

    with pytest.raises(BadInputError) as error:
        prepare(in_order(values, y), study)

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(made=made_up())
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
def test_any_table_gives_finite_disjoint_inputs_or_is_refused(made):
    table, options = made
    before = table.copy(deep=True)
    try:
        study = study_of(**options)
        splits = prepare(table, study)
    except BadInputError:
        return
    finally:
        pd.testing.assert_frame_equal(table, before)

    rows = check_table(table, study)
    for inputs in splits:
        parts = [part for part in (inputs.train, inputs.validation, inputs.test) if part]
        for part in parts:
            assert isinstance(part.x, np.ndarray)
            assert part.x.dtype == part.y.dtype == np.float32
            assert np.isfinite(part.x).all()
            assert np.isfinite(part.y).all()
            assert len(part.x) == len(part.y) == len(part.rows) > 0
            assert part.x.shape[1] == inputs.train.x.shape[1]
        assert sorted(np.concatenate([part.rows for part in parts])) == list(rows.index)
    assert all(finding.count <= finding.of for finding in check_study_table(
        table, study, assign_parts(rows, study)))  # fmt: skip


def test_inputs_made_in_chunks_equal_those_made_at_once(monkeypatch):
    study = read_study("spotify")
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)
    fitted = fit_preprocessor(rows, assign_parts(rows, study), 0, study)
    whole = make_inputs(rows, fitted, study)

    monkeypatch.setattr(preprocessing, "_ROWS_AT_ONCE", 7)

    np.testing.assert_array_equal(make_inputs(rows, fitted, study), whole)
    assert whole.dtype == np.float32
    in_float64 = fitted["inputs"].transform(rows[list(study.preprocessing.columns)])
    np.testing.assert_array_equal(whole, in_float64.astype(np.float32))


def test_kedro_does_not_copy_inputs_between_nodes():
    study = read_study("concrete")
    (inputs,) = prepare(read_table("concrete"), study)
    passed = MemoryDataset()

    passed.save([inputs])

    assert passed.load()[0].train.x is inputs.train.x


def spoil_scaler(one: Any) -> None:
    scaler = one["inputs"].named_transformers_["standard_scale"]
    getattr(scaler, "steps", [("", scaler)])[-1][1].mean_ = np.zeros(7)


def spoil_logarithm(one: Any) -> None:
    one["inputs"].transformers[1] = ("log1p_passthrough", FunctionTransformer(np.exp), ["b"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.update(inputs=StandardScaler()),
        lambda one: one.update(inputs=np.dtype("float32")),
        lambda one: one.update(inputs=ColumnTransformer([("a", StandardScaler(), ["a"])])),
        lambda one: one.update(target=np.dtype("float32")),
        lambda one: one.update(target={"labels": ["x", "y"]}),
        lambda one: one.update(target={"log1p": False, "mean": "0", "scale": 1.0}),
        lambda one: one.pop("target"),
        lambda one: one.update(ranges=["a"]),
        lambda one: one.update(ranges={"a": ("low", "high")}),
        spoil_scaler,
        spoil_logarithm,
    ],
)
@pytest.mark.parametrize("missing", ["refuse", "impute"])
def test_a_saved_preprocessor_that_does_not_fit_is_refused(tmp_path, spoil, missing):
    study = study_of(
        {"standard_scale": ["a"], "passthrough": ["b"], "log1p": ["b"], "one_hot": ["c"]},
        missing=missing,
    )
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.uniform(size=(40, 3)), columns=["a", "b", "y"])
    table["c"] = ["x", "z"] * 20
    rows = check_table(table, study)
    saved = {0: fit_preprocessor(rows, assign_parts(rows, study), 0, study)}
    dataset = SkopsDataset(filepath=str(tmp_path / "preprocessors.skops"))
    dataset.save(saved)
    loaded = dataset.load()

    assert check_saved(loaded, 0, study) is loaded[0]
    spoil(loaded[0])
    for other in (loaded, np.dtype("float32"), {}, [], loaded[0]):
        with pytest.raises(BadInputError, match="preprocessor of split 0 does not fit the study"):
            check_saved(other, 0, study)
