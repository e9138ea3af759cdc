"""What the command line refuses and shows, in this process; whole runs are in test_run.py."""

from __future__ import annotations

import io
import logging
import re
from pathlib import Path

import pytest
from kedro.io import AbstractDataset, DataCatalog, DatasetError
from rich.console import Console

from conftest import assert_refused
from dropnorm.cli.run_command import _MessageHandler, why_it_ended
from dropnorm.errors import BadInputError


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--until-settled --pipelines=concrete.sweep", "'concrete.sweep' has no verdicts"),
        ("--until-settled --pipelines=concrete --params=concrete.replicas.splits=20",
         "--until-settled finds how many splits .* leave out --params=concrete.replicas.splits"),
        ("--until-settled --pipelines=concrete --params=concrete.replicas.at_most=4",
         "concrete.replicas.at_most is 4; it should be from 5 to 1000"),
        ("--pipelines=concrete --params=concrete.replicas.until=settled",
         "concrete.replicas.splits is 5, but with replicas.until the run decides how many"),
        ("--until-settled --pipelines=concrete --tags=reporting",
         "concrete runs until it is settled, which only the whole study can tell"),
        ("--pipelines=concreet", "no pipeline 'concreet'; did you mean 'concrete'?"),
        ("--pipeline=concrete --pipelines=wine", "cannot be used together"),
        ("--env=sampel", "no environment 'sampel' in"),
        ("--runner=ThreadRuner", "no runner 'ThreadRuner'; did you mean 'ThreadRunner'?"),
        ("--runner=no.such.Runner", "no runner 'no.such.Runner'"),
        ("--runner=Task", "'Task' is not a runner"),
        ("--runner=AbstractRunner", "'AbstractRunner' is not a runner"),
        ("--runner=os.system", "'os.system' is not a runner .*: SequentialRunner, ThreadRunner, "),
        ("--runner=.x", "no runner '.x'"),
        ("--runner=ThreadRunner --runner-params=max_workers=abc", "max_workers is 'abc'; it shoul"),
        ("--runner=ThreadRunner --runner-params=max_workers=1.5", "max_workers is 1.5; it should"),
        ("--runner=ThreadRunner --runner-params=max_workers=", "max_workers is None; it should be"),
        ("--runner-params=is_async=true", "--runner-params: .*'is_async'"),
        ("--runner=ThreadRunner --runner-params=max_workers=0", "--runner-params: max_workers"),
        ("--runner=ThreadRunner --runner-params=workers=2", "--runner-params: .*'workers'"),
        ("--params=concreet.training.epochs=3", "no study 'concreet'; did you mean 'concrete'?"),
        ("--params=wine.training.epochs=0", "--params: wine.training.epochs is 0"),
        ("--params=wine.network.dropout.rate=1.5", "--params: wine.network.dropout.rate is 1.5"),
        ("--nodes=wine.dropout.trian", "--nodes: .* 'wine.dropout.trian' .* 'wine.dropout.train'?"),
        ("--nodes=wine.compare", "--nodes: .* mean 'wine.report.comparison.compare'?"),
        ("--from-nodes=wine.prepare.check_row", "--from-nodes: .* mean 'wine.prepare.check_rows'?"),
        ("--to-nodes=wine.report.make_reprot", "--to-nodes: .* mean 'wine.report.make_report'?"),
        ("--from-inputs=wine.tabel", "--from-inputs: .* mean 'wine.table'?"),
        ("--to-outputs=wine.comparson", "--to-outputs: .* mean 'wine.comparison'?"),
        ("--namespaces=wine.batchnrm", "--namespaces: .* mean 'wine.batchnorm'?"),
        ("--tags=trainin", "--tags: .* mean 'training'?"),
        ("--load-versions=wine.splt:1", "--load-versions: .* mean 'wine.split'?"),
        ("--load-versions=wine.table:2020", "--load-versions: 'wine.table' has no versions"),
        ("--load-versions=params:wine:2020", "--load-versions: .* no dataset 'params'"),
        ("--load-versions=wine.run:2020", "--load-versions: 'wine.run' is not read by this run"),
        ("--load-versions=wine.split:2020", "--load-versions: 'wine.split' is not read by this ru"),
        ("--nodes=wine.report.comparison.compare --load-versions=wine.split:2020",
         "'wine.split' is not read by"),
        *[
            (f"{option}={empty}", f"{option} names nothing: what was typed is empty")
            for option in ("--pipelines", "--pipeline", "--nodes", "--from-nodes", "--to-nodes",
                           "--from-inputs", "--to-outputs", "--tags", "--namespaces", "--env",
                           "--conf-source", "--params", "--load-versions", "--runner",
                           "--runner-params")
            for empty in ("", *[","] * (option in ("--pipelines", "--nodes", "--tags", "--params")))
        ],
        ("--nodes=wine.report.comparison.compare --tags=training", "contains no nodes"),
        ("--nodes=wine.report.comparison.compare", "no complete run of the study 'wine'"),
        ("--nodes=wine.batchnorm.train", "'wine.inputs' .* --from-nodes=wine.prepare.check_rows"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_in_one_line_and_nothing_is_written(
    run_here, configured, options, told
):
    given = options if "pipeline" in options else f"--pipelines=concrete,wine {options}"

    done = run_here(*given.split())

    assert_refused(done, told.replace("?", r"\?"))
    assert not list((configured / "data").glob("0[2-8]*"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data: data", "has no options of a run; they stand below the key 'run'"),
        ("- run", "has no options of a run"),
        ("run: concrete", "has no options of a run"),
        ("", "has no options of a run"),
        ("run: {pipelines: [", "cannot be read: "),
        ("run: {pipelines: }", "run.pipelines is null; write a text, as on the command line"),
        ("run: {pipelines: [wine]}", "run.pipelines is a list; write a text"),
        ("run: {load_versions: {a: 1}}", 'run.load_versions is {"a": 1}; write a text'),
        ("run: {params: 3}", "run.params is 3; write a text"),
    ],
)
def test_a_file_of_options_without_any_is_refused_in_one_line(run_here, configured, text, told):
    Path("options.yml").write_text(text)

    assert_refused(run_here("--config=options.yml"), f"--config: .*options.yml:? ?{told}")
    assert not list((configured / "data").glob("0[2-8]*"))


def test_options_come_from_a_file_as_kedro_takes_them(run_here):
    Path("options.yml").write_text("run: {pipelines: 'concreet'}")

    assert_refused(run_here("--config=options.yml"), "there is no pipeline 'concreet'")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", ""], "NAME names nothing"),
        (["check", " ", "--env=sample"], "NAME names nothing"),
        (["check", "wine", "--env="], "--env names nothing"),
        (["list", "--conf-source="], "--conf-source names nothing"),
        (["predict", "wine", "--input=", "--output=o.csv"], "--input names nothing"),
        (["predict", "wine", "--input=a.csv", "--output=o.csv", "--version="], "--version names"),
        (["predict", "wine", "--input=a.csv", "--output=o.csv", "--variant="], "--variant names"),
        (["new", "a", "--csv=", "--target=y"], "--csv names nothing"),
        (["new", "a", "--csv=a.csv", "--target=y", "--groups="], "--groups names nothing"),
        (["compare", "wine", "", "newest"], "names nothing"),
        (["prune", "", "--keep=3"], "NAME names nothing"),
        (["sweep", ""], "NAME names nothing"),
        (["rerun", ""], "names nothing"),
    ],
)
def test_a_command_refuses_what_was_typed_and_is_empty(command, configured, words, told):
    before = {path for path in configured.rglob("*") if path.is_file()}

    assert_refused(command(*words), told)
    assert {path for path in configured.rglob("*") if path.is_file()} == before


