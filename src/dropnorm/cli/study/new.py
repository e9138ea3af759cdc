"""``kedro study new``: write a study of a table with a reason for every choice."""

from __future__ import annotations

import filecmp
import math
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from omegaconf import OmegaConf
from rich.table import Table
from rich.text import Text

from dropnorm.cli.study.arguments import of_project
from dropnorm.cli.study.check import find_problems, print_findings
from dropnorm.cli.study.project import Project, open_project, screen
from dropnorm.cli.study.table_entry import described, entry_text, is_plain, texts_of
from dropnorm.cli.study.yaml_text import escaped, flow, line, templates
from dropnorm.data.inspection.column_kinds import Kind
from dropnorm.data.inspection.profile import Inspection, inspect_table
from dropnorm.data.inspection.suggest import Proposal, propose_study
from dropnorm.data.reading.fetching import fetched, is_address
from dropnorm.data.reading.formats import TableFormat
from dropnorm.data.reading.readers import ReadTable, read_table
from dropnorm.datasets.atomic_files import from_here, written_whole
from dropnorm.datasets.catalog_entries import is_local, load_table, reading_warnings
from dropnorm.datasets.kedro_compat import filepath_of
from dropnorm.datasets.table import TableDataset
from dropnorm.errors import BadInputError, shorten
from dropnorm.evaluation.answers.other_tables import expect_of, tell_other_tables
from dropnorm.study.parsing import parse_study
from dropnorm.study.preprocessing import Preprocessing

if TYPE_CHECKING:
    from dropnorm.study.schema import Study, TaskName

# Files have this name, and most systems limit names to 255 characters.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_SHOWN_COLUMNS = 40
_SHOWN_NAME = 40
_MINUTE = 60
_TO_USE_IT = "It is no input. To split by it: split:"


