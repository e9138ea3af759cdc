from __future__ import annotations

import inspect
import pickle
import re
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
from kedro.framework.project import pipelines
from kedro.io import AbstractVersionedDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from kedro_viz.constants import ROOT_MODULAR_PIPELINE_ID
from kedro_viz.data_access.repositories.modular_pipelines import ModularPipelinesRepository
from kedro_viz.utils import _hash_input_output

from conftest import read_study, read_table
from dropnorm.config_loader import project_config
from dropnorm.pipeline_registry import (
    create_pipeline,
    create_prediction_pipeline,
    create_recommend_pipeline,
    create_study_pipeline,
    create_sweep_pipeline,
    register_pipelines,
)
from dropnorm.study.variants import Variant
from dropnorm.study_files import is_study_name

STUDIES = ("concrete", "spotify", "wine")
# Pass from node to node in memory.
IN_MEMORY = ("rows", "inputs", *(f"{variant}.outcome" for variant in Variant))


@pytest.fixture
def catalog(configured):
    return DataCatalog.from_config(project_config()["catalog"])


def test_there_is_a_pipeline_for_each_study_and_one_of_all(configured):
    registered = register_pipelines()

    assert set(registered) == {
        "__default__",
        *(f"{name}{what}" for name in STUDIES for what in ("", ".predict", ".sweep", ".recommend")),
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


def test_the_graph_of_a_study_has_the_networks_that_its_yaml_compares(configured):
    file = Path("conf/base/parameters/wine.yml")
    file.write_text(f"{file.read_text()}  compare: {{baseline: {{}}, wide: {{layers: oops}}}}\n")
    project_config()

    trained = {name for name in (node.name for node in create_pipeline("wine").nodes)
               if name.endswith(".train")}  # fmt: skip
    assert trained == {"wine.baseline.train", "wine.wide.train"}
    predicted = {node.name for node in create_pipeline("wine.predict").nodes}
    assert predicted == {"wine.baseline.predict", "wine.wide.predict"}
    swept = {node.name for node in create_pipeline("wine.sweep").nodes if ".train" in node.name}
    assert swept == {"wine.sweep.baseline.train", "wine.sweep.wide.train"}
    assert set(create_pipeline("concrete").nodes) == set(create_study_pipeline("concrete").nodes)


def test_a_configuration_with_a_mistake_leaves_graphs_the_four_networks(configured):
    file = Path("conf/base/parameters/wine.yml")
    file.write_text(f"{file.read_text()}  compare: ${{nowhere}}\n")
    project_config()

    assert set(create_pipeline("wine").nodes) == set(create_study_pipeline("wine").nodes)


def test_nodes_are_named_by_study_variant_and_what_they_do():
    boxes = {
        "prepare": ("check_rows", "assign_parts", "check_data", "fit_preprocessors", "make_inputs",
                    "predict_references"),
        "report": ("make_report", "write_report", "record_run"),
        "report.comparison": ("compare", "plot_comparison"),
        "report.effects": ("estimate_effects", "plot_effects"),
        "report.diagnostics": ("compare_diagnostics", "plot_diagnostics"),
        **dict.fromkeys(Variant, ("train", "examine_networks", "measure", "plot_learning_curves",
                                  "gather_outcome")),
    }  # fmt: skip

    assert {node.name for node in create_study_pipeline("s").nodes} == {
        f"s.{box}.{name}" for box, names in boxes.items() for name in names
    }


def shown(pipeline, box):
    """Names that kedro-viz shows in an unfolded box, of what was not shown before."""
    repository = ModularPipelinesRepository()
    repository.populate_tree(pipeline)
    return repository.tree[box].children


def test_a_study_folds_into_few_boxes_with_its_table_going_in_and_its_record_coming_out():
    study = create_study_pipeline("s")
    whole = Pipeline([study, create_study_pipeline("t")])

    top = {child.id for child in shown(whole, ROOT_MODULAR_PIPELINE_ID)}
    ends = {_hash_input_output(f"{name}.{what}") for name in "st" for what in ("table", "run")}
    assert top == {"s", "t"} | ends
    folded = {child.id for child in shown(study, "s") if child.type == "modularPipeline"}
    assert folded == {"s.prepare", *(f"s.{variant}" for variant in Variant), "s.report"}


def test_an_unfolded_box_shows_at_most_15_more():
    study = create_study_pipeline("s")
    boxes = {space for node in study.nodes for space in node.namespace_prefixes}

    for box in boxes:
        assert len(shown(study, box)) <= 15


def test_nodes_keep_their_names_in_other_processes():
    pipelines = (create_study_pipeline, create_sweep_pipeline, create_recommend_pipeline)
    for node in (node for create in pipelines for node in create("s").nodes):
        sent = pickle.loads(ForkingPickler.dumps(node))  # noqa: S301  # as ParallelRunner does
        assert sent.func.__name__ == node.func.__name__


def test_every_node_says_in_kedro_viz_what_it_does():
    pipelines = (
        create_study_pipeline,
        create_prediction_pipeline,
        create_sweep_pipeline,
        create_recommend_pipeline,
    )
    for node in (node for create in pipelines for node in create("s").nodes):
        told = node.preview().content

        assert told
        assert node.func.__doc__.startswith(told.splitlines()[0])
        # kedro-viz shows the source of functions and methods alone.
        assert inspect.isfunction(node.func) or inspect.ismethod(node.func)


@pytest.mark.parametrize(
    ("create", "name"), [(create_sweep_pipeline, "sweep"), (create_recommend_pipeline, "recommend")]
)
def test_what_stands_apart_takes_the_studys_table_and_options_and_writes_under_its_own_name(
    create, name
):
    apart = create("s")

    assert apart.inputs() == {
        "s.table", "params:s", f"params:_run.s.{name}", "params:_execution",
    }  # fmt: skip
    assert not apart.all_outputs() & create_study_pipeline("s").datasets()
    assert {node.name.split(".")[1] for node in apart.nodes} == {name}


def test_a_study_takes_its_table_its_options_and_what_only_the_run_knows():
    assert create_study_pipeline("s").inputs() == {
        "s.table", "params:s", "params:_run.s", "params:_execution",
    }  # fmt: skip


@pytest.mark.parametrize(
    "create", [create_study_pipeline, create_sweep_pipeline, create_recommend_pipeline]
)
@pytest.mark.parametrize("study", ["execution", "run", "training"])
def test_no_parameter_that_a_hook_sets_can_be_that_of_a_study(create, study):
    """Kedro makes of the options of a study what the nodes take under its name."""
    parameters = {name for name in create(study).inputs() if name.startswith("params:")}
    keys = {name.removeprefix("params:").partition(".")[0] for name in parameters}

    assert {name for name in keys if is_study_name(name)} == {study}


@pytest.mark.parametrize("study", [*STUDIES, "wine.sweep", "wine.recommend"])
def test_every_dataset_stands_in_the_catalog_with_a_layer_for_kedro_viz(study, catalog):
    names = {name for name in pipelines[study].datasets() if not name.startswith("params:")}

    assert {name for name in names if name not in catalog} == set()
    datasets = {name: catalog.get(name) for name in names}
    assert all(re.match(r"0\d_", one.metadata["kedro-viz"]["layer"]) for one in datasets.values())
    inner = {f"{study}.inner_inputs"} if study.endswith(".recommend") else set()
    assert {name for name, one in datasets.items() if isinstance(one, MemoryDataset)} == inner | {
        f"{study}.{name}" for name in IN_MEMORY
    }


@pytest.mark.parametrize("study", [*STUDIES, "wine.sweep", "wine.recommend"])
def test_no_layer_leads_back_to_one_before_it(study, catalog):
    """kedro-viz shows no layers at all where they form a circle."""

    def layers(names):
        made = [catalog.get(name) for name in names if not name.startswith("params:")]
        return {one.metadata["kedro-viz"]["layer"] for one in made}

    for node in pipelines[study].nodes:
        before, behind = layers(node.inputs), layers(node.outputs)
        assert max(before, default="") <= min(behind), node.name


@pytest.mark.parametrize("study", [*STUDIES, "wine.sweep", "wine.recommend"])
def test_every_output_is_versioned_in_a_file_of_its_own_below_its_study(study, catalog):
    in_memory = {f"{study}.{name}" for name in (*IN_MEMORY, "inner_inputs")}
    outputs = pipelines[study].all_outputs() - in_memory
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
