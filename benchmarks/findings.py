"""How often are findings right? Faults planted in made-up studies, and studies without them.

    KERAS_BACKEND=jax python benchmarks/findings.py                # the seeds that are reported
    KERAS_BACKEND=jax python benchmarks/findings.py --first 1000   # those that thresholds saw

Counts for each finding in how many of 100 studies with its fault it is told, and in how many of 100
without. What depends on a training is trained: two splits of a made-up table, with the nodes that a
run uses.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.inspection.batches import check_batches
from dropnorm.data.inspection.odd_values import check_values
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.evaluation.answers.checks import check_intervals
from dropnorm.evaluation.estimation.contrasts import FOUR
from dropnorm.evaluation.estimation.effects import Evidence, RowLosses, estimate
from dropnorm.evaluation.predictions.coverage import Coverage
from dropnorm.evaluation.results import VariantOutcome
from dropnorm.evaluation.sweeps.sweep_checks import check_edges
from dropnorm.evaluation.sweeps.sweep_points import Point
from dropnorm.evaluation.trainings.network_checks import check_networks
from dropnorm.pipelines.prediction.nodes import _draw
from dropnorm.pipelines.reporting.nodes import measure
from dropnorm.pipelines.training.nodes import VariantTrainer, examine_networks
from dropnorm.study.parsing import parse_study
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dropnorm.study.schema import Study

SPLITS = 2
# What DN019 and DN020 look for.
LEFT, FEW, FEWEST = 0.01, 8, 2
# What DN026 looks for.
SHARP_SPLITS, SHARP_UNITS = 5, 20


def a_study(
    hidden: list[int], *, batch: int, epochs: int, rate: float = 0.3, **others: float
) -> Study:
    """Return a study of a regression on four inputs."""
    return parse_study(
        "made",
        {
            "title": "Made up",
            "target": {"column": "y"},
            "preprocessing": {"passthrough": ["a", "b", "c", "d"]},
            "split": {"method": "random"},
            "replicas": {"splits": SPLITS},
            "network": {
                "hidden": hidden,
                "dropout": {"rate": rate},
                "batchnorm": {"momentum": others.get("momentum", 0.99)},
            },
            "training": {"batch_size": batch, "epochs": epochs, "learning_rate": 0.003},
        },
    )


def a_table(seed: int, trained: int, held: int, noise: float) -> list[SplitInputs]:
    """Make up a table and split it twice: a smooth function of three inputs, and noise."""
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(trained + held, 4)).astype(np.float32)
    y = np.sin(2 * x[:, 0]) + x[:, 1] * np.abs(x[:, 2]) + noise * chance.normal(size=len(x))
    found = []
    for split in range(SPLITS):
        order = chance.permutation(len(x))
        parts = (
            Part(rows, x[rows], y[rows].astype(np.float32))
            for rows in (order[:trained], order[trained:])
        )
        found.append(SplitInputs(split, *parts))
    return found


def outcomes_of(
    inputs: list[SplitInputs], study: Study, names: Sequence[str] = ("baseline", "dropout")
) -> dict[str, VariantOutcome]:
    """Train and examine networks, by default the one without layers and that with dropout."""
    found = {}
    for name in names:
        trained = VariantTrainer(name).train(inputs, study)
        examination = examine_networks(trained.models, inputs, trained.training, study)
        predicted = (trained.validation_predictions, trained.test_predictions)
        metrics = measure(trained.history, *predicted, trained.training, study)
        found[name] = VariantOutcome(
            trained.training, metrics, trained.history, trained.first_steps, *predicted, examination
        )
    return found


# A network that is too small to overfit, on many rows; and one that learns few rows by heart.
NOT_OVERFITTING = {"trained": 2000, "held": 1000, "noise": 0.5}
OVERFITTING = {"trained": 60, "held": 60, "noise": 0.5}
SMALL = a_study([8, 8], batch=100, epochs=20)
DROPPED = a_study([32, 32], batch=100, epochs=20, rate=0.5)
LARGE = a_study([64, 64], batch=20, epochs=80, rate=0.1)


def of_overfitting(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN021 on networks that are too small to overfit, and on large ones with few rows."""
    counts = {True: 0, False: 0}
    helped = {True: 0, False: 0}
    for planted, study, table in ((True, SMALL, NOT_OVERFITTING), (False, LARGE, OVERFITTING)):
        for seed in range(first, first + studies):
            found = outcomes_of(a_table(seed, **table), study)
            counts[planted] += "DN021" in codes_of(found, study)
            errors = [found[name].metrics.validation["mae"] or 0 for name in found]
            helped[planted] += errors[1] < errors[0]
    told = f"dropout lowered the error in {helped[True]} with the fault, {helped[False]} without"
    yield "DN021", counts[True], counts[False], told


