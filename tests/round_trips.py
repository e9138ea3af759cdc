"""Write random tables in many formats and read them again.

    python tests/round_trips.py --examples 5000

The reader must return the values that were written, or refuse the table in one line, or ask for
the decimal mark and thousands separator and then return the values. Anything else is an error.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.data.reading.readers import read_table
from dropnorm.errors import BadInputError
from written_tables import Spelling, Written, written

# Counts of outcomes, of format features among the tables, and of messages.
OUTCOMES: Counter[str] = Counter()
KINDS: Counter[str] = Counter()
REFUSALS: Counter[str] = Counter()


def difference(read: pd.DataFrame, meant: pd.DataFrame) -> str:
    """Return the first value that differs from the one written, or an empty text."""
    if list(read.columns) != list(meant.columns):
        return f"columns {list(read.columns)} for {list(meant.columns)}"
    if list(read.index) != list(meant.index):
        return f"rows {list(read.index)[:5]} … for {list(meant.index)[:5]} …"
    for name in meant:
        is_number = pd.api.types.is_numeric_dtype(read[name])
        for row, (got, want) in enumerate(zip(read[name], meant[name], strict=True)):
            if want is None:
                if not pd.isna(got):
                    return f"{name}, row {row}: {got!r} for a gap"
            elif isinstance(want, str):
                if is_number or got != want.strip():
                    return f"{name}, row {row}: {got!r} for {want!r}"
            elif not is_number or not (got == want or float(got) == float(want)):
                return f"{name}, row {row}: {got!r} for {want!r}"
    return ""


def kinds(how: Spelling) -> list[str]:
    """Return what is unusual about the format of a table."""
    unusual = {
        f"separated by {how.sep!r}": how.sep != ",",
        "decimal commas": how.decimal == ",",
        f"{how.thousands!r} between thousands": how.thousands is not None,
        f"in {how.encoding}": how.encoding != "utf-8",
        "surplus fields": how.surplus != "none",
        "lines above the header": bool(how.above),
        "comments": how.comments,
        "names of rows": how.row_names,
        f"packed: {how.compression}": bool(how.compression),
        "lines end in \\r": how.newline == "\r",
        "rows that lack fields": how.short,
        "blanks around values": bool(how.blank),
    }
    return [kind for kind, is_so in unusual.items() if is_so]


def check(made: Written) -> str:
    """Read a file, and count the outcome.

    Returns:
        What is wrong, or an empty text.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "table")
        file.write_bytes(made.content)
        how = made.spelling
        try:
            read = read_table(file)
        except BadInputError as error:
            message = str(error).removeprefix(f"{file}: ")
            if "\n" in message or len(message) > 500:
                return f"a message of several lines, or a long one: {message}"
            if "can be read in two ways" not in message:
                OUTCOMES["refused"] += 1
                REFUSALS[message[:60]] += 1
                return ""
            OUTCOMES["asked"] += 1
            try:
                read = read_table(file, decimal=how.decimal, thousands=how.thousands)
            except BadInputError as error:
                return f"refused with both marks given: {error}"
        else:
            OUTCOMES["read"] += 1
        if wrong := difference(read.table, made.values):
            column = wrong.split(", row ")[0]
            if not any(f"column '{column}' is read as text" in one for one in read.warnings):
                return wrong
            OUTCOMES["numbers kept as text, with a warning"] += 1
        again = read_table(file, read.format)
        pd.testing.assert_frame_equal(again.table, read.table)
        assert read.format is not None
        columns = {name: read.format.columns.get(name, ColumnFormat()) for name in read.table}
        new = read_table(file, columns=columns)
        pd.testing.assert_frame_equal(new.table, read.table)
    return ""


@given(rnd=st.randoms(use_true_random=True))
def round_trips(rnd: random.Random) -> None:
    """Write a table, and read it again."""
    made = written(rnd)
    wrong = check(made)
    if wrong:
        OUTCOMES["wrong"] += 1
    assert not wrong, f"{wrong}\n{made.spelling}\n{made.content[:1500]!r}"


def main() -> None:
    """Write and read tables, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first table")
    parser.add_argument("--all", action="store_true", help="continue after an error")
    options = parser.parse_args()
    began = time.perf_counter()
    for seed in range(options.seed, options.seed + options.examples):
        made = written(random.Random(seed))  # noqa: S311
        KINDS.update(kinds(made.spelling))
        try:
            wrong = check(made)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            OUTCOMES["wrong"] += 1
            sys.stdout.write(f"seed {seed}: {wrong}\n{made.spelling}\n{made.content[:700]!r}\n")
            if not options.all:
                sys.exit(1)
    seconds = time.perf_counter() - began
    sys.stdout.write(f"{options.examples} tables, {dict(OUTCOMES)}, {seconds:.0f} s\n")
    for kind, count in sorted(KINDS.items()):
        sys.stdout.write(f"{count} with {kind}\n")
    for message, count in REFUSALS.most_common():
        sys.stdout.write(f"{count} refused: {message} …\n")


if __name__ == "__main__":
    main()
