"""``kedro study predict``: the saved networks of a complete run, applied to new rows."""

from __future__ import annotations

import importlib.util
import math
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from kedro.io import DatasetError

from dropnorm.cli.study.arguments import networks, of_project, of_study, versions
from dropnorm.cli.study.project import Project, open_project
from dropnorm.data.inspection.column_kinds import counted
from dropnorm.data.reading.fetching import fetched, is_address, local_path
from dropnorm.datasets.atomic_files import from_here, written_whole
from dropnorm.datasets.catalog_entries import load_table, local_file, table_checksum
from dropnorm.datasets.new_rows import read_new_rows
from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.evaluation.predictions.conformal import LEVEL
from dropnorm.pipelines.prediction import nodes
from dropnorm.study.arms import arm_names
from dropnorm.study.parsing import parse_recorded
from dropnorm.tasks.registry import task_of
from dropnorm.training.backend import check_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dropnorm.evaluation.predictions.conformal import Calibration
    from dropnorm.study.schema import Study

# Significant digits of predictions as text, those of their range, and the most of either; decimals
# at the most.
_DIGITS, _DIGITS_OF_RANGE, _MOST_DIGITS, _MOST_DECIMALS = 6, 4, 12, 15

# A name without an ending is one of CSV too.
_CSV_OR_PARQUET = re.compile(r"(?i:^[^.]+|\.csv(\.(gz|bz2|xz|zip|zst))?|\.txt|\.parquet)$")


@click.command("predict")
@of_study
@click.option(
    "--input",
    "source",
    metavar="PATH",
    type=click.Path(),
    required=True,
    help="Table of new rows, CSV or Parquet, with the study's input columns in any order; a file,"
    " or an address such as https://…",
)
@click.option(
    "--output",
    "place",
    metavar="PATH",
    type=click.Path(),
    required=True,
    help="Where the predictions go: a CSV file, or Parquet by its name.",
)
@click.option(
    "--variant",
    help="One of the networks that the run compares; the one that it recommends if left out.",
    shell_complete=networks,
)
@click.option(
    "--version",
    help="Of a complete run; the newest with the study's own options if left out.",
    shell_complete=versions,
)
@click.option(
    "--level",
    type=click.IntRange(min=50, max=99),
    metavar="PERCENT",
    help=f"Of new targets that the prediction interval of an amount is to hold, 50 to 99; {LEVEL}"
    " if left out.",
)
@click.option(
    "--mc-dropout",
    type=click.IntRange(min=2, max=10_000),
    metavar="DRAWS",
    help="Draw so many predictions of each replica with dropout at work, 10000 at the most, and add"
    " their interval.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT if it is there.")
@of_project
def predict_study(
    name: str,
    source: str,
    place: str,
    variant: str | None,
    version: str | None,
    level: int | None,
    mc_dropout: int | None,
    overwrite: bool,
    env: str | None,
    conf_source: str | None,
) -> None:
    """Predict new rows with what a run of the study NAME saved.

    OUTPUT has a line for each row of INPUT, in its order: 'row' (from 0), 'prediction' (mean over
    the replicas), 'sd', 'min' and 'max' over the replicas, all in the target's own units.
    'lower_90' and 'upper_90' are the ends of an interval that is to hold 90 % of new targets, or as
    many as --level says: it is from the residuals of rows that the networks did not train on. With
    --mc-dropout also 'mc_mean', 'mc_sd', 'mc_low' and 'mc_high', the interval in which 95 % of the
    draws lie (Gal and Ghahramani 2016): how unsure the networks are of their mean, without the
    scatter of single targets around it; it is said how many targets of the validation rows such
    intervals hold. Of a classification 'prediction' is the most probable class, and the numbers
    follow for each class, without an interval from residuals: 'probability_CLASS', 'sd_CLASS' and
    so on.
    """
    output = _output(place, overwrite=overwrite)
    check_engine()
    project = open_project(conf_source, env)
    project.check_study(name)
    _refuse_inputs(project, source, output)
    chosen = project.choose_version(name, version, "predict with")
    run = project.load(f"{name}.run", chosen)
    study = parse_recorded(name, run.options)
    if level is not None and study.class_column is not None:
        raise BadInputError(
            "--level: classes have probabilities and no interval; leave it out for a classification"
        )
    if variant is not None and variant not in (names := arm_names(study)):
        raise BadInputError(
            f"there is no variant '{variant}'{did_you_mean(variant, names)}"
            f" (variants: {', '.join(names)})"
        )
    with fetched(source) as file:
        table = read_new_rows(
            file, source, run, study.preprocessing, project.catalog.get(f"{name}.table")
        )
    variant = variant or _best_variant(project, study, chosen)
    preprocessors = project.load(f"{name}.preprocessors", chosen)
    saved = (
        run,
        preprocessors,
        project.load(f"{name}.{variant}.models", chosen),
        project.load(f"{name}.{variant}.training", chosen),
    )
    calibration, told = _calibrate(project, name, chosen, saved, level or LEVEL)
    try:
        predictions = nodes.predict(
            table, *saved, calibration, level=level or LEVEL, mc_dropout=mc_dropout or 0
        )
    except BadInputError as error:
        raise BadInputError(f"{source}: {error}") from error
    _write(predictions, output)
    click.echo(f"OK {output}: {counted(len(predictions), 'row')}, by {variant} of version {chosen}")
    if told:
        click.echo(told)
    if mc_dropout:
        _tell_coverage(project, name, chosen, saved, mc_dropout)


