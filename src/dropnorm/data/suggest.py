"""From a look at a table to a study of it: every choice with its reason."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dropnorm.data.column_kinds import INPUTS, Kind, counted, skewness
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.data.column_kinds import Column
    from dropnorm.data.profile import Inspection

_SPLITS = 5
_STARTS = 1
# Shares of rows, and of groups.
_TRAIN = {"random": 0.7, "grouped": 0.75}
# An entity to keep together needs about so many values for each part.
_FEWEST_GROUPS = 20
# Training rows up to which a network of this size is taken, from the smallest.
_HIDDEN = ((300, [32, 16]), (3000, [64, 32]), (30000, [128, 64]), (math.inf, [256, 128]))
_BATCHES = 16  # steps of an epoch that are aimed at
_BATCH_SIZES = (8, 512)
_STEPS = 3000  # of a whole training that are aimed at
# And of one that tells classes: as many as there are training rows, within these.
_STEPS_OF_CLASSES = (500, _STEPS)
_EPOCHS = (20, 200)
# From this skewness and this ratio of the largest to the median, a target's logarithm is learnt.
_SKEWED = 2.0
_TIMES_MEDIAN = 20
# A target without negative values has a median this far above 0, or a ratio says nothing.
_RARE = 0.01
# Share of the rows at one value from which the absolute error is least for that value alone.
_AT_ONE_VALUE = 0.5
_INDICATED = 0.05
# Measured: seconds of a training step, and what each weight adds for each row of its batch, of the
# networks above on TensorFlow 2.21, two cores of an EPYC; seconds of building a network; and of
# what a run does before and after its trainings.
_SECONDS_PER_STEP = 0.0005
_SECONDS_PER_WEIGHT = 2.5e-10
_SECONDS_PER_TRAINING = 0.2
_SECONDS_PER_RUN = 28.0


@dataclass(frozen=True)
class Choice:
    """One option of a study.

    Attributes:
        value: As YAML holds it.
        why: The reason, in a line.
    """

    value: Any
    why: str


_LOSSES = {
    "regression": Choice(
        "mae", "mean absolute error, which a few far-off rows do not rule; or mse"
    ),
    "classification": Choice("cross_entropy", "least for the true probabilities of the classes"),
}


@dataclass(frozen=True)
class Proposal:
    """A study of a table, each choice with its reason.

    Attributes:
        title: Name in plots.
        task: What the target is for.
        target: The column.
        scale: Of the target; None where it has none.
        missing: What happens to rows with missing values.
        lists: Columns by what is done to them, each with what it holds.
        rare: Share below which categories are folded; None without categories.
        fills: Options of ``preprocessing.impute``; empty unless ``missing`` is ``impute``.
        left_out: Columns that are no inputs.
        split: Method and its options.
        replicas: Splits and starts.
        hidden: Units of the hidden layers.
        batch_size: Rows of a step.
        loss: What is minimized.
        metrics: What else is told by epoch; None where it is nothing.
        epochs: Of each training.
        seconds: About how long a run takes.
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
        """Return what a study's YAML says, without the reasons."""
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


