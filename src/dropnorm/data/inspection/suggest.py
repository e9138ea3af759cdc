"""From a look at a table to a study of it: every choice with its reason."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dropnorm.data.inspection.column_kinds import INPUTS, Kind, counted, skewness
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.data.inspection.column_kinds import Column
    from dropnorm.data.inspection.profile import Inspection

_SPLITS = 5
_STARTS = 1
# Shares of rows, and of groups.
_TRAIN = {"random": 0.7, "grouped": 0.75}
# The fewest entities that rows can be kept together by.
_FEWEST_GROUPS = 20
# The most training rows for each network size.
_HIDDEN = ((300, [32, 16]), (3000, [64, 32]), (30000, [128, 64]), (math.inf, [256, 128]))
_BATCHES = 16  # aimed steps of an epoch
_BATCH_SIZES = (8, 512)
_STEPS = 3000  # aimed steps of a training
# Range of the aimed steps of a classification, one per training row.
_STEPS_OF_CLASSES = (500, _STEPS)
_EPOCHS = (20, 200)
# Skewness and ratio of the largest value to the median from which the target gets a logarithm.
_SKEWED = 2.0
_TIMES_MEDIAN = 20
# With a smaller median, that ratio is not meaningful.
_RARE = 0.01
# Share of one value above which predicting that value alone minimizes the absolute error.
_AT_ONE_VALUE = 0.5
_INDICATED = 0.05
# Measured with the networks above on TensorFlow 2.21 and two cores of an EPYC: seconds of a step,
# of each weight and row in it, of building a network, and of a run without its trainings.
_SECONDS_PER_STEP = 0.0005
_SECONDS_PER_WEIGHT = 2.5e-10
_SECONDS_PER_TRAINING = 0.2
_SECONDS_PER_RUN = 28.0


@dataclass(frozen=True)
class Choice:
    """A proposed option of a study.

    Attributes:
        value: Value in the YAML.
        why: Reason, in a line.
    """

    value: Any
    why: str


_LOSSES = {
    "regression": Choice("mae", "mean absolute error, which is robust to a few outliers; or mse"),
    "classification": Choice("cross_entropy", "lowest for the true probabilities of the classes"),
}


@dataclass(frozen=True)
class Proposal:
    """A proposed study of a table, with a reason for each choice.

    Attributes:
        title: Name in plots.
        task: Regression or classification.
        target: Column to predict.
        scale: Scale of the target; ``None`` for classes.
        missing: Treatment of rows with missing values.
        lists: Input columns by preprocessing, each with a summary of its values.
        rare: Share below which categories are merged; ``None`` without categories.
        fills: Options of ``preprocessing.impute``; empty unless ``missing`` is ``impute``.
        left_out: Columns that are not inputs.
        split: Method of the split and its options.
        replicas: Numbers of splits and starts.
        hidden: Units of the hidden layers.
        loss: Training loss.
        metrics: Further columns of the history; ``None`` if there are none.
        batch_size: Rows of a training step.
        epochs: Epochs of each training.
        seconds: Estimated duration of a run.
    """

    title: str
    task: Choice
    target: Choice
    scale: Choice | None
    missing: Choice
    lists: dict[str, list[Choice]]
    rare: Choice | None
    fills: dict[str, Choice]
    left_out: list[Column]
    split: dict[str, Choice]
    replicas: dict[str, Choice]
    hidden: Choice
    loss: Choice
    metrics: Choice | None
    batch_size: Choice
    epochs: Choice
    seconds: float

    def options(self) -> dict[str, Any]:
        """Return the options of the study's YAML, without the reasons."""
        preprocessing: dict[str, Any] = {
            name: [column.value for column in columns] for name, columns in self.lists.items()
        }
        if self.rare is not None:
            preprocessing["rare_categories"] = {"min_share": self.rare.value}
        if self.fills:
            preprocessing["impute"] = {name: fill.value for name, fill in self.fills.items()}
        target = {"column": self.target.value}
        if self.scale is not None:
            target |= {"unit": "", "scale": self.scale.value}
        metrics = {} if self.metrics is None else {"metrics": self.metrics.value}
        return {
            "title": self.title,
            "task": self.task.value,
            "target": target,
            "missing": self.missing.value,
            "preprocessing": preprocessing,
            "split": {name: choice.value for name, choice in self.split.items()},
            "replicas": {name: choice.value for name, choice in self.replicas.items()},
            "network": {
                "hidden": self.hidden.value,
                "activation": "relu",
                "dropout": {"rate": 0.3, "order": "before_batchnorm"},
                "batchnorm": {"placement": "after_hidden"},
            },
            "training": {
                "optimizer": "adam",
                "learning_rate": 0.001,
                "loss": self.loss.value,
                **metrics,
                "batch_size": self.batch_size.value,
                "epochs": self.epochs.value,
                "seed": 0,
            },
        }


