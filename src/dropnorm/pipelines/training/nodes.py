"""From arrays to trained networks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from dropnorm.data.ahead import computed
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.evaluation.references import reference_models
from dropnorm.evaluation.results import (
    ReplicaExamination,
    ReplicaFacts,
    VariantExamination,
    VariantTraining,
)
from dropnorm.evaluation.trainings import network_diagnostics
from dropnorm.evaluation.trainings.measures import tabulate_predictions
from dropnorm.study.arms import arm_of
from dropnorm.study.schema import Study
from dropnorm.study.training import INNER_LOSS, Training, losses_among
from dropnorm.tasks.registry import task_of
from dropnorm.training import progress
from dropnorm.training.backend import engine_name
from dropnorm.training.execution import HERE, Execution
from dropnorm.training.job import Job
from dropnorm.training.networks import KerasModel, plan_layers, trainable_parameters
from dropnorm.training.parallel import train_jobs
from dropnorm.training.trainer import TrainedReplica, predict_rows, trained_network


class TrainedVariant(NamedTuple):
    """What the trainings of one variant leave, all replicas together.

    Attributes:
        models: Trained networks by name, ``split_0-start_0`` and so on.
        history: Columns ``split``, ``start``, ``epoch`` (from 1), ``loss``, ``val_loss``, the
            study's metrics, and ``inner_loss`` if training rows are set aside to choose; in the
            units of the training.
        validation_predictions: Columns ``split``, ``start``, ``row``, ``target`` and the
            predictions at the chosen epoch, in the target's own terms.
        test_predictions: The same of the test part, which nothing else has looked at; without rows
            if the study holds none.
        first_steps: Columns ``split``, ``start``, ``step``, ``loss`` of the trainings that
            diverged.
        training: What the trainings say of themselves.
    """

    models: dict[str, KerasModel]
    history: pd.DataFrame
    validation_predictions: pd.DataFrame
    test_predictions: pd.DataFrame
    first_steps: pd.DataFrame
    training: VariantTraining


@dataclass(frozen=True)
class VariantTrainer:
    """What trains one variant.

    A node is the method of one: Kedro, kedro-viz and other processes know its name and its source,
    which a ``functools.partial`` hides.

    Attributes:
        name: Of one of the networks that the study compares.
    """

    name: str

    def train(
        self, inputs: list[SplitInputs], study: Study, execution: Execution = HERE
    ) -> TrainedVariant:
        """Train all replicas of the variant: every split, every random start."""
        jobs = self.plan(inputs, study)
        return put_together(self.name, jobs, train_jobs(jobs, teller(self.name, jobs), execution))

    def plan(self, inputs: list[SplitInputs], study: Study) -> list[Job]:
        """Return what is trained, in the order of splits, then starts."""
        arm = arm_of(study, self.name)
        replicas = [(split, start) for split in inputs for start in range(study.replicas.starts)]
        return [
            Job(arm.study, arm.variant, split.as_seen_by(arm.study.training), start)
            for split, start in replicas
        ]


def put_together(
    name: str, jobs: Sequence[Job], trained: Iterable[TrainedReplica]
) -> TrainedVariant:
    """Put the trainings of one network together, each of which may have options of its own.

    Args:
        name: Of the network.
        jobs: What was trained, in the order of splits, then starts.
        trained: What each left.
    """
    replicas = list(zip(jobs, trained, strict=True))
    models = {
        _replica_name(job.inputs.split, job.start): trained_network(*job, one)
        for job, one in replicas
    }
    study, variant, inputs, _ = jobs[0]
    target = inputs.target
    return TrainedVariant(
        models=models,
        history=_stack(jobs, (one.history for _, one in replicas)),
        validation_predictions=_stack(
            jobs,
            (
                tabulate_predictions(job.inputs, job.inputs.validation, one.outputs)
                for job, one in replicas
            ),
        ),
        test_predictions=_stack(
            jobs,
            (
                _test_predictions(job.inputs, model)
                for job, model in zip(jobs, models.values(), strict=True)
            ),
        ),
        first_steps=_stack(jobs, (one.first_steps for _, one in replicas)),
        training=VariantTraining(
            study=study.title,
            made_up=study.made_up,
            variant=name,
            engine=engine_name(),
            trainable_parameters=trainable_parameters(next(iter(models.values()))),
            layers=tuple(plan_layers(study.network, variant, target.outputs, target.activation)),
            replicas=tuple(_facts(job, one) for job, one in replicas),
        ),
    )


def predict_references(
    inputs: list[SplitInputs], study: Study, execution: Execution = HERE
) -> pd.DataFrame:
    """Fit the reference models to every split and predict its validation rows, and test rows."""
    # From the last: where a thread has begun them from the first, both compute until they meet.
    found = [
        computed(reference_models.predict_references, split, study, execution.memory)
        for split in reversed(inputs)
    ]
    return pd.concat(found[::-1], ignore_index=True)


def examine_networks(
    models: dict[str, KerasModel],
    inputs: list[SplitInputs],
    training: VariantTraining,
    study: Study,
) -> VariantExamination:
    """Look into the trained networks of a variant: dead units, variances, loss in inference.

    Replicas that diverged hold no finite numbers, and are left out; the others say which they are.
    """
    splits = {one.split: one for one in inputs}
    study = arm_of(study, training.variant).study
    return VariantExamination(
        variant=training.variant,
        replicas=tuple(
            ReplicaExamination(
                one.split,
                one.start,
                network_diagnostics.examine_network(
                    models[_replica_name(one.split, one.start)],
                    splits[one.split].as_seen_by(study.training),
                    study,
                ),
            )
            for one in training.replicas
            if one.is_finite
        ),
    )


def _replica_name(split: int, start: int) -> str:
    return f"split_{split}-start_{start}"


def teller(
    name: str, jobs: Sequence[Job], *, each: bool = True
) -> Callable[[int, dict[str, float]], None]:
    """Return what tells the progress of trainings under the name of their network.

    Args:
        name: Of the network.
        jobs: What is trained.
        each: Whether the end of every training is told, where nothing is drawn.
    """

    def tell(place: int, row: dict[str, float]) -> None:
        study, _, split, start = jobs[place]
        ended = "loss" in row  # else the row tells how far it is
        diverged = ended and not np.isfinite([row[name] for name in losses_among(row)]).all()
        epoch, epochs = row["epoch"], study.training.epochs
        progress.tell(
            progress.Epoch(
                study=study.label,
                variant=name,
                replica=place + 1,
                replicas=len(jobs),
                split=split.split,
                start=start,
                epoch=epoch,
                epochs=epochs,
                loss=row.get("loss"),
                val_loss=row.get("val_loss"),
                last=each and (epoch == epochs or (diverged and study.training.stop_when_diverged)),
            )
        )

    return tell


def _test_predictions(split: SplitInputs, model: KerasModel) -> pd.DataFrame:
    if split.test is None:
        held = split.validation
        nothing = Part(held.rows[:0], held.x[:0], held.y[:0])
        return tabulate_predictions(split, nothing, np.empty((0, split.target.outputs)))
    return tabulate_predictions(split, split.test, predict_rows(model, split.test.x))


def _facts(job: Job, trained: TrainedReplica) -> ReplicaFacts:
    study, _, split, start = job
    task = task_of(study)
    known = [split.train.y] if split.inner is None else [split.train.y, split.inner.y]
    constant = task.constant(np.concatenate(known), split.target, study)
    parts = {
        "train": split.train,
        "inner": split.inner,
        "validation": split.validation,
        "test": split.test,
    }
    return ReplicaFacts(
        split=split.split,
        start=start,
        rows={name: len(part.rows) for name, part in parts.items() if part is not None},
        fit_seconds=round(trained.fit_seconds, 3),
        epochs=len(trained.history),
        chosen_epoch=trained.chosen_epoch,
        chosen_by=_chosen_by(study.training, trained),
        diverged_at_epoch=trained.diverged_at_epoch,
        constant=task.constant_facts(split.validation.y, constant, study),
    )


def _chosen_by(training: Training, trained: TrainedReplica) -> str:
    """Say what chose the epoch: a diverged training has no best one."""
    stopping = training.early_stopping
    if stopping is None or trained.diverged_at_epoch is not None:
        return "last epoch"
    return f"least {INNER_LOSS if stopping.rows == 'training' else 'val_loss'}"


def _stack(jobs: Sequence[Job], tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    stacked = []
    for job, table in zip(jobs, tables, strict=True):
        stacked.append(table.copy())
        stacked[-1].insert(0, "split", job.inputs.split)
        stacked[-1].insert(1, "start", job.start)
    return pd.concat(stacked, ignore_index=True)
