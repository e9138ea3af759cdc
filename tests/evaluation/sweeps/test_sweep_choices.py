from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.evaluation.sweeps import sweep_choices
from dropnorm.study.variants import Variant
from made_results import measured, some_metrics

ROWS = 40


def studied(splits: int = 5, starts: int = 1, **changes: object):
    return read_study("concrete", replicas__splits=splits, replicas__starts=starts, **changes)


def made_up(
    study, errors: dict[Variant, list[float]], spread: float = 0.01, lost=(), failed=0, seed=0
):
    """Metrics and predictions of points with these errors, each split a little off."""
    chance = np.random.default_rng(seed)
    options = study.replicas
    replicas = [(k, r) for k in range(options.splits) for r in range(options.starts)]
    of_replica = {replica: chance.normal(0, 1.0) for replica in replicas}
    metrics, predictions = {}, {}
    for variant in Variant:
        metrics[variant], tables = [], []
        for number, error in enumerate(errors[variant]):
            gone = (variant, number) in lost
            found = [
                measured(
                    split,
                    start,
                    mae=None
                    if gone
                    else error + of_replica[split, start] + chance.normal(0, spread),
                    diverged_at_epoch=1 if gone else None,
                )
                for split, start in replicas
            ]
            metrics[variant].append(some_metrics(*found, failures={"collapsed": failed}))
            tables += [
                pd.DataFrame(
                    {
                        "split": split,
                        "start": start,
                        "row": range(ROWS),
                        "target": 0.0,
                        "prediction": error + chance.normal(0, spread, ROWS),
                        "point": number,
                    }
                )
                for split, start in replicas
            ]
        predictions[variant] = pd.concat(tables, ignore_index=True)
    split = pd.DataFrame(
        [
            {"split": k, "row": row, "part": "validation" if row < ROWS else "train"}
            for k in range(options.splits)
            for row in range(4 * ROWS)
        ]
    )
    return sweep_choices.find_choices(metrics, predictions, split, study)


def standings(found, variant: str) -> list[str]:
    return [one.standing for one in found.points if one.variant == variant]


def test_the_best_choice_is_named_and_a_worse_one_is_worse_by_its_paired_difference():
    study = studied(sweep={"dropout": [0.0, 0.1, 0.5]})

    found = made_up(
        study,
        {"baseline": [5], "dropout": [5, 4, 6], "batchnorm": [4], "dropout_batchnorm": [4, 4, 4]},
    )

    assert standings(found, "dropout") == ["worse", "least error", "worse"]
    worst = found.points[3]
    assert worst.difference == pytest.approx(2, abs=0.05)
    assert worst.low < 2 < worst.high
    # Splits differ by 1 and more, pairs by 0.01: it is the pairing that tells.
    assert worst.high - worst.low < 0.2
    assert found.sentences["dropout"].startswith(
        "Dropout, which rate: the choice matters. Rate 0.1 has the least error, "
    )
    assert "Worse: rate 0 by 1" in found.sentences["dropout"]
    assert set(found.sentences) == {"dropout", "dropout_batchnorm"}


def test_a_best_choice_that_learnt_nothing_is_not_named_without_saying_so():
    study = studied(sweep={"dropout": [0.0, 0.1]})
    same = {"baseline": [5], "dropout": [5, 6], "batchnorm": [5], "dropout_batchnorm": [5, 6]}

    good, some, none = (made_up(study, same, failed=failed) for failed in (0, 2, 5))

    assert "constant" not in good.sentences["dropout"]
    assert (
        ", and a loss no better than that of a constant in 2 of 5 runs. Worse:"
        in some.sentences["dropout"]
    )
    assert "constant in all 5 runs. Worse:" in none.sentences["dropout"]
    assert [one.failed for one in none.points] == [5] * 6