def propose_study(name: str, look: Inspection, *, task_given: bool = False) -> Proposal:
    """Propose a study for a table.

    Args:
        name: Name of the study.
        look: Profile of the table.
        task_given: Whether the user chose the task, so that it is not ambiguous.
    """
    regression = look.task == "regression"
    inputs = look.of_kind(*INPUTS)
    lists = _lists(inputs)
    split = _split(look)
    train_rows = max(1, round(look.rows * split["train_fraction"].value))
    batch_size = _batch_size(train_rows)
    steps = math.ceil(train_rows / batch_size.value)
    epochs = _epochs(steps, train_rows, look)
    hidden = _hidden(train_rows)
    return Proposal(
        title=(name[:1].upper() + name[1:]).replace("_", " "),
        task=_task(look, task_given),
        target=_target(look, task_given),
        scale=_scale(look) if regression else None,
        missing=_missing(look, inputs),
        lists=lists,
        rare=Choice(0.01, "categories with a smaller share of the training rows are merged")
        if "one_hot" in lists
        else None,
        fills=_fills(look, inputs),
        left_out=[column for column in look.columns if column.kind not in (*INPUTS, Kind.TARGET)],
        split=split,
        replicas={
            "splits": Choice(_SPLITS, "each draws other rows; their spread gives the uncertainty"),
            "starts": Choice(_STARTS, "random starts in each split"),
        },
        hidden=hidden,
        loss=_loss(look),
        metrics=None if regression else Choice(["accuracy"], "share of correct predictions"),
        batch_size=batch_size,
        epochs=epochs,
        seconds=_SECONDS_PER_RUN
        + _SPLITS
        * _STARTS
        * len(Variant)
        * _training_seconds(epochs.value * steps, batch_size.value, len(inputs), hidden.value),
    )


def _training_seconds(steps: int, batch: int, inputs: int, hidden: list[int]) -> float:
    weights = sum(one * other for one, other in itertools.pairwise([inputs, *hidden, 1]))
    per_step = _SECONDS_PER_STEP + _SECONDS_PER_WEIGHT * weights * batch
    return _SECONDS_PER_TRAINING + steps * per_step


def _task(look: Inspection, task_given: bool) -> Choice:
    if task_given:
        return Choice(look.task, "set by --task")
    if look.ambiguous_target:
        return Choice(look.task, "few numbers; if they are classes, use --task classification")
    if look.numbered_classes:
        return Choice(look.task, "two whole numbers; if they are amounts, use --task regression")
    what = "numbers" if look.task == "regression" else "classes"
    return Choice(look.task, f"the target's values are {what}")


def _target(look: Inspection, task_given: bool) -> Choice:
    (column,) = look.of_kind(Kind.TARGET)
    if look.task == "classification":
        return Choice(column.name, f"{column.distinct} classes: {column.why}")
    if look.ambiguous_target and not task_given:
        return Choice(
            column.name,
            f"{column.distinct} distinct numbers, {column.why}, which may be amounts or classes;"
            " read as amounts",
        )
    return Choice(column.name, f"{column.distinct} distinct numbers, {column.why}")


def _scale(look: Inspection) -> Choice:
    numbers = look.target
    median = numbers.median()
    if (
        numbers.min() >= 0
        and median > _RARE
        and skewness(numbers) > _SKEWED
        and numbers.max() > _TIMES_MEDIAN * median
    ):
        return Choice(
            "log1p",
            f"the largest is {numbers.max() / median:.0f} times the median; results are in the"
            " target's own units",
        )
    why = (
        "to mean 0 and standard deviation 1, so that training does not depend on the unit; results"
        " are in the target's own units"
    )
    if numbers.min() >= 0 and median == 0 and skewness(numbers) > _SKEWED and _are_whole(numbers):
        why += "; log1p may suit this skewed count better"
    return Choice("standardize", why)


def _are_whole(numbers: pd.Series) -> bool:
    return bool((numbers == numbers.round()).all())


def _loss(look: Inspection) -> Choice:
    """Choose the training loss.

    If more than half of the targets are one value, predicting that value everywhere minimizes the
    absolute error, so the squared error is proposed.
    """
    if look.task == "regression":
        counts = look.target.value_counts(normalize=True)
        if counts.iloc[0] > _AT_ONE_VALUE:
            return Choice(
                "mse",
                f"the target is {counts.index[0]:g} in {counts.iloc[0]:.0%} of the rows: with mae a"
                " network may learn to predict only that; mse predicts the mean",
            )
    return _LOSSES[look.task]


