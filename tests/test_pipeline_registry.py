from __future__ import annotations

import inspect
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from kedro.framework.project import pipelines
from kedro.io import AbstractVersionedDataset, DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from conftest import read_study, read_table
from dropnorm.config_loader import project_config
from dropnorm.pipeline_registry import (
    create_pipeline,
    create_prediction_pipeline,
    create_study_pipeline,
    create_sweep_pipeline,
    register_pipelines,
)
from dropnorm.study.variants import Variant

STUDIES = ("concrete", "spotify", "wine")
# Pass from node to node in memory, or are put there when a run begins.
IN_MEMORY = ("rows", "inputs", "provenance")


@pytest.fixture
def catalog(configured):
    return DataCatalog.from_config(project_config()["catalog"])


def test_there_is_a_pipeline_for_each_study_and_one_of_all(configured):
    registered = register_pipelines()

    assert set(registered) == {
        "__default__",
        *(f"{name}{what}" for name in STUDIES for what in ("", ".predict", ".sweep")),
    }
    everything = {node.name for node in registered["__default__"].nodes}
    assert everything == {node.name for name in STUDIES for node in registered[name].nodes}


@pytest.mark.parametrize(
    ("requested", "made"),
    [
        (["wine"], {"wine"}),
        (["wine.sweep", "concrete.predict"], {"wine.sweep", "concrete.predict"}),
        (["__default__"], {*STUDIES, "__default__"}),
        (["nope"], set()),
    ],
)
def test_only_the_pipelines_that_a_command_asks_for_are_made(configured, requested, made):
    pipelines.set_requested(requested)

    assert set(register_pipelines()) == made


def test_a_pipeline_is_the_same_made_alone_or_with_all(configured):
    for name, made in register_pipelines().items():
        if name != "__default__":
            assert set(create_pipeline(name).nodes) == set(made.nodes)


def test_nodes_are_named_by_study_variant_and_what_they_do():
    of_study = ("check_rows", "assign_parts", "check_data", "fit_preprocessors", "make_inputs",
                "predict_references", "compare", "plot_comparison", "estimate_effects",
                "compare_diagnostics", "plot_diagnostics",
                "plot_effects", "make_report", "write_report", "record_run")  # fmt: skip
    of_variant = ("train", "examine_networks", "measure", "plot_learning_curves")

    assert {node.name for node in create_study_pipeline("s").nodes} == {
        *(f"s.{name}" for name in of_study),
        *(f"s.{variant}.{name}" for variant in Variant for name in of_variant),
    }


def test_nodes_keep_their_names_in_other_processes():
    for node in [*create_study_pipeline("s").nodes, *create_sweep_pipeline("s").nodes]:
        sent = pickle.loads(ForkingPickler.dumps(node))  # noqa: S301  # as ParallelRunner does
        assert sent.func.__name__ == node.func.__name__


def test_every_node_says_in_kedro_viz_what_it_does():
    pipelines = (create_study_pipeline, create_prediction_pipeline, create_sweep_pipeline)
    for node in (node for create in pipelines for node in create("s").nodes):
        told = node.preview().content

        assert told
        assert node.func.__doc__.startswith(told.splitlines()[0])
        assert inspect.isfunction(node.func)  # kedro-viz shows the source of functions alone


def test_a_sweep_takes_the_studys_table_and_options_and_writes_under_a_name_of_its_own():
    sweep = create_sweep_pipeline("s")

    assert sweep.inputs() == {"s.table", "params:s", "s.sweep.provenance"}
    assert not sweep.all_outputs() & create_study_pipeline("s").datasets()
    assert {node.name.split(".")[1] for node in sweep.nodes} == {"sweep"}


def test_a_study_asks_for_its_table_its_options_and_where_they_come_from():
    assert create_study_pipeline("s").inputs() == {"s.table", "params:s", "s.provenance"}


@pytest.mark.parametrize("study", [*STUDIES, "wine.sweep"])
def test_every_dataset_stands_in_the_catalog_but_those_kept_in_memory(study, catalog):
    names = {name for name in pipelines[study].datasets() if not name.startswith("params:")}

    absent = {name for name in names if name not in catalog}

    assert absent == {f"{study}.{name}" for name in IN_MEMORY}


@pytest.mark.parametrize("study", [*STUDIES, "wine.sweep"])
def test_every_output_is_versioned_in_a_file_of_its_own_below_its_study(study, catalog):
    outputs = pipelines[study].all_outputs() - {f"{study}.{name}" for name in IN_MEMORY}
    datasets = {name: catalog.get(name) for name in outputs}
    paths = {name: dataset._filepath for name, dataset in datasets.items()}

    assert all(isinstance(one, AbstractVersionedDataset) for one in datasets.values())
    assert all(one._version is not None for one in datasets.values())
    assert len(set(paths.values())) == len(paths)
    for name, path in paths.items():
        *variant, _ = name.removeprefix(f"{study}.").split(".")
        assert list(path.parts[2 : 3 + len(variant)]) == [study, *variant]
        assert datasets[name].metadata["kedro-viz"]["layer"] == path.parts[1]


def test_the_preparation_runs_on_a_bare_catalog():
    study = read_study("concrete", replicas__splits=2)
    table = read_table("concrete", "data/sample/01_raw")
    catalog = DataCatalog(
        {"concrete.table": MemoryDataset(table), "params:concrete": MemoryDataset(study)}
    )
    preparation = create_study_pipeline("concrete").to_outputs("concrete.inputs")

    SequentialRunner().run(preparation, catalog)

    inputs = catalog.load("concrete.inputs")
    assert [one.split for one in inputs] == [0, 1]
    for one in inputs:
        assert (len(one.train.rows), len(one.validation.rows)) == (140, 60)
        rows = np.concatenate([one.train.rows, one.validation.rows])
        assert sorted(rows) == list(range(200))
        column = table["CompressiveStrength"].to_numpy()
        assert one.train.y.ravel() == pytest.approx(column[one.train.rows])
