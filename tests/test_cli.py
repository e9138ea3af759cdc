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
from dropnorm.errors import BadInputError
from dropnorm.running import _MessageHandler, why_it_ended


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--pipelines=concreet", "no pipeline 'concreet'; did you mean 'concrete'?"),
        ("--pipeline=concrete --pipelines=wine", "cannot be used together"),
        ("--env=sampel", "no environment 'sampel' in"),
        ("--runner=ThreadRuner", "no runner 'ThreadRuner'; did you mean 'ThreadRunner'?"),
        ("--runner=no.such.Runner", "no runner 'no.such.Runner'"),
        ("--runner=Task", "'Task' is no runner"),
        ("--runner=AbstractRunner", "'AbstractRunner' is no runner"),
        ("--runner=ThreadRunner --runner-params=max_workers=0", "--runner-params: max_workers"),
        ("--runner=ThreadRunner --runner-params=workers=2", "--runner-params: .*'workers'"),
        ("--params=concreet.training.epochs=3", "no study 'concreet'; did you mean 'concrete'?"),
        ("--params=wine.training.epochs=0", "--params: wine.training.epochs is 0"),
        ("--params=wine.network.dropout.rate=1.5", "--params: wine.network.dropout.rate is 1.5"),
        ("--nodes=wine.compar", "--nodes: .* 'wine.compar' .* mean 'wine.compare'?"),
        ("--from-nodes=wine.compar", "--from-nodes: .* mean 'wine.compare'?"),
        ("--to-nodes=wine.compar", "--to-nodes: .* mean 'wine.compare'?"),
        ("--from-inputs=wine.tabel", "--from-inputs: .* mean 'wine.table'?"),
        ("--to-outputs=wine.comparson", "--to-outputs: .* mean 'wine.comparison'?"),
        ("--namespaces=wine.batchnrm", "--namespaces: .* mean 'wine.batchnorm'?"),
        ("--tags=trainin", "--tags: .* mean 'training'?"),
        ("--load-versions=wine.splt:1", "--load-versions: .* mean 'wine.split'?"),
        ("--nodes=wine.compare --tags=training", "contains no nodes"),
        ("--nodes=wine.compare", "no complete run of the study 'wine'"),
        ("--nodes=wine.batchnorm.train", "'wine.inputs' .* --from-nodes=wine.check_rows"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_in_one_line_and_nothing_is_written(
    run_here, configured, options, told
):
    given = options if "pipeline" in options else f"--pipelines=concrete,wine {options}"

    done = run_here(*given.split())

    assert_refused(done, told.replace("?", r"\?"))
    assert not list((configured / "data").glob("0[2-8]*"))


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

    assert shown("dropnorm.hooks", logging.INFO) == line
    assert shown("dropnorm.hooks", logging.WARNING) == f"Warning: {line}"
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
