from __future__ import annotations

import hashlib
import logging
import multiprocessing
import shutil
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import fsspec
import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.framework.project import pipelines
from kedro.io import DataCatalog, DatasetError, MemoryDataset, SharedMemoryDataCatalog, Version
from kedro.runner import ParallelRunner, SequentialRunner, ThreadRunner
from kedro_datasets.pandas import CSVDataset, ParquetDataset

from conftest import complete_version, read_table
from dropnorm.config_loader import project_config
from dropnorm.data import ahead, preprocessing
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets import TableDataset
from dropnorm.errors import BadInputError
from dropnorm.evaluation.results import VariantExamination
from dropnorm.findings import CODES, Finding
from dropnorm.hooks.project import ProjectHooks
from dropnorm.hooks.trainings import order_nodes
from dropnorm.pipeline_registry import EXECUTION
from dropnorm.pipelines.preparation import nodes as preparation
from dropnorm.study.variants import Variant
from dropnorm.training import begun, parallel
from dropnorm.training.cache import key_of
from dropnorm.training.execution import HERE, Execution
from dropnorm.training.job import Job
from made_results import a_training, some_metrics
from made_up_answers import an_outcome
from small_trainings import a_study, an_input

if TYPE_CHECKING:
    from dropnorm.study.schema import Study

NEW = "2030-01-01T00.00.00.000Z"
METRICS = "wine.dropout.metrics"


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    ahead.forget_all()


def wine() -> Study:
    return project_config().study("wine")


def catalog(kind: type[DataCatalog] = DataCatalog, **load_versions: str) -> DataCatalog:
    config = project_config()
    made = kind.from_config(
        config["catalog"], save_version=NEW, load_versions=load_versions or None
    )
    made["params:wine"] = MemoryDataset(config.study("wine"))
    return made


def begin(part: object, made: DataCatalog, **run_params: object) -> None:
    told = {"run_id": NEW, "env": None, "runtime_params": {}, **run_params}
    manager = _create_hook_manager()
    manager.register(ProjectHooks())
    manager.hook.before_pipeline_run(run_params=told, pipeline=part, catalog=made)


def write(version: str, *, complete: bool) -> None:
    """Write what the comparison of wine reads, as a run of that version would."""
    history = pd.DataFrame({"split": [0], "start": [0], "epoch": [1], "loss": 1.0, "val_loss": 1.0})
    left = {
        "metrics": some_metrics(), "training": a_training(), "history": history,
        "first_steps": history.rename(columns={"epoch": "step"}),
        "validation_predictions": history, "test_predictions": history,
        "examination": VariantExamination("baseline", ()),
    }  # fmt: skip
    made = DataCatalog.from_config(project_config()["catalog"], save_version=version)
    for variant in ("baseline", "dropout", "batchnorm", "dropout_batchnorm"):
        for name, of_run in left.items():
            made.save(f"wine.{variant}.{name}", of_run)
    if complete:
        complete_version("wine", version, options={})


def test_a_part_of_a_study_reads_the_newest_complete_version_and_writes_a_new_one(configured):
    write("2026-01-01T00.00.00.000Z", complete=True)
    write("2026-01-02T00.00.00.000Z", complete=True)
    write("2026-01-03T00.00.00.000Z", complete=False)
    made = catalog()

    begin(
        pipelines["wine"]
        .from_nodes("wine.report.comparison.compare")
        .to_nodes("wine.report.comparison.plot_comparison"),
        made,
    )

    assert made.get(METRICS).resolve_load_version() == "2026-01-02T00.00.00.000Z"
    written = made.get("wine.comparison")
    assert (written.resolve_load_version(), written.resolve_save_version()) == (NEW, NEW)


def test_a_version_that_is_not_there_is_refused_with_the_nearest_that_is(configured):
    write("2026-01-01T00.00.00.000Z", complete=True)

    with pytest.raises(BadInputError, match=r"no version '2026-01-11T00.00.00.000Z' of 'wine.drop"
                       r"out.metrics'; did you mean '2026-01-01T00.00.00.000Z'\?"):  # fmt: skip
        begin(
            pipelines["wine"].only_nodes("wine.report.comparison.compare"),
            catalog(**{METRICS: "2026-01-11T00.00.00.000Z"}),
        )


