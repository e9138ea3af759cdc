"""``kedro study check``: list all problems and warnings of a study and its table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import pandas as pd

from dropnorm.cli.study.arguments import of_project, of_study
from dropnorm.cli.study.project import Project, open_project
from dropnorm.data.ahead import compute_ahead
from dropnorm.data.inspection.checks import check_study_table
from dropnorm.data.inspection.column_kinds import counted
from dropnorm.data.preprocessing import fit_preprocessor, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table, missing_columns
from dropnorm.datasets.catalog_entries import load_table, reading_warnings, shown
from dropnorm.errors import BadInputError
from dropnorm.evaluation import wording
from dropnorm.evaluation.runs.overrides import Standing
from dropnorm.study.parsing import parse_study
from dropnorm.study.schema import Replicas, Study
from dropnorm.study.split import RandomSplit
from dropnorm.study.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from dropnorm.study.preprocessing import Preprocessing

# Columns to check together; if one has a problem, each is checked alone.
_AT_ONCE = 16
# Replacements for invalid sections that are not needed to check the table.
_STAND_INS = {
    "title": "x",
    "replicas": {},
    "network": {"hidden": [1]},
    "training": {"batch_size": 1, "epochs": 1},
    "silence": [],
}


@click.command("check")
@of_study
@of_project
def check_study(name: str, env: str | None, conf_source: str | None) -> None:
    """List all problems of the study NAME without training.

    Problems of the YAML and the table prevent a run. Each is printed on a line, and the exit code
    is 1. Warnings have a code and do not prevent a run, but the results may not be reliable.
    Warnings about the trainings of the last complete run are printed as well.
    """
    project = open_project(conf_source, env)
    project.check_study(name)
    problems, study = _problems_of_yaml(project, name)
    where = shown(project.catalog.get(f"{name}.table"))
    table = pd.DataFrame()
    try:
        table = load_table(name, project.catalog, None if study is None else study.split)
        if study is not None:
            problems += [f"{where}: {one}" for one in find_problems(table, study)]
    except BadInputError as error:
        problems.append(str(error))
    for problem in problems:
        click.echo(f"Problem: {problem}")
    if problems or study is None:
        raise BadInputError(f"{name} has {counted(len(problems), 'problem')}")
    found = list(reading_warnings(name, project.catalog, table))
    for warning in found:
        click.echo(f"Warning: {warning}")
    warnings = len(found) + print_findings(table, study) + _print_last_run(project, study)
    click.echo(
        f"OK {name}: {len(table)} rows, {len(study.preprocessing.columns)} input columns;"
        f" {counted(warnings, 'warning')}"
    )


def print_findings(table: pd.DataFrame, study: Study) -> int:
    """Print the findings about a table, and return their number."""
    rows = compute_ahead(check_table, table, study)
    findings = check_study_table(table, study, assign_parts(rows, study))
    for finding in findings:
        click.echo(f"Warning: {finding.line()}")
    return len(findings)


def _print_last_run(project: Project, study: Study) -> int:
    """Print the findings about the trainings of the last complete run, and return their number."""
    for version in project.complete_versions(study.name):
        if project.judge(study.name, version).standing is not Standing.OVERRIDDEN:
            break
    else:
        return 0
    found = project.load(f"{study.name}.effects", version).get("findings", [])
    shown = [one for one in found if one["code"] not in study.silence]
    lines = wording.notes(shown, made_up=False)
    for line in lines:
        click.echo(f"Warning, of the run {version}: {line}")
    return len(lines)


def find_problems(table: pd.DataFrame, study: Study) -> list[str]:
    """Return the problems that prevent a study from using a table, each once.

    Each column is checked by itself first, so that one problem does not hide another. If none has a
    problem, the whole table is prepared as in a run.
    """
    names = {str(name) for name in table.columns}
    stand_in = next(f"target {n}" for n in range(len(names) + 1) if f"target {n}" not in names)
    missing = missing_columns(table, study.columns)
    found = _problems_by_column(table, study, stand_in)
    # With very few rows the stand-in is constant; the check of the whole table reports that better.
    problems = missing + [one for one in found if one and f"'{stand_in}'" not in one]
    if not problems:
        whole = [one for one in map(_problem_of, _whole_check(table, study)) if one]
        # Splits are similar, so one problem stands for all.
        more = len(whole) - 1
        problems = whole[:1]
        if more > 0:
            problems = [f"{whole[0]} ({counted(more, 'more split')} cannot be used)"]
    return list(dict.fromkeys(problems))


def _problems_of_yaml(project: Project, name: str) -> tuple[list[str], Study | None]:
    """Return the problems of the YAML, and the study if the table can be checked with it."""
    try:
        return [], project.config.study(name)
    except BadInputError as error:
        problems = str(error).splitlines()
    options = project.config["parameters"].get(name)
    if not isinstance(options, dict):
        return problems, None
    try:
        return problems, parse_study(name, {**options, **_STAND_INS})
    except BadInputError:  # already among the problems
        return problems, None


def _problem_of(check: Callable[[], object]) -> str:
    try:
        check()
    except BadInputError as error:
        return str(error)
    return ""


def _problems_by_column(table: pd.DataFrame, study: Study, stand_in: str) -> Iterator[str]:
    """Yield the problems of the target, each input and the columns to split by, checked alone.

    A check without a problem yields an empty text.
    """
    preprocessing = study.preprocessing
    places: dict[str, list[int]] = {}
    for place, name in enumerate(table.columns):
        places.setdefault(str(name), []).append(place)
    split, replicas = RandomSplit(method="random"), Replicas()
    bare = study.model_copy(
        update={"preprocessing": _only(preprocessing, ()), "split": split, "replicas": replicas}
    )
    if study.target.column in places:
        yield _problem_of(partial(check_table, table, bare))
    # Inputs and splits are checked with a valid target.
    bare = bare.model_copy(update={"target": Target(column=stand_in)})

    def beside(columns: Sequence[str]) -> pd.DataFrame:
        # Copying the whole of a wide table for each column would take minutes.
        narrow = table.iloc[:, [place for name in columns for place in places[name]]]
        return narrow.assign(**{stand_in: range(len(table))})

    def problem_of(columns: Sequence[str]) -> str:
        some = bare.model_copy(update={"preprocessing": _only(preprocessing, columns)})
        return _problem_of(partial(check_table, beside(columns), some))

    inputs = [column for column in preprocessing.columns if column in places]
    for first in range(0, len(inputs), _AT_ONCE):
        # Most columns have no problem; the others are checked one by one.
        if problem_of(columns := inputs[first : first + _AT_ONCE]):
            yield from (problem_of([column]) for column in columns)
    by = study.split.columns
    if not set(by) <= places.keys():
        return
    if not isinstance(study.split, RandomSplit):
        bare = bare.model_copy(update={"split": study.split, "replicas": study.replicas})
        yield _problem_of(lambda: assign_parts(check_table(beside(by), bare), bare))
    elif by:
        bare = bare.model_copy(update={"split": study.split})
        yield _problem_of(partial(check_table, beside(by), bare))


def _only(preprocessing: Preprocessing, columns: Collection[str]) -> Preprocessing:
    """Return the preprocessing of some columns only."""
    kept = set(columns)
    lists = {
        name: tuple(one for one in value if one in kept)
        for name, value in preprocessing
        if isinstance(value, tuple)
    }
    order = {name: value for name, value in preprocessing.order.items() if name in kept}
    return preprocessing.model_copy(update={**lists, "order": order})


def _whole_check(table: pd.DataFrame, study: Study) -> Iterator[Callable[[], object]]:
    """Yield the steps of a run before its first training, split by split."""
    rows = split = None

    def assign() -> None:
        nonlocal rows, split
        rows = check_table(table, study)
        split = assign_parts(rows, study)

    yield assign
    if rows is None or split is None:
        return
    for number in range(study.replicas.splits):
        yield partial(_prepare, rows, split, number, study)


def _prepare(rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study) -> None:
    fitted = fit_preprocessor(rows, split, number, study)
    make_all_inputs(rows, split, {number: fitted}, study)
