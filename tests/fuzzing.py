"""Throws what nobody would write at all that reads, parses and checks; run it for a long go.

    python tests/fuzzing.py --examples 20000

Whatever comes in, it is used or refused with a message: any other exception is a fault. So many
examples are drawn for each of the five ways in; the tests draw a few of each.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gzip
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.config import MissingConfigException
from kedro.framework.project import configure_project
from kedro.io import DataCatalog, DatasetError

from conftest import ROOT
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.data.inspection.checks import check_study_table
from dropnorm.data.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.data.reading.readers import read_table
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets import RunRecordDataset
from dropnorm.datasets.catalog_entries import load_table
from dropnorm.errors import BadInputError
from dropnorm.study.parsing import parse_study
from random_studies import made_up, study_of

if TYPE_CHECKING:
    from collections.abc import Callable

# How often each way in ended how.
OUTCOMES: Counter[tuple[str, str]] = Counter()

_WINE = (ROOT / "conf/base/parameters/wine.yml").read_text()
_STUDY = yaml.safe_load(_WINE)["wine"]
_CSV = b"x;kind,y\n1.5;a,2\n-3;b,1e3\n;c d,\n"
_PARTS = st.sampled_from(
    [b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b'"', b"''", b"\0", b"\xff\xfe",
     b"\xef\xbb\xbf", b"\x1f\x8b", b"PAR1", b"x", b"y", b"1", b"-1.5", b"1,5", b"nan", b"inf",
     b"1e999", b"#", b" ",
     "é".encode("latin-1"), "é".encode(), "😀".encode("utf-16"), b"\\", b"x,y\n1,2\n", b"9" * 400]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(),
    st.binary(max_size=4),
    st.sampled_from(["random", "wine", "quality", "alcohol", "${oc.env:HOME}", "${globals:data}"]),
)  # fmt: skip
KEYS = st.one_of(st.text(max_size=8), st.none(), st.booleans(), st.integers(), st.dates())
THINGS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
LINES = st.one_of(
    st.sampled_from(
        ["a: !!python/object/apply:os.system ['exit 1']", "!!python/name:os.system ", "a: &a [*a]",
         "<<: *b", "wine: {}", "wine:", "- a", "? [a]\n: b", "a: ${a}", "a: ${oc.env:HOME}",
         "a: ${nope:1}", "wine: ${globals:nope}", "\t", "...", "---", "%YAML 9.9", "{", "[", '"',
         "../x: {a: 1}", "a.b: {c: 1}", "a{b}: {c: 1}", "1: {a: 1}", "null: {a: 1}", "? {}\n: {}",
         "_: {a: 1}", "wine: !!set {a}", "a: 2024-99-99", "a: !!binary x", "a: ???"]
    ),
    st.text(max_size=30),
    st.builds(lambda key, value: yaml.safe_dump({key: value}), st.text(max_size=5), SCALARS),
)  # fmt: skip


@contextlib.contextmanager
def _counted(what: str, *refusals: type[Exception]) -> Any:
    """Count what is used and what is refused; a refusal has a message, and not many lines."""
    try:
        yield
    except refusals as error:
        OUTCOMES[what, "refused" if str(error).strip() else "refused without a message"] += 1
    else:
        OUTCOMES[what, "used"] += 1


def _spoilt(content: bytes) -> st.SearchStrategy[bytes]:
    """Replace some bytes of a content, anywhere, by others."""
    cut = st.integers(0, len(content))
    return st.lists(st.tuples(cut, cut, _PARTS), min_size=1, max_size=4).map(
        lambda cuts: _replaced(content, cuts)
    )


def _replaced(content: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for first, last, new in cuts:
        content = content[: min(first, last)] + new + content[max(first, last) :]
    return content


def _parquet() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "x.parquet")
        pd.DataFrame({"x": [1.5, None], "y": [1, 2]}).to_parquet(file)
        return file.read_bytes()


FILES = st.one_of(
    st.binary(max_size=60),
    st.lists(_PARTS, max_size=20).map(b"".join),
    _spoilt(_CSV),
    _spoilt(gzip.compress(_CSV)),
    _spoilt(_parquet()),
)


@given(content=FILES, suffix=st.sampled_from([".csv", ".csv.gz", ".parquet", ".tsv", ""]))
def files(content: bytes, suffix: str) -> None:
    """Bytes of a file, to be looked at by ``study new`` and loaded by a run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"x{suffix}")
        file.write_bytes(content)
        with _counted("files", BadInputError):
            read_table(file)
        entry = {"type": "pandas.CSVDataset", "filepath": str(file)}
        with _counted("files", BadInputError):
            load_table("x", DataCatalog.from_config({"x.table": entry}))


@st.composite
def _options(draw: st.DrawFn) -> object:
    """Draw a study with some of its options gone, changed or new."""
    study = copy.deepcopy(_STUDY)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = study
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = draw(st.sampled_from(list(keys))) if len(keys) else "new"
            inner = place[key] if len(keys) else None
            if not isinstance(inner, dict | list) or not draw(st.booleans()):
                break
            place = inner
        match draw(st.sampled_from(["change", "remove", "add"])):
            case "remove" if len(keys):
                del place[key]
            case "add" if isinstance(place, dict):
                place[draw(st.text(max_size=8))] = draw(THINGS)
            case _ if isinstance(place, dict) or len(keys):
                place[key] = draw(THINGS)
    return study