def _missing(look: Inspection, inputs: list[Column]) -> Choice:
    gaps = [column for column in inputs if column.missing]
    left_out = (
        f"; {counted(look.without_target, 'row')} without a target or a group left out"
        if look.without_target
        else ""
    )
    if gaps:
        count = f"{len(gaps)} of {len(inputs)} inputs have missing values"
        return Choice("impute", f"{count}, which 'impute' below fills in{left_out}")
    if left_out:
        return Choice("drop", f"no input has missing values{left_out}")
    return Choice("refuse", "no values are missing; a table with missing values is refused")


def _lists(inputs: list[Column]) -> dict[str, list[Choice]]:
    lists = {
        "standard_scale": [column for column in inputs if column.kind == Kind.NUMBER],
        "log1p": [column for column in inputs if column.log1p],
        "one_hot": [column for column in inputs if column.kind == Kind.CATEGORY],
        "passthrough": [column for column in inputs if column.kind == Kind.ZERO_ONE],
    }
    return {
        name: [Choice(column.name, column.why) for column in columns]
        for name, columns in lists.items()
        if columns
    }


def _fills(look: Inspection, inputs: list[Column]) -> dict[str, Choice]:
    gaps = [column for column in inputs if column.missing]
    if not gaps:
        return {}
    many = [
        column
        for column in gaps
        if column.kind != Kind.CATEGORY and column.missing >= _INDICATED * look.rows
    ]
    columns = counted(len(many), "number column")
    why = f"{columns} with 5 % or more missing values, which may be relevant"
    return {
        "numbers": Choice("median", "median of the training rows"),
        "categories": Choice("missing", "a separate category"),
        "indicator": Choice(bool(many), why if many else "few numbers are missing"),
    }


def _split(look: Inspection) -> dict[str, Choice]:
    groups = look.of_kind(Kind.GROUP)
    if groups:
        chosen = {
            "method": Choice("grouped", "set by --groups"),
            "by": Choice(groups[0].name, groups[0].why),
            "train_fraction": Choice(_TRAIN["grouped"], "of the groups; the rest validate"),
        }
    else:
        together = _together(look)
        rest = f"of the {'groups' if together else 'rows'}; the rest validate"
        drawn = "rows are drawn at random"
        if look.task == "classification":
            drawn += ", with the same share of each class"
        chosen = {
            "method": Choice("random", drawn),
            "train_fraction": Choice(_TRAIN["random"], rest),
            **together,
        }
    return {
        **chosen,
        "test_fraction": Choice(0.0, "0.15 would reserve rows that are scored once, at the end"),
        "seed": Choice(0, "of split 0; split k uses seed + k"),
    }


def _together(look: Inspection) -> dict[str, Choice]:
    """Choose which rows to keep together: those of an entity, or else those with equal inputs."""
    entities = [
        column
        for column in look.of_kind(Kind.ENTITY)
        if column.repeats and not column.missing and column.distinct >= _FEWEST_GROUPS
    ]
    if entities:
        column = min(entities, key=lambda column: column.distinct)
        return {
            "keep_together": Choice(
                [column.name],
                f"{column.distinct} distinct; rows of one in both parts would leak the target",
            )
        }
    if look.identical:
        return {
            "identical_rows": Choice(
                True,
                f"{look.identical} rows have the inputs of another and are kept in one part",
            )
        }
    return {}


def _hidden(train_rows: int) -> Choice:
    units = next(units for most, units in _HIDDEN if train_rows <= most)
    return Choice(units, f"units of each hidden layer, for {train_rows} training rows")


def _batch_size(train_rows: int) -> Choice:
    smallest, largest = _BATCH_SIZES
    size = 2 ** round(math.log2(max(train_rows / _BATCHES, 1)))
    size = min(max(size, smallest), largest)
    return Choice(size, f"{math.ceil(train_rows / size)} steps an epoch")


def _epochs(steps: int, train_rows: int, look: Inspection) -> Choice:
    """Choose the epochs for an aimed number of steps.

    A classification gets about one step per training row, from 500 to 3000. With more steps, a
    network on a small table becomes overconfident and the log loss rises.
    """
    aimed, why = _STEPS, ""
    if look.task == "classification":
        fewest, most = _STEPS_OF_CLASSES
        aimed = min(max(train_rows, fewest), most)
        if aimed < most:
            why = f" for {train_rows} training rows, because more would raise the log loss"
    fewest, most = _EPOCHS
    epochs = min(max(round(aimed / steps), fewest), most)
    return Choice(
        epochs,
        f"{epochs * steps} steps{why}; adjust it to the learning curves, or let early_stopping:"
        " {patience: 20} end a training",
    )