def test_without_a_complete_version_a_part_is_refused(configured):
    write("2026-01-03T00.00.00.000Z", complete=False)

    with pytest.raises(BadInputError, match="no complete run of the study 'wine'"):
        begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), catalog())


def test_a_part_that_begins_behind_what_memory_holds_is_refused(configured):
    write("2026-01-01T00.00.00.000Z", complete=True)

    with pytest.raises(
        BadInputError, match=r"'wine.inputs' .*--from-nodes=wine.prepare.check_rows"
    ):
        begin(pipelines["wine"].only_nodes("wine.dropout.train"), catalog())


FIRST, SECOND = "2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"


def test_a_part_reads_no_copy_of_a_version_not_even_one_that_is_asked_for(configured):
    write(FIRST, complete=True)
    for folder in Path("data").rglob(FIRST):
        shutil.copytree(folder, folder.with_name(f"{FIRST}.bak"))
    made = catalog()

    begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), made)

    assert made.get(METRICS).resolve_load_version() == FIRST
    with pytest.raises(BadInputError, match=r"--load-versions: .*\.bak' is not read: its folder"):
        begin(
            pipelines["wine"].only_nodes("wine.report.comparison.compare"),
            catalog(**{METRICS: f"{FIRST}.bak"}),
        )


def test_a_version_named_for_one_dataset_holds_for_all_of_the_study(configured):
    for version in (FIRST, SECOND):
        write(version, complete=True)
    made = catalog(**{METRICS: FIRST})

    begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), made)

    assert made.get(METRICS).resolve_load_version() == FIRST
    assert made.get("wine.baseline.training").resolve_load_version() == FIRST


def test_two_versions_named_for_one_study_are_refused(configured):
    for version in (FIRST, SECOND):
        write(version, complete=True)
    made = catalog(**{METRICS: FIRST, "wine.baseline.training": SECOND})

    with pytest.raises(BadInputError, match="name one version for the whole study"):
        begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), made)


def test_a_part_reads_the_newest_version_of_the_studys_own_options(configured):
    write(FIRST, complete=True)
    write(SECOND, complete=False)
    other = {"training.epochs": {"run": 5, "study": 100, "by": "--params"}}
    options = project_config().study("wine").model_dump(mode="json")
    options["training"]["epochs"] = 5
    complete_version("wine", SECOND, options=options, environment=None, overridden=other)
    made = catalog()

    begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), made)

    assert made.get(METRICS).resolve_load_version() == FIRST
    shutil.rmtree(Path("data/08_reporting/wine/run.json", FIRST))
    with pytest.raises(BadInputError, match=rf"{SECOND} was run with training.epochs 5 .*--load-v"):
        begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), catalog())


@pytest.fixture
def trains(configured, monkeypatch):
    """Which trainings a run of a pipeline begins before its first node, network by network."""

    def begun(part):
        networks = []
        monkeypatch.setattr(parallel, "begin_trainings", lambda asked, _: networks.extend(asked))
        config = project_config()
        made = catalog()
        for study in ("wine", "concrete"):
            made[f"params:{study}"] = MemoryDataset(config.study(study))
        made[EXECUTION] = MemoryDataset(HERE, copy_mode="assign")
        begin(part, made)
        return [
            (
                jobs[0].study.name,
                jobs[0].variant.value if jobs[0].study.network.hidden else "linear_network",
                len(jobs),
            )
            for jobs, _ in networks
        ]

    return begun


def test_a_run_begins_all_its_trainings_in_the_order_of_its_nodes(trains):
    begun = trains(pipelines["wine"] + pipelines["concrete"])

    names = ["baseline", "batchnorm", "dropout", "dropout_batchnorm"]
    splits = {name: project_config().study(name).replicas.splits for name in ("concrete", "wine")}
    asked = [(study, name) for study in ("concrete", "wine") for name in names]
    asked += [("concrete", "linear_network"), ("wine", "linear_network")]
    assert begun == [(study, name, splits[study]) for study, name in asked]