@click.command("new")
@click.argument("name")
@click.option(
    "--csv",
    "source",
    metavar="PATH",
    type=click.Path(),
    help="Path or address of the table, a CSV file (any separator, also compressed) or a Parquet"
    " file. Left out: the catalog entry NAME.table, which may have any type.",
)
@click.option("--target", required=True, help="Column to predict.")
@click.option(
    "--decimal",
    metavar="MARK",
    help="Decimal mark of the file's numbers, if they are ambiguous: , or .",
)
@click.option(
    "--thousands",
    metavar="MARK",
    help="Thousands separator of the file's numbers, if they are ambiguous, as in 40,648.",
)
@click.option("--groups", help="Column whose groups of rows must not be divided by a split.")
@click.option(
    "--task",
    type=click.Choice(["regression", "classification"]),
    help="Task of the study. Left out: classification if the target is text, true and false, or"
    " two distinct whole numbers such as 0 and 1; else regression.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="Leave a column out; repeatable.")
@click.option(
    "--no-copy", is_flag=True, help="Refer to the table in the catalog without copying it."
)
@of_project
def new_study(
    name: str,
    source: str | None,
    target: str,
    decimal: str | None,
    thousands: str | None,
    groups: str | None,
    task: TaskName | None,
    drop: tuple[str, ...],
    no_copy: bool,
    env: str | None,
    conf_source: str | None,
) -> None:
    """Profile a table, and write a study of it named NAME.

    The study is one YAML file in the environment ENV of the configuration, or else in base. It
    contains every choice with its reason. The table is copied to the path in the catalog. Existing
    files are not overwritten.
    """
    _check_name(name)
    project = open_project(conf_source, env)
    folder = _folder(project, env)
    _refuse_existing(project, name, folder / "parameters" / f"{name}.yml", source)
    # Kept until the command ends.
    local = click.get_current_context().with_resource(fetched(source)) if source else None
    read = _read(project, name, source, local, decimal, thousands)
    where = source or f"{name}.table"
    names = {str(column) for column in read.table.columns}
    target, groups, *left_out = (_in_header(one, names) for one in (target, groups, *drop))
    try:
        look = inspect_table(read.table, target, groups, left_out, task, texts_of(read.format))
        proposal = propose_study(name, look, task_given=task is not None)
        study = _parsed(name, proposal)
        problems = find_problems(read.table, study)
    except BadInputError as error:
        # A column's name may have a line break in it.
        raise BadInputError(f"{where}: {line(error)}") from error
    if problems:
        raise BadInputError(f"{where}: {line(problems[0])}")
    text = _yaml_text(project, name, proposal, where, look)
    if _read_back(name, text) != study:
        raise BadInputError(f"{where}: a column's name cannot be written in YAML; rename it")
    files = [
        *_files(project, name, folder, read, local, source if no_copy else None),
        _File(folder / "parameters" / f"{name}.yml", text),
    ]
    for file in files:
        file.exists()  # refuses other files before anything is written
    _show(proposal, look)
    for column in look.of_kind(Kind.SPLIT):
        click.echo(f"{line(column.name)}: {line(column.why)}. {_TO_USE_IT} {flow(column.split)}")
    _show_format(read)
    print_findings(read.table, study)
    for file in files:
        click.echo(file.write())
    for told in tell_other_tables(study.task):
        click.echo(told)
    command = project.command("run", f"--pipelines={name}")
    click.echo(f"A run takes about {_duration(proposal.seconds)}: {command}")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        usable = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_0123456789")[:_SHOWN_NAME]
        hint = f", such as {usable}" if usable else ""
        raise BadInputError(
            f"{shorten(name, _SHOWN_NAME)!r} cannot be the name of a study; use up to 100 letters,"
            f" digits and _, beginning with a letter{hint}"
        )


def _folder(project: Project, env: str | None) -> Path:
    """Return the folder of the configuration to write to."""
    config = project.config
    folder = Path(config.conf_source) / (env or str(config.base_env))
    if not folder.is_dir():
        raise BadInputError(f"there is no folder {folder} to write the study to")
    return folder


def _refuse_existing(project: Project, name: str, file: Path, source: str | None) -> None:
    if name in project.config.studies():
        raise BadInputError(
            f"the study '{name}' already exists; choose another name, or check it with"
            f" {project.command('study', 'check', name)}"
        )
    if file.exists():
        raise BadInputError(f"{from_here(file)} already exists and is not overwritten")
    if source and f"{name}.table" in project.config["catalog"]:
        raise BadInputError(
            f"the catalog already has an entry {name}.table; leave --csv out to use it, or choose"
            " another name"
        )


def _read(
    project: Project,
    name: str,
    source: str | None,
    local: Path | None,
    decimal: str | None,
    thousands: str | None,
) -> ReadTable:
    if local is not None:
        return read_table(local, decimal=decimal, thousands=thousands, known_as=source)
    for option, mark in (("--decimal", decimal), ("--thousands", thousands)):
        if mark is not None:
            raise BadInputError(
                f"{option}: applies only to the file of --csv; write it in the catalog entry"
                f" {name}.table instead"
            )
    table = load_table(name, project.catalog)
    dataset = project.catalog.get(f"{name}.table")
    written = dataset.format if isinstance(dataset, TableDataset) else None
    warnings = reading_warnings(name, project.catalog, table)
    return ReadTable(table, written, warnings=tuple(warnings))


def _in_header(name: Any, header: set[str]) -> Any:
    """Return a column's name as in the table.

    Readers strip the blanks around it, and a keyboard may write é as one character where the table
    has two, or the other way round.
    """
    if not name or name in header:
        return name
    same = [one for one in header if _composed(one) == _composed(name.strip())]
    return same[0] if len(same) == 1 else name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _parsed(name: str, proposal: Proposal) -> Study:
    if not proposal.lists and not proposal.left_out:
        raise BadInputError("has no column beside the target, so there is nothing to predict from")
    if not proposal.lists:
        left_out = "; ".join(f"'{one.name}' ({one.kind}: {one.why})" for one in proposal.left_out)
        raise BadInputError(f"has no input column, because all are left out: {left_out}")
    return parse_study(name, proposal.options())


def _yaml_text(
    project: Project, name: str, proposal: Proposal, where: str, look: Inspection
) -> str:
    about = {
        key: str(field.description).rstrip(".") for key, field in Preprocessing.model_fields.items()
    }
    return (
        templates()
        .get_template("study.yml.j2")
        .render(
            name=name,
            commands={
                "check": project.command("study", "check", name),
                "run": project.command("run", f"--pipelines={name}"),
            },
            study=proposal,
            source=where,
            rows=look.rows + look.without_target,
            columns=len(look.columns),
            about=about,
            before_activation=expect_of("batchnorm_before_activation", "batchnorm"),
        )
    )


def _read_back(name: str, text: str) -> Study | None:
    """Read the YAML as Kedro does."""
    try:
        written: Any = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
        return parse_study(name, written[name])
    except (BadInputError, ValueError, yaml.YAMLError):
        return None


def _show(proposal: Proposal, look: Inspection) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("column", "is", "becomes", "why"):
        table.add_column(title, overflow="fold")
    uses = {choice.value: name for name, columns in proposal.lists.items() for choice in columns}
    for column in look.columns[:_SHOWN_COLUMNS]:
        use = {Kind.TARGET: "the target", Kind.GROUP: "the groups"}.get(
            column.kind, uses.get(column.name, "left out")
        )
        if column.log1p:
            use = "log1p, standard_scale"
        cells = (column.name, column.kind.value, use, column.why)
        table.add_row(*(Text(line(cell)) for cell in cells))
    console = screen()
    console.print(table)
    if (more := len(look.columns) - _SHOWN_COLUMNS) > 0:
        console.print(f"… and {more} more columns; see the file")
    console.print()
    choices = Table(box=None, pad_edge=False, show_header=False)
    for label, choice in {
        "task": proposal.task,
        "target": proposal.target,
        **({"target.scale": proposal.scale} if proposal.scale else {}),
        "missing": proposal.missing,
        **{f"split.{key}": choice for key, choice in proposal.split.items()},
        **{f"replicas.{key}": choice for key, choice in proposal.replicas.items()},
        "network.hidden": proposal.hidden,
        "training.batch_size": proposal.batch_size,
        "training.epochs": proposal.epochs,
    }.items():
        choices.add_row(*(Text(line(cell)) for cell in (label, flow(choice.value), choice.why)))
    console.print(choices)
    console.print()


def _show_format(read: ReadTable) -> None:
    """Print what is unusual about the format of the file, and the warnings."""
    lines = Table(box=None, pad_edge=False, show_header=False)
    shown = [cells for cells in described(read) if cells[2] or cells[0] in TableFormat.model_fields]
    for cells in shown[:_SHOWN_COLUMNS]:
        lines.add_row(*(Text(line(cell)) for cell in cells))
    console = screen()
    if shown:
        console.print("Format of the file:")
        console.print(lines)
        if (more := len(shown) - _SHOWN_COLUMNS) > 0:
            console.print(f"… and {more} more columns; see the catalog entry")
        console.print()
    for warning in read.warnings:
        click.echo(f"Warning: {line(warning)}")


@dataclass(frozen=True)
class _File:
    """A file to write.

    Attributes:
        path: Path of the file.
        text: Content, unless the file is a copy.
        source: File to copy.
    """

    path: Path
    text: str = ""
    source: Path | None = None

    def exists(self) -> bool:
        """Return whether the file already exists with this content.

        Raises:
            BadInputError: If it exists with other content.
        """
        if not self.path.exists():
            return False
        if self.source is None:
            same = self.path.is_file() and self.path.read_text(encoding="utf-8") == self.text
        else:
            same = self.path.is_file() and filecmp.cmp(self.source, self.path, shallow=False)
        if not same:
            raise BadInputError(
                f"{from_here(self.path)} already exists with other content and is not overwritten;"
                " choose another name"
            )
        return True

    def write(self) -> str:
        """Write the file atomically unless it exists, and return a line about it."""
        if self.exists():
            return f"SKIPPED (already exists) {from_here(self.path)}"
        with written_whole(self.path) as path:
            if self.source is None:
                path.write_text(self.text, encoding="utf-8")
            else:
                shutil.copyfile(self.source, path)
        return f"OK {from_here(self.path)}"


def _files(
    project: Project,
    name: str,
    folder: Path,
    read: ReadTable,
    local: Path | None,
    kept_at: str | None,
) -> list[_File]:
    """Return the copy of the table and its catalog entry, as far as each is needed.

    ``local`` is ``None`` if the catalog has the table. A table that is ``kept_at`` its path or
    address is not copied.
    """
    if local is None:
        return []
    dataset = project.catalog.get(f"{name}.table")
    path = filepath_of(dataset)
    expected = Path(str(path)) if path is not None and is_local(dataset) else Path()
    files = []
    if kept_at is None:
        raw = expected.parent if expected.name else project.root / "data" / "01_raw"
        copy = raw / f"{name}{read.suffix}"
        files.append(_File(copy, source=local))
        kept_at = str(copy)
    filepath = kept_at if is_address(kept_at) else str(Path(kept_at).resolve())
    if not is_plain(read) or filepath != str(expected):
        place = escaped(filepath) if is_address(filepath) else _path(project, filepath)
        files.append(_File(folder / f"catalog_{name}.yml", entry_text(name, place, read)))
    return files


def _path(project: Project, filepath: str) -> str:
    """Return a path for a catalog, relative to the project and with the globals of its folders.

    An environment with results of its own has another ``data``, and the same ``tables``.
    """
    place = Path(filepath)
    path = place.relative_to(project.root) if place.is_relative_to(project.root) else place
    for name in ("tables", "data"):
        folder = Path(str(project.config["globals"].get(name, "")))
        if folder.name and path.is_relative_to(folder):
            return f"${{globals:{name}}}/{escaped(path.relative_to(folder).as_posix())}"
    return escaped(path.as_posix())


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{math.ceil(seconds / 10) * 10} seconds"
    if seconds < _MINUTE**2:
        return f"{math.ceil(seconds / _MINUTE)} minutes"
    return f"{seconds / _MINUTE**2:.1f} hours"
