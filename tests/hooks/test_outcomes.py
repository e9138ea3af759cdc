from __future__ import annotations

from dataclasses import fields

import pytest
from kedro.io import (
    DataCatalog,
    MemoryDataset,
    SharedMemoryDataCatalog,
    SharedMemoryDataset,
)

from dropnorm.config_loader import project_config
from dropnorm.evaluation.results import SweptVariant, VariantOutcome
from dropnorm.hooks.outcomes import gather_outcomes, names_read, share_memory
from dropnorm.pipeline_registry import (
    create_recommend_pipeline,
    create_study_pipeline,
    create_sweep_pipeline,
)
from dropnorm.tuning.results import SearchedNetwork
from handful import an_outcome

STUDY = create_study_pipeline("s")


def test_of_an_outcome_its_parts_are_read():
    part = STUDY.only_nodes("s.report.comparison.compare")

    read = names_read(part)

    assert {f"s.dropout.{one.name}" for one in fields(VariantOutcome)} <= set(read)
    assert not [name for name in read if name.endswith(".outcome")]


def test_of_a_sweep_points_and_predictions_are_read():
    read = names_read(create_sweep_pipeline("s").only_nodes("s.sweep.report.find_choices"))

    assert {f"s.sweep.dropout.{one.name}" for one in fields(SweptVariant)} <= set(read)


def test_of_a_search_trials_metrics_and_predictions_are_read():
    read = names_read(create_recommend_pipeline("s").only_nodes("s.recommend.report.compare"))

    parts = {f"s.recommend.dropout.{one.name}" for one in fields(SearchedNetwork)}
    assert parts <= set(read)


def test_a_part_begins_with_outcomes_put_together_from_what_is_stored():
    outcome = an_outcome("dropout", 3.0)
    catalog = DataCatalog(
        {
            f"s.{variant}.{one.name}": MemoryDataset(getattr(outcome, one.name))
            for variant in ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
            for one in fields(VariantOutcome)
        }
    )

    gather_outcomes(STUDY.only_nodes("s.report.comparison.compare"), catalog)

    assert catalog.load("s.dropout.outcome").metrics == outcome.metrics


@pytest.mark.parametrize("name", ["rows", "inputs", "dropout.outcome"])
def test_what_passes_in_memory_is_handed_on_without_a_copy(configured, name):
    catalog, handed = DataCatalog.from_config(project_config()["catalog"]), [object()]

    share_memory(STUDY, catalog)
    catalog.save(f"s.{name}", handed)

    assert catalog.load(f"s.{name}") is handed


@pytest.mark.parametrize("name", ["rows", "inputs", "dropout.outcome"])
def test_what_passes_in_memory_reaches_the_processes_of_the_parallel_runner(configured, name):
    catalog = SharedMemoryDataCatalog.from_config(project_config()["catalog"])

    share_memory(STUDY, catalog)

    assert isinstance(catalog.get(f"s.{name}"), SharedMemoryDataset)