def test_a_part_of_a_study_begins_the_trainings_of_its_own_nodes_alone(trains):
    def begun(*nodes):
        return [name for _, name, _ in trains(pipelines["wine"].to_nodes(*nodes))]

    references = "wine.prepare.predict_references"
    assert begun("wine.dropout.train") == ["dropout"]
    assert begun("wine.dropout.train", references) == ["dropout", "linear_network"]
    assert begun(references) == []


@pytest.mark.training
def test_a_node_that_fails_leaves_no_training_and_no_worker(configured):
    long = Job(a_study(training__epochs=1_000_000), Variant.BASELINE, an_input(0), 0)
    assert parallel.begin_trainings([([long, long], lambda *_: None)], Execution(workers=2))
    wait_until(lambda: len(multiprocessing.active_children()) >= 2)

    ProjectHooks().on_pipeline_error({"run_id": NEW})

    wait_until(lambda: not multiprocessing.active_children())
    assert begun.take(key_of(*long)) is None


def wait_until(holds) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to hold in 30 seconds")


def test_nodes_that_wait_for_workers_come_when_there_is_nothing_else_to_do(configured):
    pipeline = pipelines["wine"] + pipelines["concrete"]
    trained = [
        f"{study}.{variant}.train"
        for study in ("wine", "concrete")
        for variant in reversed(Variant)
    ]

    ordered = order_nodes(pipeline, trained)

    names = [node.name for node in ordered]
    assert sorted(names) == sorted(node.name for node in pipeline.nodes)
    for place, node in enumerate(ordered):
        assert pipeline.node_dependencies[node] <= set(ordered[:place])
    trains = [name for name in names if name.endswith(".train")]
    assert trains == trained
    for one, other in pairwise(trains):
        between = names[names.index(one) + 1 : names.index(other)]
        assert f"{one.removesuffix('.train')}.plot_learning_curves" in between
    references = names.index("concrete.prepare.predict_references")
    assert references > names.index(trains[-1])


def test_a_part_leaves_no_record_and_says_so(configured, caplog):
    write("2026-01-01T00.00.00.000Z", complete=True)
    made = catalog()

    begin(pipelines["wine"].from_nodes("wine.report.comparison.compare"), made)

    assert isinstance(made.get("wine.run"), MemoryDataset)
    assert "wine: only a part of the study runs" in caplog.text


@pytest.mark.parametrize(("earlier", "told"), [(SECOND, False), ("2099-01-01T00.00.00.000Z", True)])
def test_a_run_that_will_not_be_the_newest_by_the_clock_says_so(configured, caplog, earlier, told):
    complete_version("wine", earlier, options=wine().model_dump(mode="json"))

    begin(pipelines["wine"], catalog())

    assert (f"and an earlier run is version {earlier}" in caplog.text) == told


def test_a_part_tells_which_options_have_changed_since_the_results_that_it_takes(
    configured, caplog
):
    options = wine().model_dump(mode="json")
    other = {**options, "split": {**options["split"], "train_fraction": 0.3}}
    for version, of_run in ((FIRST, options), (SECOND, other)):
        write(version, complete=False)
        complete_version("wine", version, options=of_run)
    compare = pipelines["wine"].only_nodes("wine.report.comparison.compare")

    begin(compare, catalog())

    assert (
        f"wine: what runs takes results of version {SECOND}, which had other options:"
        " split.train_fraction 0.3 (now: 0.7);"
    ) in caplog.text
    caplog.clear()
    begin(compare, catalog(**{METRICS: FIRST}))
    assert "other options" not in caplog.text


def test_what_a_node_will_refuse_is_refused_before_the_first_node(configured):
    Path("data/01_raw/red-wine.csv").write_text("quality\n1\n")

    with pytest.raises(BadInputError, match=r"^data/01_raw/red-wine.csv: has no column"):
        begin(pipelines["wine"], catalog())


