"""Convert the columns of a table to the arrays that networks take."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

from dropnorm.data.inner_rows import choosing_rows
from dropnorm.data.splits import TEST, TRAIN, VALIDATION, rows_of
from dropnorm.errors import BadInputError
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import FittedTarget, TargetScale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from sklearn.compose import ColumnTransformer

    from dropnorm.study.schema import Study
    from dropnorm.study.training import Training

# Rows to transform at a time, which limits memory: scikit-learn computes in float64.
_ROWS_AT_ONCE = 100_000


class Preprocessor(TypedDict):
    """What was fitted to the training rows of one split, in a form that can be saved.

    Attributes:
        inputs: Transformer from input columns to inputs.
        target: Fields of a :class:`dropnorm.tasks.targets.FittedTarget`.
        ranges: Least and largest value of each column of numbers, and of a target that is an
            amount; earlier versions of this project did not save them.
    """

    inputs: ColumnTransformer
    target: dict[str, Any]
    ranges: NotRequired[dict[str, tuple[float, float]]]


@dataclass(frozen=True)
class Part:
    """The rows of one part of one split, ready for a network.

    Attributes:
        rows: Row numbers in the table, shape (n,).
        x: Inputs, shape (n, inputs), dense float32.
        y: Targets in training units, shape (n,), float32.
    """

    rows: npt.NDArray[np.int64]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Part:
        """Return the rows for which ``chosen``, shape (n,), is true."""
        return Part(self.rows[chosen], self.x[chosen], self.y[chosen])


@dataclass(frozen=True)
class SplitInputs:
    """One split, ready for a network.

    Attributes:
        split: Number of the split, from 0.
        train: Training part.
        validation: Validation part.
        test: Test part, which is scored once at the end; ``None`` if there is none.
        target: Conversion between the target's own values and training units.
        choosing: Whether each training row is set aside by models that choose an epoch, a
            learning rate or options inside the training rows; ``None`` if no model does.
        inner: The rows that :attr:`divided` has set aside; ``None`` if all training rows train.
    """

    split: int
    train: Part
    validation: Part
    test: Part | None = None
    target: FittedTarget = field(default_factory=TargetScale)
    choosing: npt.NDArray[np.bool_] | None = None
    inner: Part | None = None

    @cached_property
    def divided(self) -> SplitInputs:
        """The same split without the choosing rows among the training rows, always one object.

        Raises:
            ValueError: If no rows were drawn to choose.
        """
        if self.choosing is None:
            raise ValueError("no training rows were drawn to choose")
        train = self.train.where(~self.choosing)
        return replace(self, train=train, inner=self.train.where(self.choosing), choosing=None)

    def as_seen_by(self, training: Training) -> SplitInputs:
        """Return the split for a network: divided if it sets rows aside, or unchanged."""
        return self.divided if "training" in training.looked_at else self

    @cached_property
    def checksum(self) -> str:
        """Checksum of the training and validation parts, and of the rows that choose."""
        import joblib  # noqa: PLC0415  # takes long

        parts = (self.train, self.validation, *([self.inner] if self.inner else []))
        return str(joblib.hash([array for part in parts for array in (part.x, part.y)]))

    def __deepcopy__(self, memo: dict[int, Any]) -> SplitInputs:
        # Kedro copies data between nodes. Nodes do not change their inputs, and memory may not
        # suffice for a second copy of a large table.
        return self


def check_saved(saved: object, number: int, study: Study) -> Preprocessor:
    """Return the saved preprocessor of one split if it fits the study.

    Args:
        saved: Preprocessors by split, as loaded from a file that may hold anything.
        number: Number of the split.
        study: Study whose preprocessing and target the preprocessor must have.

    Raises:
        BadInputError: If the preprocessor does not fit the study.
    """
    # This imports scikit-learn, which most users of this module do not need.
    from dropnorm.data.transformers import make_preprocessor  # noqa: PLC0415

    wanted = make_preprocessor(study.preprocessing, 1, impute=study.missing == "impute")
    try:
        one: Preprocessor = saved[number]  # type: ignore[index]  # errors are caught below
        fits = _outline(one["inputs"]) == _outline(wanted)
        # Fitted values can be checked only by using them, on a row with any values.
        row: dict[str, list[Any]] = {name: [0.0] for name in study.preprocessing.numbers}
        row |= {name: [""] for name in study.preprocessing.categories}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown categories
            inputs = one["inputs"].transform(pd.DataFrame(row)[list(study.preprocessing.columns)])
        target = task_of(study).restore_target(one["target"])
        shape = target.invert(np.zeros((1, target.outputs))).shape
        named = len(one["inputs"].get_feature_names_out()) == np.shape(inputs)[1]
        ranges = all(float(low) <= float(high) for low, high in one.get("ranges", {}).values())
        fits = fits and named and ranges and shape == (1, len(target.suffixes))
    except (LookupError, TypeError, AttributeError, ValueError):
        fits = False
    if not fits:
        raise BadInputError(
            f"the preprocessor of split {number} does not fit the study: its steps or their columns"
            " differ; use another version, or run the study again"
        )
    return one


def _outline(preprocessor: ColumnTransformer) -> list[tuple[Any, ...]]:
    """Return the name, transformer types and columns of each step."""
    outline = []
    for name, transformer, columns in preprocessor.transformers:
        steps = getattr(transformer, "steps", None) or [("", transformer)]
        types = [step if isinstance(step, str) else type(step) for _, step in steps]
        logarithms = [getattr(step, "func", None) for _, step in steps]
        outline.append((name, types, logarithms, list(columns)))
    return outline


def fit_preprocessor(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study
) -> Preprocessor:
    """Fit the study's preprocessor to the training rows of one split.

    Args:
        rows: Checked rows.
        split: Parts of the rows.
        number: Number of the split.
        study: Study with the preprocessing and the target.

    Raises:
        BadInputError: If the target is constant or a column is missing in all training rows.
    """
    from dropnorm.data.transformers import make_preprocessor  # noqa: PLC0415

    train = rows.loc[rows_of(split, number, TRAIN)]
    inputs = train[list(study.preprocessing.columns)]
    missing = inputs.columns[inputs.isna().all()]
    if len(missing):
        raise BadInputError(
            f"split {number}: column '{missing[0]}' is missing in all {len(train)} training rows,"
            " so it cannot be imputed; leave it out of the study"
        )
    preprocessor = make_preprocessor(
        study.preprocessing, len(train), impute=study.missing == "impute"
    )
    target = task_of(study).fit_target(train[study.target.column], number, study)
    amounts = [] if study.class_column else [study.target.column]
    ranges = {
        column: (float(train[column].min()), float(train[column].max()))
        for column in [*study.preprocessing.numbers, *amounts]
    }
    return Preprocessor(inputs=preprocessor.fit(inputs), target=target.fields(), ranges=ranges)


def fit_preprocessors(
    rows: pd.DataFrame, split: pd.DataFrame, study: Study
) -> dict[int, Preprocessor]:
    """Fit one preprocessor per split with :func:`fit_preprocessor`."""
    return {
        number: fit_preprocessor(rows, split, number, study)
        for number in range(study.replicas.splits)
    }


def make_all_inputs(
    rows: pd.DataFrame,
    split: pd.DataFrame,
    preprocessors: dict[int, Preprocessor],
    study: Study,
) -> list[SplitInputs]:
    """Convert the parts of each split to arrays with :func:`make_split_inputs`.

    If a network or a reference model of the study chooses something inside the training rows, the
    rows that choose are drawn too.

    Raises:
        BadInputError: As :func:`make_split_inputs`, and if the training rows cannot be divided.
    """
    return [
        replace(
            make_split_inputs(rows, split, number, preprocessor, study),
            choosing=choosing_rows(rows, split, number, study),
        )
        for number, preprocessor in preprocessors.items()
    ]


def make_split_inputs(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, preprocessor: Preprocessor, study: Study
) -> SplitInputs:
    """Convert the parts of one split to arrays.

    Args:
        rows: Checked rows.
        split: Parts of the rows.
        number: Number of the split.
        preprocessor: Preprocessor of the split.
        study: Study with the preprocessing and the target.

    Raises:
        BadInputError: If a scaled value is too large for float32, or a part has a class without
            training rows.
    """
    target = task_of(study).restore_target(preprocessor["target"])

    def part(name: str) -> Part:
        chosen = rows_of(split, number, name)
        table = rows.loc[chosen]
        try:
            learnt = target.apply(table[study.target.column])
        except BadInputError as error:
            raise BadInputError(f"split {number}, {name} part: {error}") from error
        y = _as_float32(learnt[:, np.newaxis], [study.target.column])
        return Part(chosen, make_inputs(table, preprocessor, study), y[:, 0])

    held = bool(len(rows_of(split, number, TEST)))
    return SplitInputs(number, part(TRAIN), part(VALIDATION), part(TEST) if held else None, target)


def make_inputs(
    rows: pd.DataFrame, preprocessor: Preprocessor, study: Study
) -> npt.NDArray[np.float32]:
    """Convert checked rows to inputs, shape (rows, inputs), dense float32 and finite.

    Raises:
        BadInputError: If a scaled value is too large for float32.
    """
    transformer = preprocessor["inputs"]
    names = transformer.get_feature_names_out()
    columns = rows[list(study.preprocessing.columns)]
    inputs = np.empty((len(rows), len(names)), dtype=np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        chunk = slice(first, first + _ROWS_AT_ONCE)
        # _as_float32 reports overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            inputs[chunk] = _as_float32(np.asarray(transformer.transform(columns[chunk])), names)
    return inputs


def _as_float32(
    values: npt.NDArray[Any], names: Sequence[str] | npt.NDArray[Any]
) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(values, dtype=np.float32)
    finite = np.isfinite(converted).all(axis=0)
    if not finite.all():
        raise BadInputError(
            f"column '{names[int(np.argmin(finite))]}' has a scaled value that is too large for"
            " float32; correct the table, or scale the column in another way"
        )
    return converted