def of_losses(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN022 on networks with much dropout, and on large ones with little and few rows."""
    counts = {True: 0, False: 0}
    for planted, study, table in ((True, DROPPED, NOT_OVERFITTING), (False, LARGE, OVERFITTING)):
        for seed in range(first, first + studies):
            found = outcomes_of(a_table(seed, **table), study, ["dropout"])
            counts[planted] += "DN022" in codes_of(found, study)
    yield "DN022", counts[True], counts[False], ""


def of_predictions(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN025 on tables with an input of one held row in another unit, and on tables without.

    The target follows that input, so that a prediction follows it far out.
    """
    study = a_study([16], batch=50, epochs=20)
    counts = {True: 0, False: 0}
    for seed in range(first, first + studies):
        for planted in counts:
            inputs = a_table(seed, 200, 100, 0.5)
            if planted:
                inputs[0].validation.x[0] *= (1, 1000, 1, 1)
            found = outcomes_of(inputs, study, ["baseline"])
            counts[planted] += "DN025" in codes_of(found, study)
    yield "DN025", counts[True], counts[False], ""


def codes_of(found: dict[str, VariantOutcome], study: Study) -> set[str]:
    """Return the codes of what is found."""
    return {one.code.code for one in check_networks(found, study)}


def of_draws(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN024: intervals of networks on noisy targets, and the same targets drawn anew."""
    study = a_study([16], batch=50, epochs=20)
    counts = {True: 0, False: 0}
    for seed in range(first, first + studies):
        inputs = a_table(seed, 200, 200, 0.5)
        trained = VariantTrainer("dropout").train(inputs, study)
        held = {True: 0, False: 0}
        for one, network in zip(inputs, trained.models.values(), strict=True):
            drawn = _draw(network, one.validation.x, 200)[..., 0]
            low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
            # Targets that one more draw makes are what the interval is right about.
            as_drawn = _draw(network, one.validation.x, 1)[0, :, 0]
            for planted, targets in ((True, one.validation.y), (False, as_drawn)):
                held[planted] += int(((low <= targets) & (targets <= high)).sum())
        rows = sum(len(one.validation.y) for one in inputs)
        for planted, count in held.items():
            counts[planted] += Coverage(count, rows, len(inputs)).finding() is not None
    yield "DN024", counts[True], counts[False], ""


def of_batches(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN019 and DN020 on drawn sizes, against batches and statistics gone through by hand."""
    named = {("DN019", True): [], ("DN019", False): [], ("DN020", True): [], ("DN020", False): []}
    seed = first
    while min(map(len, named.values())) < studies:
        chance = np.random.default_rng(seed)
        seed += 1
        rows, size = int(chance.integers(20, 400)), int(chance.integers(2, 80))
        epochs, momentum = int(chance.integers(1, 60)), float(chance.choice([0.9, 0.99, 0.999]))
        batches = [len(one) for one in np.split(np.arange(rows), range(size, rows, size))]
        left = 1.0
        for _ in range(epochs * len(batches)):
            left = left * momentum
        truth = {"DN019": left > LEFT, "DN020": min(batches) <= FEWEST or max(batches) < FEW}
        study = a_study([8], batch=size, epochs=epochs, momentum=momentum)
        codes = {one.code.code for one in check_batches([rows], study)}
        for code, planted in truth.items():
            named[code, planted].append(code in codes)
    for code in ("DN019", "DN020"):
        found = [sum(named[code, planted][:studies]) for planted in (True, False)]
        yield code, found[0], found[1], ""


def of_values(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN027 and DN028 on drawn columns, with marks of missing values or second spellings."""
    study = a_study([8], batch=50, epochs=1)
    of_words = study.preprocessing.model_copy(update={"passthrough": (), "one_hot": ("word",)})
    study = study.model_copy(update={"preprocessing": of_words})
    counts = {("DN027", True): 0, ("DN027", False): 0, ("DN028", True): 0, ("DN028", False): 0}
    for seed in range(first, first + studies):
        chance = np.random.default_rng(seed)
        rows = int(chance.integers(50, 1000))
        kinds = [
            chance.normal(0, 1, rows),
            chance.lognormal(0, chance.uniform(0.2, 1.5), rows),
            chance.poisson(chance.uniform(1, 200), rows).astype(float),
            chance.integers(0, 90, rows).astype(float),
        ]
        plain = kinds[int(chance.integers(len(kinds)))]
        marked, unmarked = plain.copy(), plain
        below = chance.random() < 1 / 2 and plain.min() >= 0
        nines = [float("9" * digits) for digits in range(1, 7)]
        beyond = next(one for one in nines if one > plain.max())
        mark = -float(chance.choice(nines[1:4])) if below else beyond
        marked[chance.choice(rows, int(chance.integers(2, rows // 10 + 1)), replace=False)] = mark
        words = np.array(["yes", "no", "north east", "A", "b", "Café"])[chance.integers(0, 6, rows)]
        second = {"yes": "Yes", "no": "NO", "north east": "north  east", "Café": "Cafe\u0301"}
        old = str(chance.choice(list(second)))
        spelt = np.where((words == old) & (chance.random(rows) < 1 / 5), second[old], words)
        for planted, numbers, names in ((True, marked, spelt), (False, unmarked, words)):
            table = pd.DataFrame({"y": numbers, "word": names})
            named = {one.code.code for one in check_values(table, study)}
            for code in ("DN027", "DN028"):
                counts[code, planted] += code in named
    for code in ("DN027", "DN028"):
        yield code, counts[code, True], counts[code, False], ""


def of_sweeps(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN023 on made-up errors over five splits, with the least beyond the edge or not."""
    rates = (0.0, 0.1, 0.2, 0.3, 0.5)
    points = [Point(Variant.DROPOUT, rate) for rate in rates]
    counts = {True: 0, False: 0}
    for planted in counts:
        for seed in range(first, first + studies):
            chance = np.random.default_rng(seed)
            # A parabola: the least lies beyond 0.5, or from 0.1 to 0.35, or there is none.
            best = chance.uniform(0.7, 0.9) if planted else chance.uniform(0.1, 0.35)
            depth = chance.uniform(5, 20) if planted else chance.choice([0.0, 5.0, 20.0])
            of_split = chance.normal(0, 1, 5)
            errors = {
                point.name: 10
                + depth * ((point.rate or 0) - best) ** 2
                + of_split
                + chance.normal(0, 0.1, 5)
                for point in points
            }
            index = pd.MultiIndex.from_product([range(5), [0]], names=["split", "start"])
            evidence = Evidence(pd.DataFrame(errors, index=index), 3 / 7, root=False)
            lost = dict.fromkeys(errors, 0)
            counts[planted] += bool(list(check_edges(points, evidence, lost)))
    yield "DN023", counts[True], counts[False], ""


def of_bases(first: int, studies: int) -> Iterable[tuple[str, int, int, str]]:
    """Count DN026 on drawn numbers of splits and groups, against those counted by hand."""
    names = [variant.value for variant in Variant]
    study = a_study([8], batch=50, epochs=1)
    named: dict[bool, list[bool]] = {True: [], False: []}
    seed = first
    while min(map(len, named.values())) < studies:
        chance = np.random.default_rng(seed)
        seed += 1
        splits, groups = int(chance.integers(2, 9)), int(chance.integers(5, 60))
        of_row = chance.integers(0, groups, 200)
        held = [np.sort(chance.choice(200, 60, replace=False)) for _ in range(splits)]
        losses = [{name: chance.gamma(2, 1, 60) for name in names} for _ in range(splits)]
        evidence = Evidence(
            pd.DataFrame(
                [{name: float(of[name].mean()) for name in names} for of in losses],
                index=pd.MultiIndex.from_product([range(splits), [0]], names=["split", "start"]),
            ),
            60 / 140,
            root=False,
            rows={
                number: RowLosses(of, of_row[rows], rows)
                for number, (of, rows) in enumerate(zip(losses, held, strict=True))
            },
        )
        counted = len(set(of_row[np.concatenate(held)]))
        effects = estimate(evidence, dict.fromkeys(names, 0), 0.0, FOUR)
        found = check_intervals(effects, FOUR, evidence, study)
        named[splits < SHARP_SPLITS or counted < SHARP_UNITS].append(bool(found))
    counts = [sum(named[planted][:studies]) for planted in (True, False)]
    yield "DN026", counts[0], counts[1], ""


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--studies", type=int, default=100, help="with the fault, and without")
    asked = parser.parse_args()
    print("| finding | told with its fault | told without | |\n|---|---|---|---|")
    parts: list[Callable[[int, int], Iterable[tuple[str, int, int, str]]]]
    parts = [
        of_batches,
        of_values,
        of_sweeps,
        of_bases,
        of_losses,
        of_draws,
        of_overfitting,
        of_predictions,
    ]
    for part in parts:
        began = time.monotonic()
        for code, right, wrong, told in part(asked.first, asked.studies):
            print(
                f"| {code} | {right} of {asked.studies} | {wrong} of {asked.studies} | {told} |",
                flush=True,
            )
        print(f"{part.__name__}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