@pytest.mark.parametrize("layer", ["05_model_input", "08_reporting"])
def test_a_file_where_results_belong_is_refused(configured, layer):
    Path("data", layer).write_text("")

    with pytest.raises(BadInputError, match=f"^data/{layer}: is a file"):
        begin(pipelines["wine"], catalog())


def test_a_whole_run_records_where_its_table_and_packages_come_from(configured, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    made = catalog()
    project_config(env="sample")  # is in use from here on

    begin(
        pipelines["wine"], made, env="sample",
        runtime_params={"wine": {"title": "My wine", "training": {"epochs": 3}}},
    )  # fmt: skip

    provenance = made.load("params:_run.wine")
    assert provenance.command == (
        "kedro run --pipelines=wine --env=sample"
        " '--params=wine.title=My wine,wine.training.epochs=3'"
    )
    assert provenance.table.path == "data/01_raw/red-wine.csv"
    assert {"dropnorm", "keras", "tensorflow"} <= set(provenance.packages)


@pytest.mark.parametrize(("title", "told"), [("Wine 𒀀𒀁𒀀", 1), ("Vin rosé", 0)])
def test_one_warning_names_the_characters_that_no_plot_can_show(configured, caplog, title, told):
    made = catalog()
    private = made.load("params:wine").model_copy(update={"title": title})
    made["params:wine"] = MemoryDataset(private)

    begin(pipelines["wine"], made, env="sample")

    line = (
        "The plots cannot show '𒀀𒀁': no installed font has these characters; report.html shows them"
    )
    assert [one.getMessage() for one in caplog.records].count(line) == told
    assert sum("cannot show" in one.getMessage() for one in caplog.records) == told


@pytest.mark.parametrize(("env", "option"), [(None, ""), ("sample", " --env=sample")])
def test_a_run_ends_with_errors_answer_and_where_the_report_is(configured, caplog, env, option):
    caplog.set_level(logging.INFO, "dropnorm")
    made = catalog()
    comparison = pd.DataFrame(
        {
            "variant": ["baseline", "dropout"], "replicas": [3, 3], "diverged": [3, 1],
            "collapsed": [0, 0], "validation_mae": [None, 0.61], "min_val_loss": [None, 0.55],
            "validation_r2": [None, 0.25], "fit_seconds": [2.0, 3.0],
        }
    )  # fmt: skip
    made["wine.comparison"] = MemoryDataset(comparison)
    answer = replace(
        an_outcome((10, 8, 10, 8)), spread="It moves.",
        findings=(Finding(CODES["DN008"], "dropout", "1 of 3 runs", 1, 3),
                  Finding(CODES["DN012"], "dropout", "3 splits cannot tell", 1, 3)),
    )  # fmt: skip
    made["wine.effects"] = MemoryDataset(answer.as_json())

    project_config(env=env)  # is in use from here on
    ProjectHooks().after_pipeline_run({"run_id": NEW, "env": env}, pipelines["wine"], made)

    errors, told, pace, results, report = (
        one.getMessage() for one in caplog.records if one.name.startswith("dropnorm.hooks")
    )
    assert errors == (
        "Red wine: MAE, points, of the validation rows\n"
        "  baseline           diverged (3 of 3)\n"
        "  dropout            0.610; R² 0.25; least val_loss 0.550 (optimistic); diverged (1 of 3)"
    )
    lines = told.splitlines()
    assert lines[0].startswith("  Use the network with dropout: its error is 2.00 MPa")
    assert lines[1] == f"  {answer.cards['dropout'].line()}"
    assert lines[-4:] == [
        "  It moves.",
        "  Differences are of the error with the layer less that without: plus is worse.",
        "  DN008 (caution): Dropout is no better than a constant in 1 of 3 runs.",
        "  1 more note is in the report.",
    ]
    assert pace.startswith("  At the pace of this run, 5 more splits take about 5 s of training")
    assert results == f"  results: data/08_reporting/wine, version {NEW}"
    page = f"data/08_reporting/wine/report.html/{NEW}/report.html"
    assert report == f"  report: {page} (or: kedro study open wine{option})"


def test_runs_that_begin_in_the_same_millisecond_write_different_versions(configured):
    first, second, part = catalog(), catalog(), catalog()

    begin(pipelines["wine"], first)
    begin(pipelines["wine"], second)
    begin(pipelines["wine"].to_nodes("wine.prepare.check_rows", "wine.prepare.assign_parts"), part)

    versions = {made.get("wine.split").resolve_save_version() for made in (first, second, part)}
    assert len(versions) == 3
    assert NEW in versions
    for made in (first, second):
        outputs = [made.get(name) for name in pipelines["wine"].all_outputs()]
        written = {one.resolve_save_version() for one in outputs if hasattr(one, "_version")}
        assert len(written) == 1


def test_a_part_does_not_read_what_has_changed_since_its_run_wrote_it(configured):
    write("2026-01-01T00.00.00.000Z", complete=True)
    metrics = "08_reporting/wine/dropout/metrics.json/2026-01-01T00.00.00.000Z/metrics.json"
    Path("data", metrics).write_text("{ }")

    with pytest.raises(DatasetError, match=rf"^data/{metrics}: has changed since the run wrote it"):
        begin(pipelines["wine"].only_nodes("wine.report.comparison.compare"), catalog())


@pytest.mark.parametrize("version", ["../../../secret", "..", "/etc", "a/b"])
def test_a_version_that_climbs_out_of_the_project_is_refused(configured, version):
    write("2026-01-01T00.00.00.000Z", complete=True)

    with pytest.raises(BadInputError, match=f"there is no version '{version}'"):
        begin(
            pipelines["wine"].only_nodes("wine.report.comparison.compare"),
            catalog(**{METRICS: version}),
        )


@pytest.fixture
def in_parquet(configured):
    """Wine in a Parquet file with columns that the study does not use."""
    table = pd.read_csv("data/01_raw/red-wine.csv")
    table = table.assign(bottle="b" + table.index.astype(str), price=1.5, batch_id=table.index)
    table.to_parquet("wine.parquet")
    return table


def columns_read(file: str = "wine.parquet", **changes: object) -> list[str]:
    made = catalog()
    made["wine.table"] = ParquetDataset(filepath=file)
    if changes:
        study = project_config().study("wine").model_copy(update=changes)
        made["params:wine"] = MemoryDataset(study)
    begin(pipelines["wine"], made)
    return list(made.get("wine.table").load().columns)


def test_of_a_parquet_table_only_columns_are_read_that_the_study_or_its_checks_look_at(in_parquet):
    used = set(in_parquet.columns) - {"bottle", "price", "batch_id"}

    assert set(columns_read()) == used | {"bottle", "batch_id"}  # both may say what a row is of
    assert set(columns_read(silence=("DN005",))) == used


def test_a_table_may_lie_in_any_storage_that_fsspec_reaches(in_parquet):
    in_parquet.to_parquet("memory:///wine.parquet")

    read = columns_read("memory:///wine.parquet", silence=("DN005",))

    assert "quality" in read
    assert "price" not in read


def test_a_parquet_table_without_a_column_of_the_study_is_refused_with_what_it_has(in_parquet):
    in_parquet.rename(columns={"alcohol": "alcohl"}).to_parquet("wine.parquet")

    with pytest.raises(BadInputError, match=r"wine.parquet: has no column 'alcohol'; .*'alcohl'"):
        columns_read()


def test_a_parquet_file_that_is_none_is_refused_in_one_line(configured):
    Path("wine.parquet").write_text("alcohol,quality")

    with pytest.raises(BadInputError, match=r"wine.parquet: is not a complete Parquet file"):
        columns_read()


@pytest.mark.parametrize("name", ["wine.comparison", "wine.split"])
def test_a_result_at_an_address_is_refused_before_anything_trains(configured, name):
    made = catalog()
    made[name] = ParquetDataset(filepath="memory://far/result.parquet", version=Version(None, NEW))

    with pytest.raises(BadInputError, match=f"^'{name}' would be written to memory://.*, an addr"):
        begin(pipelines["wine"], made)


class CountedFiles(LocalFileSystem):
    """Local files, at an address of their own; counts how often each is opened."""

    protocol = "counted"
    opened: ClassVar[Counter[str]] = Counter()

    def open(self, path: str, *args: object, **options: object) -> object:
        self.opened[Path(path).name] += 1
        return super().open(path, *args, **options)


@pytest.fixture
def counted(configured, monkeypatch):
    """What opens the table of wine, and what prepares a split of it, by how often."""
    fsspec.register_implementation("counted", CountedFiles, clobber=True)
    calls = Counter()
    for name in ("fit_preprocessor", "make_split_inputs"):
        function = getattr(preprocessing, name)

        def spied(*arguments, name=name, function=function):
            calls[name] += 1
            return function(*arguments)

        monkeypatch.setattr(preprocessing, name, spied)
    CountedFiles.opened.clear()
    return calls


def with_counted_table(made: DataCatalog) -> DataCatalog:
    made["wine.table"] = TableDataset(
        filepath=f"counted://{Path('data/01_raw/red-wine.csv').resolve()}"
    )
    return made


@pytest.mark.parametrize("runner", [SequentialRunner, ThreadRunner])
def test_a_run_reads_its_table_once_and_prepares_each_split_once(counted, runner):
    made = with_counted_table(catalog())
    part = pipelines["wine"].to_outputs("wine.inputs", "wine.findings")

    begin(part, made)
    assert counted == {"fit_preprocessor": 5, "make_split_inputs": 5}
    runner().run(part, made)

    assert CountedFiles.opened == {"red-wine.csv": 1}
    assert counted == {"fit_preprocessor": 5, "make_split_inputs": 5}
    for number, inputs in enumerate(made.load("wine.inputs")):
        fitted = made.load("wine.preprocessors")[number]
        rows, split = preparation.check_rows(read_table("wine"), wine()), made.load("wine.split")
        expected = preprocessing.make_split_inputs(rows, split, number, fitted, wine())
        assert np.array_equal(inputs.train.x, expected.train.x)
        assert np.array_equal(inputs.validation.y, expected.validation.y)


def test_worker_processes_take_the_table_that_was_checked(configured):
    made = catalog(SharedMemoryDataCatalog)
    part = pipelines["wine"].to_outputs("wine.findings")
    begin(part, made)
    Path("data/01_raw/red-wine.csv").unlink()

    ParallelRunner(max_workers=2).run(part, made)

    assert made.load("wine.findings").study == "wine"


def test_what_nobody_asked_for_is_not_kept_when_a_run_has_ended(counted):
    study = wine()
    begin(pipelines["wine"].to_nodes("wine.prepare.check_rows"), with_counted_table(catalog()))
    ProjectHooks().on_pipeline_error({"run_id": NEW})

    rows = check_table(read_table("wine"), study)
    preparation.fit_preprocessors(rows, assign_parts(rows, study), study)

    assert counted["fit_preprocessor"] == 10


def test_the_record_has_the_checksum_of_the_bytes_that_were_read(configured):
    file = Path("data/01_raw/red-wine.csv")
    known = hashlib.sha256(file.read_bytes()).hexdigest()
    made = catalog()

    begin(pipelines["wine"], made)
    file.write_text("changed since\n")

    assert made.load("params:_run.wine").table.sha256 == known
    assert len(made.load("wine.table")) == 1599


def test_a_table_that_changes_while_it_is_read_is_refused(configured):
    class WrittenTo(CSVDataset):
        def load(self) -> pd.DataFrame:
            table = super().load()
            Path(self._filepath).write_text("quality\n1\n")
            return table

    made = catalog()
    made["wine.table"] = WrittenTo(filepath="data/01_raw/red-wine.csv")

    with pytest.raises(
        BadInputError, match=r"^data/01_raw/red-wine.csv: changed while it was read"
    ):
        begin(pipelines["wine"], made)