def test_verbose_lets_the_exception_through(run_here):
    done = run_here("--pipelines=wine", "--params=wine.training.epochs=0", "--verbose")

    assert isinstance(done.exception, BadInputError)


def test_versions_that_are_no_versions_are_refused_as_click_does(run_here):
    done = run_here("--load-versions=wine.split")

    assert done.exit_code == 2
    assert "Error: Expected the form of 'load_versions'" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("pandas.CSVDataset", "pandas.CSVDatset", "'CSVDatset' not found in 'pandas'"),
        ("filepath:", "filpath:", "TableDataset takes no 'filpath'"),
        ("${globals:data}", "${globals:dta}", "'dta' not found"),
        ('"{study}.table":', '"{study}.table": [', "catalog.yml: line"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_refused_in_one_line(run_here, old, new, told):
    catalog = Path("conf/base/catalog.yml")
    catalog.write_text(catalog.read_text().replace(old, new))

    done = run_here("--pipelines=concrete")

    assert done.exit_code == 1
    assert re.fullmatch(f"Error: [^\n]*{re.escape(told)}[^\n]*\n", done.stderr)


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_is_written(run_here):
    Path("data/08_reporting").write_text("a file where a folder should be")

    done = run_here("--pipelines=concrete")

    assert done.exit_code == 1
    assert done.stderr == "Error: data/08_reporting: is a file; results need a folder there\n"
    assert not list(Path("data").glob("0[2-7]*"))


def shown(logger: str, level: int, *, verbose: bool = False) -> str:
    file = io.StringIO()
    handler = _MessageHandler(Console(file=file, width=40, soft_wrap=True), verbose)
    handler.handle(
        logging.LogRecord(logger, level, "", 0, ":smile: [%s]", ("a long line " * 9,), None)
    )
    return file.getvalue()


@pytest.mark.parametrize("logger", ["kedro.runner", "kedro_viz.launchers", "kedro.io.data_catalog"])
def test_what_kedro_does_is_shown_only_if_asked_for(logger):
    assert shown(logger, logging.INFO) == ""
    assert shown(logger, logging.INFO, verbose=True).startswith(":smile: [a long line")


def test_own_messages_stand_as_they_are_on_one_line_and_warnings_say_so():
    line = f":smile: [{'a long line ' * 9}]\n"

    assert shown("dropnorm.hooks.project", logging.INFO) == line
    assert shown("dropnorm.hooks.project", logging.WARNING) == f"Warning: {line}"
    assert shown("another.library", logging.WARNING) == f"Warning: {line}"
    assert shown("kedro_viz.launchers", logging.WARNING) == ""


def test_a_handler_of_the_users_own_is_kept(run_here):
    own = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(own)

    run_here("--pipelines=concreet")

    assert own in logging.getLogger().handlers
    assert sum(isinstance(one, _MessageHandler) for one in logging.getLogger().handlers) == 1


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (OSError(28, "No space left on device"), "cannot be read or written: No space left on de"),
        (PermissionError(1, "Operation not permitted", "/a/b"), "Operation not permitted (/a/b)"),
        (ValueError("no such thing"), "Failed while saving data to dataset"),
    ],
)
def test_what_the_system_refuses_is_told_by_its_dataset_and_reason(refused, told):
    class Full(AbstractDataset):
        def _describe(self):
            return {"arguments": "many"}

        def load(self):
            """Nothing to load."""

        def save(self, data):
            raise refused

    with pytest.raises(DatasetError) as error:
        DataCatalog({"wine.report": Full()}).save("wine.report", 1)

    line = why_it_ended(error.value)
    assert line.startswith("wine.report: ")
    assert told in line
    assert "\n" not in line
    assert ("arguments" in line) == isinstance(refused, ValueError)
