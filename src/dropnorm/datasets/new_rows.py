"""Read new rows as the table that a run was trained on."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.new_rows import InputFormats, read_alike
from dropnorm.datasets.kedro_compat import CSVDataset, load_args_of
from dropnorm.datasets.pandas_csv import column_formats, read_csv_with
from dropnorm.datasets.table import TableDataset

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from kedro.io import AbstractDataset

    from dropnorm.evaluation.records import RunRecord
    from dropnorm.study.preprocessing import Preprocessing

logger = logging.getLogger(__name__)


def read_new_rows(
    file: Path,
    known_as: str,
    run: RunRecord,
    preprocessing: Preprocessing,
    table: AbstractDataset[Any, Any] | None,
) -> pd.DataFrame:
    """Read a file of new rows, whose inputs are written as in the table of a run.

    Args:
        file: File to read.
        known_as: Name of the file in messages.
        run: Record of the run.
        preprocessing: Preprocessing of the run's study.
        table: Catalog entry of the run's table, if there is one.

    Raises:
        BadInputError: If the file cannot be read.
    """
    inputs = input_formats(run, preprocessing, table)
    if inputs is not None:
        return _read(file, inputs, known_as)
    options, names = load_args_of(table), set(preprocessing.columns)
    found = read_csv_with(options, file, preprocessing.categories)
    if found is not None and names <= set(map(str, found.columns)):
        return found
    texts = dict.fromkeys(preprocessing.categories, ColumnFormat(type="text"))
    return _read(file, InputFormats(preprocessing.columns, texts), known_as)


def _read(file: Path, inputs: InputFormats, known_as: str) -> pd.DataFrame:
    read = read_alike(file, inputs, known_as=known_as)
    for warning in read.warnings:
        logger.warning("%s: %s", known_as, warning)
    return read.table


def input_formats(
    run: RunRecord, preprocessing: Preprocessing, table: AbstractDataset[Any, Any] | None
) -> InputFormats | None:
    """Return the formats of the input columns of a run's table, from the record of the run.

    If the record has no formats, they follow from the ``load_args`` of a pandas entry in the
    catalog, or else from the preprocessing.

    Returns:
        The formats, or ``None`` if the ``load_args`` cannot be expressed as formats.
    """
    inputs = _written(run, preprocessing, table)
    if inputs is None:
        return None
    whole = set(run.table.whole)
    columns = {
        name: column.model_copy(update={"whole": name in whole and column.type == "number"})
        for name, column in inputs.columns.items()
    }
    return replace(inputs, columns=columns)


def _written(
    run: RunRecord, preprocessing: Preprocessing, table: AbstractDataset[Any, Any] | None
) -> InputFormats | None:
    names = preprocessing.columns
    if (written := format_of(run)) is not None:
        columns = {name: written.columns.get(name, ColumnFormat()) for name in names}
        return InputFormats(names, columns, written)
    if isinstance(table, CSVDataset):
        options = load_args_of(table)
        known = column_formats(options, preprocessing.numbers, preprocessing.categories)
        if known is None:
            return None
        separator = str(options.get("sep", options.get("delimiter", ",")))
        return InputFormats(
            names, known, TableFormat(sep=separator) if len(separator) == 1 else None
        )
    texts = dict.fromkeys(preprocessing.categories, ColumnFormat(type="text"))
    return InputFormats(names, texts, table.format if isinstance(table, TableDataset) else None)


def format_of(run: RunRecord) -> TableFormat | None:
    """Return the format of a run's table, if its record has one."""
    written = run.table.format
    return None if written is None else TableFormat.model_validate(written)
