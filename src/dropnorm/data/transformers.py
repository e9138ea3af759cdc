"""Build a study's preprocessor from scikit-learn's transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from dropnorm.data.piecewise_linear import PiecewiseLinearEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropnorm.study.preprocessing import Impute, Preprocessing

# scikit-learn's default; fewer with fewer rows.
_QUANTILES = 1000


def make_preprocessor(
    preprocessing: Preprocessing, rows: int, *, impute: bool
) -> ColumnTransformer:
    """Return the study's preprocessor, not fitted.

    Each list of columns becomes a step of that name, and its columns with a logarithm another one.

    Args:
        preprocessing: The study's options.
        rows: Number of training rows.
        impute: Whether to impute missing values.
    """
    fill = preprocessing.impute
    steps: list[tuple[str, Any, list[str]]] = []
    scalers = {
        "standard_scale": StandardScaler(),
        "min_max_scale": MinMaxScaler(),
        "robust_scale": RobustScaler(),
        "quantile_scale": QuantileTransformer(
            n_quantiles=min(_QUANTILES, rows), output_distribution="normal", random_state=0
        ),
        "piecewise_linear": PiecewiseLinearEncoder(preprocessing.bins),
    }
    numbers = [_numbers_imputer(fill)] if impute else []
    for name, scaler in scalers.items():
        steps += _number_steps(name, getattr(preprocessing, name), numbers, [scaler], preprocessing)
    names = [_categories_imputer(fill)] if impute else []
    ordered = [column for column in preprocessing.ordinal if column in preprocessing.order]
    in_order = [list(preprocessing.order[column]) for column in ordered]
    steps += [
        ("one_hot", _chain(*names, _one_hot(preprocessing)), list(preprocessing.one_hot)),
        (
            "ordinal",
            _chain(*names, _ordinal("auto")),
            [column for column in preprocessing.ordinal if column not in ordered],
        ),
        ("ordered", _chain(*names, _ordinal(in_order)), ordered),
    ]
    steps += _number_steps("passthrough", preprocessing.passthrough, numbers, [], preprocessing)
    if impute and fill.indicator:
        steps.append(("missing", MissingIndicator(error_on_new=False), list(preprocessing.numbers)))
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0.0)


def _number_steps(
    name: str,
    columns: Sequence[str],
    first: list[Any],
    last: list[Any],
    preprocessing: Preprocessing,
) -> list[tuple[str, Any, list[str]]]:
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    plain = [column for column in columns if column not in preprocessing.log1p]
    logged = [column for column in columns if column in preprocessing.log1p]
    return [
        (name, _chain(*first, *last), plain),
        (f"log1p_{name}", _chain(*first, logarithm, *last), logged),
    ]


def _chain(*transformers: Any) -> Any:
    if len(transformers) > 1:
        return make_pipeline(*transformers)
    return transformers[0] if transformers else "passthrough"


def _numbers_imputer(fill: Impute) -> SimpleImputer:
    if isinstance(fill.numbers, str):
        return SimpleImputer(strategy=fill.numbers)
    return SimpleImputer(strategy="constant", fill_value=fill.numbers)


def _categories_imputer(fill: Impute) -> SimpleImputer:
    if fill.categories == "most_frequent":
        return SimpleImputer(strategy="most_frequent")
    return SimpleImputer(strategy="constant", fill_value=fill.categories)


def _one_hot(preprocessing: Preprocessing) -> OneHotEncoder:
    rare = preprocessing.rare_categories
    limit = rare.min_share if rare.min_count is None else rare.min_count
    # A category without training rows is encoded as zeros.
    unknown = "ignore" if limit is None else "infrequent_if_exist"
    return OneHotEncoder(handle_unknown=unknown, min_frequency=limit, sparse_output=False)


def _ordinal(categories: Any) -> OrdinalEncoder:
    return OrdinalEncoder(
        categories=categories, handle_unknown="use_encoded_value", unknown_value=-1
    )