def test_differences_that_chance_explains_do_not_matter():
    study = studied(sweep={"dropout": [0.0, 0.1, 0.5]})
    same = {"baseline": [5], "dropout": [5, 5, 5], "batchnorm": [5], "dropout_batchnorm": [5] * 3}

    found = made_up(study, same, spread=1.0)

    assert standings(found, "dropout").count("not shown to be worse") == 2
    assert "the choice is not shown to matter" in found.sentences["dropout"]


def test_differences_below_the_margin_are_practically_none():
    study = studied(sweep={"dropout": [0.0, 0.1]}, margin=0.5)

    found = made_up(
        study, {"baseline": [5], "dropout": [5, 5.1], "batchnorm": [5], "dropout_batchnorm": [5, 5]}
    )

    assert standings(found, "dropout") == ["least error", "practically the same"]


def test_a_choice_that_diverges_is_told_and_is_never_the_best():
    study = studied(sweep={"dropout": [0.0, 0.1]})
    errors = {"baseline": [5], "dropout": [5, 1], "batchnorm": [5], "dropout_batchnorm": [5, 5]}
    every = [(Variant.DROPOUT_BATCHNORM, 0), (Variant.DROPOUT_BATCHNORM, 1)]

    found = made_up(study, errors, lost=[(Variant.DROPOUT, 1), *every])

    assert standings(found, "dropout") == ["least error", "diverged"]
    assert "the choice matters" in found.sentences["dropout"]
    assert "Diverged: rate 0.1" in found.sentences["dropout"]
    assert "diverged with every choice" in found.sentences["dropout_batchnorm"]
    assert standings(found, "dropout_batchnorm") == ["diverged", "diverged"]


def test_one_run_of_each_gives_no_verdict():
    study = studied(splits=1, sweep={"dropout": [0.0, 0.1]})

    found = made_up(
        study, {"baseline": [5], "dropout": [5, 4], "batchnorm": [5], "dropout_batchnorm": [5, 4]}
    )

    assert found.sentences["dropout"].endswith("in the one run of each; no verdict.")
    assert [one.low for one in found.points] == [None] * 6


def test_a_false_alarm_is_rare_although_the_best_is_picked_by_the_same_runs():
    study = studied(splits=4, sweep={"dropout": [0.0, 0.1, 0.2, 0.3]})
    same = {"baseline": [5], "dropout": [5] * 4, "batchnorm": [5], "dropout_batchnorm": [5] * 4}

    alarms = sum(
        "worse" in standings(made_up(study, same, spread=1.0, seed=seed), "dropout")
        for seed in range(20)
    )

    assert alarms <= 3  # 5 % of 20 are 1


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([5.0, 4.0, 3.0], "0.5, the largest; at 0.3 the error is 33 % larger"),
        ([3.0, 4.0, 5.0], "0.1, the smallest; at 0.3 the error is 33 % larger"),
        ([4.0, 3.0, 5.0], ""),
    ],
)
def test_a_best_rate_at_the_edge_is_told_with_its_neighbour(errors, told):
    study = studied(sweep={"dropout": [0.1, 0.3, 0.5]})

    choices = made_up(study, dict(zip(Variant, ([5.0], errors, [5.0], [5.0] * 3), strict=True)))

    words = [(one.code.code, one.where, one.found) for one in choices.findings]
    assert [one for one in words if one[1] == "dropout"] == (
        [("DN023", "dropout", told)] if told else []
    )


def test_no_rate_below_zero_is_asked_for_and_no_difference_that_chance_makes():
    study = studied(sweep={"dropout": [0.0, 0.3, 0.5]})
    of_none = made_up(study, dict(zip(Variant, ([5.0], [3.0, 4.0, 5.0], [5.0], [5.0] * 3),
                                      strict=True)))  # fmt: skip
    of_chance = made_up(study, dict(zip(Variant, ([5.0], [5.0, 5.0, 4.99], [5.0], [5.0] * 3),
                                        strict=True)), spread=0.5)  # fmt: skip

    assert of_none.findings == ()
    assert [one.where for one in of_chance.findings] == []
