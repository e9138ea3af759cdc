"""What trainings leave and what is measured of them. Each has a file of JSON: its last form."""

from dataclasses import dataclass, field, fields
from typing import Annotated

import pandas as pd
from pydantic import BeforeValidator

from dropnorm.evaluation.json_form import PREFIX, Json, Result
from dropnorm.findings import Finding
from dropnorm.training.layers import Layer

# A finding, also where it is read: in JSON it stands with what its code means.
FoundJson = Annotated[Finding, BeforeValidator(Finding.read)]


@dataclass(frozen=True)
class ReplicaFacts(Result):
    """What a training says of itself.

    Attributes:
        split: Which split of the rows.
        start: Which random start.
        rows: How many, by part; ``inner`` are training rows that choose and do not train.
        fit_seconds: Of the training alone.
        epochs: How many were trained.
        chosen_epoch: Of which the weights are kept, from 1.
        chosen_by: What chose it: ``last epoch``, or with early stopping ``least inner_loss`` or
            ``least val_loss``.
        diverged_at_epoch: The first epoch whose loss was not finite; None if all were.
        constant: What the best constant reaches on the validation rows: ``val_loss`` and, of
            classes, ``accuracy``.
    """

    split: int
    start: int
    rows: dict[str, int]
    fit_seconds: float
    epochs: int
    chosen_epoch: int
    chosen_by: str
    diverged_at_epoch: int | None
    constant: dict[str, float] = field(metadata={PREFIX: "constant_"})

    @property
    def is_finite(self) -> bool:
        """Whether the training did not diverge."""
        return self.diverged_at_epoch is None


@dataclass(frozen=True)
class VariantTraining(Result):
    """What the trainings of a variant say of themselves: ``training.json``.

    Attributes:
        study: Its title.
        made_up: Whether the table is.
        variant: Name of the variant.
        engine: What Keras computed on.
        trainable_parameters: Numbers that training changes, of one network.
        layers: Of each network, from the input to the outputs.
        replicas: In the order of splits, then starts.
    """

    study: str
    made_up: bool
    variant: str
    engine: str
    trainable_parameters: int
    layers: tuple[Layer, ...]
    replicas: tuple[ReplicaFacts, ...]

    @property
    def finite(self) -> tuple[ReplicaFacts, ...]:
        """The replicas that did not diverge."""
        return tuple(one for one in self.replicas if one.is_finite)


@dataclass(frozen=True)
class ReplicaMetrics(Result):
    """How good one trained network is.

    Attributes:
        split: Which split of the rows.
        start: Which random start.
        min_val_loss: The least of all epochs; None of a training that diverged.
        best_epoch: The epoch that has it, from 1.
        final_loss: Of the last epoch, on the training rows; None if it is not finite.
        final_val_loss: The same of the validation rows.
        validation: Scores of the validation rows, by name, in the target's own terms; None if
            undefined.
        diverged_at_epoch: The first epoch whose loss was not finite; None if all were.
        fit_seconds: Of the training alone.
        failures: What else can be wrong with a training, by its name, and whether it is.
        test: Scores of the test rows, as ``validation``; empty if the study holds none.
    """

    split: int
    start: int
    min_val_loss: float | None
    best_epoch: int | None
    final_loss: float | None
    final_val_loss: float | None
    validation: dict[str, float | None] = field(metadata={PREFIX: "validation_"})
    diverged_at_epoch: int | None
    failures: dict[str, bool] = field(metadata={PREFIX: ""})
    fit_seconds: float
    test: dict[str, float | None] = field(metadata={PREFIX: "test_"}, default_factory=dict)

    @property
    def is_finite(self) -> bool:
        """Whether the training did not diverge."""
        return self.diverged_at_epoch is None


@dataclass(frozen=True)
class VariantMetrics(Result):
    """How good the networks of a variant are: ``metrics.json``.

    Means are over the replicas that stayed finite, and None if none did.

    Attributes:
        study: Its name.
        made_up: Whether the table is.
        variant: Name of the variant.
        engine: What Keras computed on.
        loss: Name of the loss that was trained.
        rows: How many, by part.
        trainable_parameters: Numbers that training changes, of one network.
        min_val_loss: Mean of the least validation losses.
        final_val_loss: Mean of the validation losses of the last epochs.
        constant_val_loss: Mean over all replicas of what the best constant reaches.
        validation: Mean scores of the validation rows, by name.
        committee: Scores of the mean prediction of a split's starts; None with one start each.
        test: Mean scores of the test rows; empty if the study holds none.
        unit: Of the error.
        diverged: How many replicas did.
        failures: What else can be wrong with a training, by its name, and of how many it is.
        findings: What the trainings show that a result must not rest on.
        replicas: In the order of splits, then starts.
        chosen_val_loss: Mean of the validation losses of the epochs whose weights are kept; None
            also in earlier records.
    """

    study: str
    made_up: bool
    variant: str
    engine: str
    loss: str
    rows: dict[str, int]
    trainable_parameters: int
    min_val_loss: float | None
    final_val_loss: float | None
    constant_val_loss: float | None
    validation: dict[str, float | None] = field(metadata={PREFIX: "validation_"})
    committee: dict[str, float | None] | None
    test: dict[str, float | None] = field(metadata={PREFIX: "test_"})
    unit: str
    diverged: int
    failures: dict[str, int] = field(metadata={PREFIX: ""})
    findings: tuple[FoundJson, ...]
    replicas: tuple[ReplicaMetrics, ...]
    chosen_val_loss: float | None = None

    @property
    def finite(self) -> tuple[ReplicaMetrics, ...]:
        """The replicas that did not diverge."""
        return tuple(one for one in self.replicas if one.is_finite)

    def errors(self, score: str, part: str = "validation") -> pd.Series:
        """Return a score of the rows of a part by split and start; nan of what diverged."""
        found = {
            (one.split, one.start): (one.test if part == "test" else one.validation).get(score)
            for one in self.replicas
        }
        return pd.Series(found, dtype=float).rename_axis(["split", "start"])


