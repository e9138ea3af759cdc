from __future__ import annotations

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from dropnorm.evaluation.results import TableFindings
from dropnorm.pipelines.reporting import create_pipeline, nodes
from dropnorm.tasks.targets import TargetScale
from handful import (
    ERRORS,
    PROVENANCE,
    SPLIT,
    STUDY,
    an_outcome,
    history,
    predictions,
    references,
    some_outcomes,
)
from made_results import a_training, some_facts, some_metrics
from small_trainings import a_study

OUTCOMES = some_outcomes()
NO_STEPS = history().head(0)
TARGETS = {split: {"target": TargetScale().fields()} for split in (0, 1)}
NO_FINDINGS = TableFindings("concrete", False, (), ())


@pytest.fixture(scope="module")
def effects():
    return nodes.estimate_effects(SPLIT, references(), STUDY, PROVENANCE, **OUTCOMES)


@pytest.fixture(scope="module")
def diagnostics():
    return nodes.compare_diagnostics(STUDY, TARGETS, **OUTCOMES)


def test_measure_scores_each_replica_and_takes_their_mean():
    predicted = predictions(4.0)
    training = a_training(*(some_facts(split, epochs=2, chosen_epoch=2) for split in (0, 1)))

    found = nodes.measure(history(), predicted, predicted.head(0), training, STUDY)

    assert found.validation["mae"] == pytest.approx(4, abs=0.1)
    assert [one.best_epoch for one in found.replicas] == [2, 2]
    assert found.test == {}


def test_measure_leaves_out_of_the_means_what_diverged():
    losses = history()
    losses.loc[1, "val_loss"] = np.nan
    predicted = predictions(4.0)
    training = a_training(
        some_facts(0, diverged_at_epoch=2), some_facts(1, epochs=2, chosen_epoch=2)
    )

    found = nodes.measure(losses, predicted, predicted.head(0), training, STUDY)

    assert found.diverged == 1
    assert found.final_val_loss == 10.0


def test_plot_learning_curves_draws_one_panel_where_nothing_diverged():
    figure = nodes.plot_learning_curves(history(), NO_STEPS, some_metrics(), STUDY)

    assert isinstance(figure, Figure)
    assert len(figure.axes) == 1
    assert figure.axes[0].get_title(loc="left").endswith(" (optimistic)")


def test_gather_outcome_puts_together_what_is_compared():
    one = OUTCOMES["dropout"]

    gathered = nodes.gather_outcome(
        one.training,
        one.metrics,
        one.history,
        one.first_steps,
        one.validation_predictions,
        one.test_predictions,
        one.examination,
        "plot",
    )

    assert vars(gathered).keys() == vars(one).keys()
    assert all(value is getattr(one, name) for name, value in vars(gathered).items())


def test_compare_has_a_row_for_each_variant_however_many_there_are():
    assert nodes.compare(STUDY, **OUTCOMES)["variant"].tolist() == list(ERRORS)
    two = {"baseline": OUTCOMES["baseline"], "small": an_outcome("small", 2.5)}
    assert len(nodes.compare(STUDY, **two)) == 2


def test_plot_comparison_names_every_network_that_the_study_compares():
    study = a_study(compare={"baseline": {}, "small": {"network": {"hidden": [2]}}})
    outcomes = {"baseline": OUTCOMES["baseline"], "small": an_outcome("small", 2.5)}

    figure = nodes.plot_comparison(nodes.compare(study, **outcomes), study, **outcomes)

    rows = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert rows == ["small", "baseline"]


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ("training", "● last   ○ best (optimistic) epoch"),
        ("validation", "● last, ○ best epoch: optimistic"),
    ],
)
def test_plot_comparison_says_which_scores_are_optimistic(rows, title):
    study = a_study(training__early_stopping={"rows": rows})

    figure = nodes.plot_comparison(nodes.compare(study, **OUTCOMES), study, **OUTCOMES)

    assert figure.axes[1].get_title(loc="left") == title


def test_the_report_of_other_networks_is_made_of_their_outcomes_alone():
    study = a_study(
        replicas__splits=2, network__hidden=[4], against="small",
        compare={"baseline": {}, "small": {"network": {"hidden": [2]}}, "dropout": {}},
    )  # fmt: skip
    outcomes = {"baseline": OUTCOMES["baseline"], "small": an_outcome("small", 2.5),
                "dropout": OUTCOMES["dropout"]}  # fmt: skip
    given = {
        "params:study": study, "params:run": PROVENANCE, "split": SPLIT, "findings": NO_FINDINGS,
        "reference_predictions": references(), "preprocessors": TARGETS,
    } | {f"{name}_outcome": one for name, one in outcomes.items()}  # fmt: skip
    catalog = DataCatalog({name: MemoryDataset(one) for name, one in given.items()})

    SequentialRunner().run(create_pipeline(list(outcomes)).to_outputs("report"), catalog)

    found = catalog.load("report")
    assert found["effects"]["baseline"]["difference"] == pytest.approx(1.5, abs=0.1)
    assert found["effects"]["dropout"]["difference"] == pytest.approx(0.5, abs=0.1)
    assert {one["reached_baseline"] for one in found["diagnostics"].values()} == {2}
    page = nodes.write_report(study, found, TARGETS, **outcomes)
    assert "against &#39;small&#39;" in page


def test_estimate_effects_finds_by_how_much_the_errors_differ(effects):
    found = effects["effects"]

    assert found["dropout"]["difference"] == pytest.approx(-1, abs=0.1)
    assert found["batchnorm"]["difference"] == pytest.approx(-2, abs=0.1)


def test_plot_effects_shows_errors_and_differences(effects):
    assert len(nodes.plot_effects(effects).axes) == 2


def test_compare_diagnostics_puts_gap_and_dead_units_side_by_side(diagnostics):
    assert diagnostics["variant"].tolist() == list(ERRORS)
    assert diagnostics["gap"].tolist() == [2.0] * 4
    assert diagnostics["dead_units"].tolist() == [0.25] * 4


def test_plot_diagnostics_draws_gap_shift_and_dead_units(diagnostics):
    assert len(nodes.plot_diagnostics(diagnostics, STUDY, TARGETS, **OUTCOMES).axes) == 3


@pytest.fixture(scope="module")
def made(effects, diagnostics):
    comparison = nodes.compare(STUDY, **OUTCOMES)
    return nodes.make_report(
        STUDY, effects, NO_FINDINGS, comparison, diagnostics, PROVENANCE, OUTCOMES["baseline"]
    )


def test_make_report_has_the_answer_and_what_was_run(made, effects):
    assert made["answer"] == effects["answer"]
    assert made["command"] == PROVENANCE.command
    assert made["fit_seconds"] == 8.0


def test_write_report_writes_a_page_with_the_answer(made):
    page = nodes.write_report(STUDY, made, TARGETS, **OUTCOMES)

    assert page.startswith("<!doctype html>")
    assert made["recommendation"]["action"] in page


def test_record_run_says_options_seeds_and_provenance():
    record = nodes.record_run(STUDY, PROVENANCE, OUTCOMES["dropout"], "a plot", "a page")

    assert record.options == STUDY.model_dump(mode="json")
    assert [(one.split, one.start) for one in record.seeds.replicas] == [(0, 0), (1, 0)]
    assert record.table == PROVENANCE.table
    assert record.engine == "tensorflow"
