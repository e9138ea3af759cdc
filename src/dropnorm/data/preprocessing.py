"""From columns of a table to the arrays that networks take."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pandas as pd

from dropnorm.data.splits import TEST, TRAIN, VALIDATION, rows_of
from dropnorm.errors import BadInputError
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import FittedTarget, TargetScale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from sklearn.compose import ColumnTransformer

    from dropnorm.study.schema import Study

# Rows turned into inputs at a time: bounds memory, since scikit-learn computes in float64.
_ROWS_AT_ONCE = 100_000


class Preprocessor(TypedDict):
    """What was fitted to the training rows of one split: plain objects, to be saved.

    Attributes:
        inputs: Turns a table's input columns into inputs.
        target: The fields of a :class:`dropnorm.tasks.targets.FittedTarget`.
    """

    inputs: ColumnTransformer
    target: dict[str, Any]


@dataclass(frozen=True)
class Part:
    """The rows of one part of one split, ready for a network.

    Attributes:
        rows: Which rows of the table, shape (n,).
        x: Inputs, shape (n, inputs), dense float32.
        y: What networks learn of the target, shape (n,), float32.
    """

    rows: npt.NDArray[np.int64]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SplitInputs:
    """One split, ready for a network.

    Attributes:
        split: Its number, from 0.
        train: The part that trains.
        validation: The part that validates.
        test: The part that is scored once, at the end; None if the split holds none.
        target: Leads from what networks learn and put out back to the target's own terms.
    """

    split: int
    train: Part
    validation: Part
    test: Part | None = None
    target: FittedTarget = field(default_factory=TargetScale)

    @cached_property
    def checksum(self) -> str:
        """Checksum of what trains a network and validates it, computed once."""
        import joblib  # noqa: PLC0415  # takes long

        parts = (self.train, self.validation)
        return str(joblib.hash([array for part in parts for array in (part.x, part.y)]))

    def __deepcopy__(self, memo: dict[int, Any]) -> SplitInputs:
        # Kedro copies what passes from node to node in memory; nodes change no input, and of large
        # tables there is no room for a second copy.
        return self


def check_saved(saved: object, number: int, study: Study) -> Preprocessor:
    """Return what was saved of one split if it is what this study's runs save.

    Args:
        saved: By split, as it was loaded, whatever it is.
        number: Of the split.
        study: Says what is done to which columns, and what the target is.

    Raises:
        BadInputError: If it is something else, though of types that are read.
    """
    # Imports scikit-learn: not for who only names what is here.
    from dropnorm.data.transformers import make_preprocessor  # noqa: PLC0415

    wanted = make_preprocessor(study.preprocessing, 1, impute=study.missing == "impute")
    try:
        one: Preprocessor = saved[number]  # type: ignore[index]  # what cannot be is told below
        as_planned = _outline(one["inputs"]) == _outline(wanted)
        # What is inside shows when it is used: on a row of any values, and on outputs.
        row: dict[str, list[Any]] = {name: [0.0] for name in study.preprocessing.numbers}
        row |= {name: [""] for name in study.preprocessing.categories}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the values are unknown
            inputs = one["inputs"].transform(pd.DataFrame(row)[list(study.preprocessing.columns)])
        target = task_of(study).restore_target(one["target"])
        shape = target.invert(np.zeros((1, target.outputs))).shape
        named = len(one["inputs"].get_feature_names_out()) == np.shape(inputs)[1]
        as_planned = as_planned and named and shape == (1, len(target.suffixes))
    except (LookupError, TypeError, AttributeError, ValueError):
        as_planned = False
    if not as_planned:
        raise BadInputError(
            f"the preprocessor of split {number} is not one that this study saves: its steps or"
            " their columns are others; take another version, or run the study again"
        )
    return one


def _outline(preprocessor: ColumnTransformer) -> list[tuple[Any, ...]]:
    """Return the steps, each with its name, its transformers' types and its columns."""
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
    """Fit the study's preprocessor on the training rows of one split, and on nothing else.

    Raises:
        BadInputError: If the training rows give nothing to fit: the target is constant there, or a
            column is missing in all of them.
    """
    from dropnorm.data.transformers import make_preprocessor  # noqa: PLC0415

    train = rows.loc[rows_of(split, number, TRAIN)]
    inputs = train[list(study.preprocessing.columns)]
    missing = inputs.columns[inputs.isna().all()]
    if len(missing):
        raise BadInputError(
            f"split {number}: column '{missing[0]}' is missing in all {len(train)} training rows,"
            " so that there is nothing to impute from; leave it out of the study"
        )
    preprocessor = make_preprocessor(
        study.preprocessing, len(train), impute=study.missing == "impute"
    )
    target = task_of(study).fit_target(train[study.target.column], number, study)
    return Preprocessor(inputs=preprocessor.fit(inputs), target=target.fields())


def fit_preprocessors(
    rows: pd.DataFrame, split: pd.DataFrame, study: Study
) -> dict[int, Preprocessor]:
    """Fit one preprocessor per split, as :func:`fit_preprocessor` does."""
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
    """Turn the parts of each split into arrays, as :func:`make_split_inputs` does."""
    return [
        make_split_inputs(rows, split, number, preprocessor, study)
        for number, preprocessor in preprocessors.items()
    ]


def make_split_inputs(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, preprocessor: Preprocessor, study: Study
) -> SplitInputs:
    """Turn the parts of one split into arrays.

    Raises:
        BadInputError: If a scaled value is too large for float32, or if a part has a class that no
            training row has.
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
    """Turn checked rows into inputs, shape (rows, inputs), dense float32 and finite.

    Raises:
        BadInputError: If a scaled value is too large for float32.
    """
    transformer = preprocessor["inputs"]
    names = transformer.get_feature_names_out()
    columns = rows[list(study.preprocessing.columns)]
    inputs = np.empty((len(rows), len(names)), dtype=np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        chunk = slice(first, first + _ROWS_AT_ONCE)
        # What overflows is told by name.
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
            f"column '{names[int(np.argmin(finite))]}', as it is scaled, has a value that is too"
            " large for float32; mend the table, or scale the column in another way"
        )
    return converted