@dataclass(frozen=True)
class VarianceShift(Result):
    """Mean variance of a batch norm's inputs over the rows.

    Attributes:
        training: With dropout at work.
        inference: Without it.
        shift: Median over the inputs of the second by the first; None if none of them varies.
    """

    training: float
    inference: float
    shift: float | None


@dataclass(frozen=True)
class ScoresOnTest(Result):
    """Scores of the test rows that need the network, of numbers; None where not finite.

    Attributes:
        log_likelihood: Mean log density of a target in nats, with Gaussian noise of the variance
            that the validation rows suggest.
        mc_rmse: RMSE of the mean of drawn predictions (MC dropout); None without dropout.
        mc_log_likelihood: Mean log density under drawn predictions; None without dropout.
    """

    log_likelihood: float | None
    mc_rmse: float | None = None
    mc_log_likelihood: float | None = None


@dataclass(frozen=True)
class Examination(Result):
    """What one trained network looks like from inside.

    Attributes:
        training_loss: Of all training rows, in inference.
        dead_units: By activation, the share of its units that give the same for every row.
        batchnorms: By batch norm that stands behind a layer.
        test: Scores of the test rows; None without a test part, and of classes.
    """

    training_loss: float
    dead_units: dict[str, float]
    batchnorms: dict[str, VarianceShift]
    test: ScoresOnTest | None = None

    def described(self) -> Json:
        """Return the attributes for JSON: without scores of test rows where there are none."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if name != "test" or value}


@dataclass(frozen=True)
class ReplicaExamination(Result):
    """The examination of one network, and which network it is."""

    split: int
    start: int
    found: Examination = field(metadata={PREFIX: ""})


@dataclass(frozen=True)
class VariantExamination(Result):
    """What the networks of a variant look like from inside: ``examination.json``.

    Attributes:
        variant: Name of the variant.
        replicas: Those that stayed finite.
    """

    variant: str
    replicas: tuple[ReplicaExamination, ...]


@dataclass(frozen=True)
class TableFindings(Result):
    """What was found in the table and its split before anything trained: ``findings.json``.

    Attributes:
        study: Its name.
        made_up: Whether the table is.
        silenced: Codes of the checks that are not told.
        findings: In the order of the checks.
    """

    study: str
    made_up: bool
    silenced: tuple[str, ...]
    findings: tuple[FoundJson, ...]


@dataclass(frozen=True)
class SweepPoint(Result):
    """One point of a sweep of a variant.

    Attributes:
        rate: Of its dropout layers, as one value; None without them.
        placement: Of its batch norms; None without them.
        metrics: Of its networks.
    """

    rate: float | str | None
    placement: str | None
    metrics: VariantMetrics


@dataclass(frozen=True)
class VariantOutcome:
    """All of a variant that a study compares, put together; it has no file of its own.

    Attributes:
        training: What the trainings say of themselves.
        metrics: How good the networks are.
        history: Losses by epoch: ``split``, ``start``, ``epoch``, ``loss``, ``val_loss`` and more.
        first_steps: Losses by step of those that diverged: ``split``, ``start``, ``step``,
            ``loss``.
        validation_predictions: Of the validation rows, at the chosen epoch.
        test_predictions: The same of the test rows; empty if the study holds none.
        examination: What the networks look like from inside.
    """

    training: VariantTraining
    metrics: VariantMetrics
    history: pd.DataFrame
    first_steps: pd.DataFrame
    validation_predictions: pd.DataFrame
    test_predictions: pd.DataFrame
    examination: VariantExamination


@dataclass(frozen=True)
class SweptVariant:
    """What a sweep finds of one variant; it has no file of its own.

    Attributes:
        points: In the order of the plan.
        predictions: Of the validation rows, as the study's own are, with a column ``point`` that
            numbers the points from 0.
    """

    points: list[SweepPoint]
    predictions: pd.DataFrame


def of_replica(table: pd.DataFrame, split: int, start: int) -> pd.DataFrame:
    """Return the rows of a history, or of predictions, that belong to one replica."""
    chosen: pd.DataFrame = table.loc[(table["split"] == split) & (table["start"] == start)]
    return chosen