def _calibrate(
    project: Project, study: str, version: str, saved: tuple[Any, ...], level: int
) -> tuple[Calibration | None, str]:
    """Gather the residuals for an interval, and say what it rests on, or why there is none."""
    run, *_, training = saved
    try:
        predictions, split = (
            project.load(f"{study}.{name}", version)
            for name in (f"{training.variant}.validation_predictions", "split")
        )
    except DatasetError as error:
        return None, f"No {level} % interval: {in_one_line(error)}"
    calibration = nodes.calibrate(predictions, split, run, training)
    if calibration is None:
        return None, ""
    return calibration, nodes.tell_interval(calibration, level, run, training)


def _tell_coverage(
    project: Project, study: str, version: str, saved: tuple[Any, ...], mc_dropout: int
) -> None:
    """Say how many targets of the validation rows the intervals hold, if the table is the run's."""
    run, *_ = saved
    own = table_checksum(project.catalog.get(f"{study}.table"))
    if own is None or own != run.table.sha256:
        click.echo(
            "How many targets the interval of MC dropout holds is not known: the table of the study"
            " is not the one that the run read."
        )
        return
    options = parse_recorded(run.study, run.options)
    table = load_table(study, project.catalog, options.split)
    split = project.load(f"{study}.split", version)
    coverage = nodes.cover_targets(table, split, *saved, mc_dropout=mc_dropout)
    if coverage is not None:
        click.echo(coverage.sentence())
        finding = coverage.finding()
        if finding and finding.code.code not in parse_recorded(study, run.options).silence:
            click.echo(f"Warning: {finding.line()}")


def _output(place: str, *, overwrite: bool) -> Path:
    """Return where predictions go; refuse what cannot be written before anything is predicted."""
    output = Path(place)
    if is_address(place):
        raise BadInputError(
            f"--output: {place} is an address; predictions go to a file, by its path"
        )
    if output.is_dir() or place.endswith(("/", os.sep)):
        raise BadInputError(f"--output: {output} is a folder; predictions go to a file")
    if output.exists() and not output.is_file():
        raise BadInputError(
            f"--output: {output} is a device, a pipe or a socket; predictions go to a file"
        )
    if not _CSV_OR_PARQUET.search(output.name):
        raise BadInputError(
            f"--output: {output} is named as another kind of file; predictions are written as .csv"
            " (or .csv.gz) or as .parquet"
        )
    if output.suffix.lower() == ".zst" and importlib.util.find_spec("zstandard") is None:
        raise BadInputError(
            f"--output: {output} needs the package zstandard, which is not installed; take another"
            " ending, such as .csv.gz"
        )
    nearest = next(folder for folder in output.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise BadInputError(f"--output: {from_here(nearest)} is a file, and no folder for {output}")
    if output.exists() and not overwrite:
        raise BadInputError(f"{output} is there already; --overwrite replaces it")
    return output


def _refuse_inputs(project: Project, source: str, output: Path) -> None:
    """Refuse to write over the new rows, or over any study's table, also behind links."""
    if not output.exists():
        return
    rows = local_path(source)
    if rows is not None and rows.exists() and output.samefile(rows):
        raise BadInputError(
            f"--output: {output} is the file of --input, which is not written over; take another"
            " name"
        )
    for study in project.config.studies():
        table = local_file(project.catalog.get(f"{study}.table"))
        if table is not None and output.samefile(table):
            raise BadInputError(
                f"--output: {output} is the table of the study '{study}', which is not written"
                " over; take another name"
            )


def _best_variant(project: Project, study: Study, version: str) -> str:
    """Return the network that the run recommends; of none, that with the least validation error."""
    found: Mapping[str, Any] = project.load(f"{study.name}.effects", version)
    recommendation = found.get("recommendation", {})
    # Records of version 0.2.0 do not name the network where they recommend a reference model.
    recommended = recommendation.get("network") or recommendation.get("use")
    if recommended in arm_names(study):
        return str(recommended)
    comparison: pd.DataFrame = project.load(f"{study.name}.comparison", version)
    # Not by the last loss: with early stopping, the networks have the weights of another epoch.
    error = f"validation_{task_of(study).error(study).name}"
    finite = comparison.dropna(subset=error)
    if finite.empty:
        raise BadInputError(
            f"all variants of version {version} of the study '{study.name}' diverged, and cannot"
            " predict"
        )
    return str(finite.sort_values(error)["variant"].iloc[0])


def _write(predictions: pd.DataFrame, output: Path) -> None:
    # A link stays: what reads the file behind it reads the predictions.
    place = Path(os.path.realpath(output)) if output.is_symlink() else output
    try:
        with written_whole(place) as path:
            if output.suffix.lower() == ".parquet":
                predictions.to_parquet(path, index=False)
            else:
                written = partial(_written, decimals=_decimals_of_range(predictions))
                predictions.to_csv(path, index=False, float_format=written)
    except OSError as error:  # names a temporary file, or none
        why = error.strerror or in_one_line(error)
        raise BadInputError(f"--output: {output} cannot be written: {why}") from error


def _decimals_of_range(predictions: pd.DataFrame) -> int:
    """Return the decimals that tell amounts apart that are close together and far from zero."""
    numbers = predictions.drop(columns=["row", "sd", "mc_sd"], errors="ignore")
    values = numbers.select_dtypes("number").to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    spread = float(np.ptp(values)) if values.size else 0.0
    return _DIGITS_OF_RANGE - 1 - math.floor(math.log10(spread)) if spread else 0


def _written(value: Any, decimals: int) -> str:
    """Write a number with the digits that a network's float32 has, and no exponent.

    Args:
        value: The number.
        decimals: The fewest, up to twelve digits.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    wanted = max(_DIGITS - 1 - size, min(decimals, _MOST_DIGITS - 1 - size), 0)
    return f"{value:.{min(wanted, _MOST_DECIMALS)}f}"