@given(options=st.one_of(_options(), THINGS))
def studies(options: object) -> None:
    """What stands below a study's name."""
    with _counted("studies", BadInputError):
        parse_study("wine", options)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    lines = _WINE.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(lines))] * 2)))
        lines[first : last if draw(st.booleans()) else first] = [draw(LINES)]
    return "\n".join(lines)


@given(text=st.one_of(_texts(), st.text(max_size=40), LINES, THINGS.map(yaml.dump)))
def texts(text: str) -> None:
    """Text of a study's file, read as a run and as a list of the studies reads it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "base", "parameters")
        place.mkdir(parents=True)
        (place / "wine.yml").write_text(text, encoding="utf-8", errors="surrogatepass")
        (place.parent / "globals.yml").write_text("data: data\n")

        def loader() -> StudyConfigLoader:
            return StudyConfigLoader(folder, base_env="base", default_run_env="base")

        with _counted("texts", BadInputError, MissingConfigException):
            config = loader()
            for name in config["parameters"]:
                with contextlib.suppress(BadInputError):
                    config.study(name)
        with _counted("texts", BadInputError):
            loader().studies()


CONVERSIONS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "as it is": lambda values: values,
    "category": lambda values: values.astype(str).astype("category"),
    "text": lambda values: values.astype("string"),
    "whole": lambda values: pd.to_numeric(values, errors="coerce").round().astype("Int64"),
    "decimal": lambda values: values.map(lambda one: Decimal(str(one)), na_action="ignore"),
    "bytes": lambda values: values.map(lambda one: str(one).encode("utf-8", "replace")),
    "dates": lambda values: pd.to_datetime(values.index.to_series(), unit="D", utc=True),
    "spans": lambda values: pd.to_timedelta(values.index.to_series(), unit="D"),
    "complex": lambda values: pd.to_numeric(values, errors="coerce").astype(complex),
    "tuples": lambda values: values.map(lambda one: (one, 1)),
    "sparse": lambda values: pd.to_numeric(values, errors="coerce").astype("Sparse[float]"),
    "objects": lambda values: values.map(lambda _: object()),
    "truth": lambda values: values.notna(),
}


@given(made=made_up(), kinds=st.lists(st.sampled_from(list(CONVERSIONS)), max_size=2),
       place=st.integers(0, 5))  # fmt: skip
def tables(made: tuple[pd.DataFrame, dict[str, Any]], kinds: list[str], place: int) -> None:
    """A table of columns of any kind, on its way to the networks."""
    table, options = made
    for number, kind in enumerate(kinds):
        column = table.columns[(place + number) % len(table.columns)]
        with contextlib.suppress(ValueError, TypeError, ArithmeticError):  # is no such column
            table = table.assign(**{column: CONVERSIONS[kind](table[column])})
    with _counted("tables", BadInputError):
        study = study_of(**options)
        rows = check_table(table, study)
        split = assign_parts(rows, study)
        fitted = fit_preprocessor(rows, split, 0, study)
        make_split_inputs(rows, split, 0, fitted, study)
        check_study_table(table, study, split)


_RECORD = b'{"version": "1", "files": [{"path": "a", "sha256": "0", "bytes": 1}]}'
RECORDS = st.one_of(
    st.binary(max_size=40),
    THINGS.map(lambda thing: json.dumps(thing, default=str, skipkeys=True).encode()),
    _spoilt(_RECORD),
)


@given(content=RECORDS)
def records(content: bytes) -> None:
    """What stands in a ``run.json``."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "08_reporting", "wine", "run.json", "1", "run.json")
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        record = RunRecordDataset(filepath=str(file.parents[1]))
        with _counted("records", DatasetError):
            record.check_files("1", file)


WAYS_IN: dict[str, Callable[[], None]] = {
    "files": files, "studies": studies, "texts": texts, "tables": tables, "records": records,
}  # fmt: skip


def fuzz(name: str, examples: int) -> None:
    """Draw examples of one way in.

    Raises:
        Exception: That of the simplest example that was neither used nor refused.
    """
    settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )(WAYS_IN[name])()


def main() -> None:
    """Fuzz all ways in, or some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", default=list(WAYS_IN), metavar="|".join(WAYS_IN))
    parser.add_argument("--examples", type=int, default=1000)
    options = parser.parse_args()
    configure_project("dropnorm")
    logging.disable(logging.WARNING)  # Kedro tells of everything that it loads
    for name in options.ways:
        began = time.perf_counter()
        fuzz(name, options.examples)
        found = {how: count for (what, how), count in OUTCOMES.items() if what == name}
        seconds = time.perf_counter() - began
        sys.stdout.write(f"{name}: {options.examples} examples, {found}, {seconds:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
