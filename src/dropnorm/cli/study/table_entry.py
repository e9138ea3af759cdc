"""The catalog's entry of a study's table, with the reason of everything that it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import OmegaConf

from dropnorm.cli.study.yaml_text import flow, templates
from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropnorm.data.reading.readers import ReadTable

_TEXT = "dropnorm.datasets.TableDataset"
_PLAIN_COLUMNS = (ColumnFormat(), ColumnFormat(type="text"))


def texts_of(table_format: TableFormat | None) -> frozenset[str]:
    """Return the columns that are read as text."""
    columns = {} if table_format is None else table_format.columns
    return frozenset(name for name, column in columns.items() if column.type == "text")


def is_plain(read: ReadTable) -> bool:
    """Tell whether a table needs no word in the catalog about how it is written."""
    return read.format is not None and not read.warnings and not any(described(read))


def described(read: ReadTable) -> Iterator[tuple[str, str, str]]:
    """Yield what is not plain about a file: key or column, how it is written, and the reason."""
    if read.format is None:
        return
    for key, value in _file(read.format).items():
        yield key, flow(value), read.reasons.get(key, "")
    for name, column in read.format.columns.items():
        if name in read.reasons or column not in _PLAIN_COLUMNS:
            yield name, flow(_dumped(column)), read.reasons.get(name, "")


def entry_text(name: str, filepath: str, read: ReadTable) -> str:
    """Return the text of the entry.

    Args:
        name: Of the study.
        filepath: As the catalog has it, escaped for OmegaConf.
        read: The table, and how it is written.

    Raises:
        BadInputError: If the name of a column cannot be written in YAML.
    """
    written = None if is_plain(read) else read.format
    columns = {} if written is None else written.columns
    text = (
        templates()
        .get_template("catalog.yml.j2")
        .render(
            name=name,
            type="pandas.ParquetDataset" if read.format is None else _TEXT,
            filepath=yaml.safe_dump(filepath, width=10**9).removesuffix("\n").removesuffix("\n..."),
            reasons=read.reasons,
            warnings=read.warnings,
            file={} if written is None else _file(written),
            columns={key: _dumped(one) for key, one in columns.items() if _dumped(one)},
        )
    )
    if written is not None and _read_back(name, text) != written:
        raise BadInputError("a column's name cannot be written in YAML; rename it")
    return text


def _file(table_format: TableFormat) -> dict[str, Any]:
    return table_format.model_dump(mode="json", exclude_defaults=True, exclude={"columns"})


def _dumped(column: ColumnFormat) -> dict[str, Any]:
    return column.model_dump(mode="json", exclude_defaults=True)


def _read_back(name: str, text: str) -> TableFormat | None:
    """Read the YAML as Kedro will."""
    try:
        entries: Any = OmegaConf.to_container(OmegaConf.create(text))
        return TableFormat.model_validate(entries[f"{name}.table"]["format"])
    except (ValueError, KeyError, yaml.YAMLError):
        return None