def propose_study(name: str, look: Inspection, *, told_task: bool = False) -> Proposal:
    """Choose a study for a table.

    Args:
        name: Of the study.
        look: At the table.
        told_task: Whether the task was asked for, so that nothing is ambiguous.
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
        title=name.replace("_", " ").capitalize(),
        task=_task(look, told_task),
        target=_target(look, told_task),
        scale=_scale(look) if regression else None,
        missing=_missing(look, inputs),
        lists=lists,
        rare=Choice(0.01, "categories that fewer of the training rows have count as one")
        if "one_hot" in lists
        else None,
        fills=_fills(look, inputs),
        left_out=[column for column in look.columns if column.kind not in (*INPUTS, Kind.TARGET)],
        split=split,
        replicas={
            "splits": Choice(_SPLITS, "each draws other rows; the spread over them is the error"),
            "starts": Choice(_STARTS, "random starts in each split"),
        },
        hidden=hidden,
        loss=_loss(look),
        metrics=None if regression else Choice(["accuracy"], "share of the rows that are right"),
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


def _task(look: Inspection, told_task: bool) -> Choice:
    if told_task:
        return Choice(look.task, "as --task asks")
    if look.ambiguous_target:
        return Choice(look.task, "few numbers: --task classification takes them for classes")
    if look.numbered_classes:
        return Choice(look.task, "two whole numbers: --task regression takes them for amounts")
    what = "numbers" if look.task == "regression" else "names of classes"
    return Choice(look.task, f"the target's values are {what}")


def _target(look: Inspection, told_task: bool) -> Choice:
    (column,) = look.of_kind(Kind.TARGET)
    if look.task == "classification":
        return Choice(column.name, f"{column.distinct} classes: {column.why}")
    if look.ambiguous_target and not told_task:
        return Choice(
            column.name,
            f"{column.distinct} distinct numbers, {column.why}: an amount or a class? Taken as an"
            " amount, that is for regression",
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
            f"the largest is {numbers.max() / median:.0f} times the median; results come back in"
            " the target's own units",
        )
    why = (
        "to mean 0 and standard deviation 1, so that any unit is learnt alike; results come back"
        " in the target's own"
    )
    if numbers.min() >= 0 and median == 0 and skewness(numbers) > _SKEWED and _are_whole(numbers):
        why += "; log1p may suit this skewed count better"
    return Choice("standardize", why)


def _are_whole(numbers: pd.Series) -> bool:
    return bool((numbers == numbers.round()).all())


def _loss(look: Inspection) -> Choice:
    """Choose what is minimized.

    Of a target that is one value in more than half of the rows, the absolute error is least where
    every prediction is that value: the squared error is proposed instead.
    """
    if look.task == "regression":
        counts = look.target.value_counts(normalize=True)
        if counts.iloc[0] > _AT_ONE_VALUE:
            return Choice(
                "mse",
                f"the target is {counts.index[0]:g} in {counts.iloc[0]:.0%} of the rows: with mae a"
                " network can do well by always saying that; mse asks for the mean",
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
        count = f"gaps in {len(gaps)} of {len(inputs)} inputs"
        return Choice("impute", f"{count} are filled in as 'impute' below says{left_out}")
    if left_out:
        return Choice("drop", f"no input has gaps{left_out}")
    return Choice("refuse", "nothing is missing; a table with gaps would be refused")


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
    why = f"{counted(len(many), 'column')} of numbers with gaps in 5 % or more, which may tell"
    return {
        "numbers": Choice("median", "of the training rows"),
        "categories": Choice("missing", "a category of its own"),
        "indicator": Choice(bool(many), why if many else "few numbers are missing"),
    }


def _split(look: Inspection) -> dict[str, Choice]:
    groups = look.of_kind(Kind.GROUP)
    if groups:
        chosen = {
            "method": Choice("grouped", "as --groups asks"),
            "by": Choice(groups[0].name, groups[0].why),
            "train_fraction": Choice(_TRAIN["grouped"], "of the groups; the rest validates"),
        }
    else:
        together = _together(look)
        rest = "of what stands together; the rest validates" if together else "the rest validates"
        drawn = "rows are drawn at random"
        if look.task == "classification":
            drawn += ", of each class the same share"
        chosen = {
            "method": Choice("random", drawn),
            "train_fraction": Choice(_TRAIN["random"], rest),
            **together,
        }
    return {
        **chosen,
        "test_fraction": Choice(0.0, "0.15 would hold rows that are scored once, at the end"),
        "seed": Choice(0, "of split 0; split k takes k more"),
    }


def _together(look: Inspection) -> dict[str, Choice]:
    """Choose what keeps a network from recognising rows: entities, else rows that are alike."""
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
                f"{column.distinct} distinct: rows of one in both parts would be recognised",
            )
        }
    if look.identical:
        return {
            "identical_rows": Choice(
                True,
                f"{look.identical} rows have the inputs of another; they stand in one part",
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
    """Choose how long to train: a number of steps, in whole epochs.

    Classes get about one step per training row, from 500 steps to 3000: a network that has learnt
    all rows of a small table goes on to be surer of itself, and the log loss rises.
    """
    aimed, why = _STEPS, ""
    if look.task == "classification":
        fewest, most = _STEPS_OF_CLASSES
        aimed = min(max(train_rows, fewest), most)
        if aimed < most:
            why = f" for {train_rows} training rows, few because the log loss soon rises again"
    fewest, most = _EPOCHS
    epochs = min(max(round(aimed / steps), fewest), most)
    told = f"{epochs * steps} steps{why}; look at the learning curves, and change it"
    return Choice(epochs, told)
