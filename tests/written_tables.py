"""Tables of known values, written in many spellings: those of people and of programs.

What the writer does is known from what is found in files, not from how the reader reads.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

# Decimal mark and mark between thousands, as they go together, and separators beside which programs
# write them. A comma-separated file with 1.234 for 1234 is told from one with fractions by nobody.
LOCALES: list[tuple[str, str | None, str]] = [
    (".", None, ",;\t|"),
    (".", ",", ",;\t|"),
    (".", "'", ",;\t|"),
    (".", "’", ",;\t|"),
    (".", " ", ",;\t|"),
    (".", "\u2009", ",;\t|"),
    (".", "_", ",;\t|"),
    (",", None, ",;\t|"),
    (",", ".", ";\t|"),
    (",", " ", ",;\t|"),
    (",", "\u00a0", ",;\t|"),
    (",", "\u202f", ",;\t|"),
    (",", "'", ";\t|"),
]
WORDS = [
    "Berlin", "München", "Köln", "rot", "blau", "Sleep Apnea", "x", "y", "État", "naïve", "a,b",
    "c; d", "e|f", 'say "hi"', "it's", "two\nlines", "50 cm x 3", "A12", "n/k", ">50K", "<=50K",
    "#1", "12a", "–", "a\tb",
]  # fmt: skip
ABSENT = ["None", "NA", "null", "nan", "N/A", "NULL", "NaN", "n/a"]
GAPS = ["?", "NA", "n/a", "-", "NaN", "null", "--", ".", "missing", "None", "#N/A"]
NAMES = [
    "Größe", "price", "area (m²)", "Gewicht, kg", "a;b", "town", "x 1", "y", "n", "Preis €", "État",
    "date", "code", "the \"quoted\"", "size|cm", "class", "None", "id", "PM2.5", "2020 total",
]  # fmt: skip


@dataclass
class Spelling:
    """How a file is written."""

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    minus: str = "-"
    quoting: str = "minimal"
    blank: str = ""
    encoding: str = "utf-8"
    newline: str = "\n"
    surplus: str = "none"
    above: list[str] = field(default_factory=list)
    comments: bool = False
    below: str = ""
    row_names: bool = False
    compression: str = ""
    last_newline: bool = True
    blank_lines: bool = False
    short: bool = False


@dataclass
class Written:
    """A file, and the values that are in it."""

    content: bytes
    values: pd.DataFrame
    spelling: Spelling


def number(value: float, how: Spelling, places: int | None) -> str:
    """Spell a number, its fraction to so many places or as short as can be."""
    if places is None:
        text = repr(abs(value))
        whole, _, fraction = text.partition(".")
        if "e" in text:
            return ("-" if value < 0 else "") + text.replace(".", how.decimal)
        fraction = "" if fraction == "0" else fraction
    else:
        whole, _, fraction = f"{abs(value):.{places}f}".partition(".")
    if how.thousands is not None and len(whole) > 3:
        first = len(whole) % 3 or 3
        parts = [whole[:first]] + [whole[i : i + 3] for i in range(first, len(whole), 3)]
        whole = how.thousands.join(parts)
    text = whole + (how.decimal + fraction if fraction else "")
    return (how.minus if math.copysign(1, value) < 0 else "") + text


Column = tuple[list[Any], list[str]]


def floats(rnd: random.Random, rows: int, how: Spelling) -> Column:
    """Numbers with fractions: as short as can be, or all with as many places."""
    places = rnd.choice([None, None, 1, 2, 3, 4])
    size = rnd.choice([1, 30, 1000, 50_000, 10**7])
    low = rnd.choice([0, 0, -size])
    values = [round(rnd.uniform(low, size), places or rnd.randint(0, 6)) for _ in range(rows)]
    if rnd.random() < 0.1:
        values[rnd.randrange(rows)] = rnd.choice([1e-12, 1.5e300, 0.1 + 0.2, 5e-324, 2.0**60])
        places = None
    return values, [number(value, how, places) for value in values]


def integers(rnd: random.Random, rows: int, how: Spelling) -> Column:
    """Whole numbers."""
    low, high = rnd.choice([(0, 1), (1, 9), (0, 999), (200, 60_000), (-5000, 5000), (1000, 999_999),
                            (10**6, 10**9), (0, 2**53)])  # fmt: skip
    values = [rnd.randint(low, high) for _ in range(rows)]
    return list(values), [number(value, how, 0) for value in values]


def money(rnd: random.Random, rows: int, how: Spelling) -> Column:
    """Amounts and shares, with signs."""
    before, behind, places = rnd.choice(
        [("$", "", 2), ("$", "", 0), ("€ ", "", 2), ("", " €", 2), ("", " €", 0), ("", "%", 1),
         ("", " %", 2), ("", "\u202f%", 1), ("£", "", 0), ("CHF ", "", 2), ("", " kg", 1),
         ("", " km", 0), ("", "kg", 2), ("", " years", 0), ("US$", "", 2)]
    )  # fmt: skip
    size = rnd.choice([100, 100_000])
    values = [round(rnd.uniform(0, size), places) for _ in range(rows)]
    spelt = [number(value, how, places) for value in values]
    return values, [f"{before}{text}{behind}" for text in spelt]


def ledger(rnd: random.Random, rows: int, how: Spelling) -> Column:
    """Amounts below zero in parentheses, or with the minus behind."""
    left, right = rnd.choice([("(", ")"), ("", "-")])
    values = [round(rnd.uniform(-900, 20_000), 2) for _ in range(rows)]
    spelt = [number(abs(value), how, 2) for value in values]
    return values, [
        f"{left}{text}{right}" if value < 0 else text
        for value, text in zip(values, spelt, strict=True)
    ]


def codes(rnd: random.Random, rows: int, _: Spelling) -> Column:
    """Digits that are no amounts: postcodes, ids of 19 digits, phones."""
    kind = rnd.choice(["zeros", "ids", "mixed", "phone"])
    if kind == "zeros":
        width = rnd.randint(2, 6)
        values = [str(rnd.randrange(10**width)).zfill(width) for _ in range(rows)]
        values[0] = "7".zfill(width)
    elif kind == "ids":
        values = [str(rnd.randrange(10**18, 10**19)) for _ in range(rows)]
    elif kind == "phone":
        values = [f"+49{rnd.randrange(10**8, 10**9)}" for _ in range(rows)]
    else:
        values = [rnd.choice(["01", "02", "A", "B", "10"]) for _ in range(rows)]
        values[0] = "A"
    return list(values), list(values)


def texts(rnd: random.Random, rows: int, _: Spelling) -> Column:
    """Categories, among them words that may mean that there is none."""
    pool = rnd.sample(WORDS, rnd.randint(1, 6)) + rnd.sample(ABSENT, rnd.randint(0, 2))
    values = [rnd.choice(pool) for _ in range(rows)]
    values[rnd.randrange(rows)] = rnd.choice(["rot", "Berlin", "Köln"])
    padded = rnd.random() < 0.2
    return list(values), [f" {value} " if padded else value for value in values]


def flags(rnd: random.Random, rows: int, _: Spelling) -> Column:
    """Truth values and dates, which keep their spelling."""
    pool = rnd.choice(
        [["TRUE", "FALSE"], ["true", "false"], ["True", "False"], ["2024-01-31", "1999-12-01"],
         ["31.12.2024", "01.02.2023"], ["12/31/24", "1/2/23"], ["12:30", "9:05"]]
    )  # fmt: skip
    values = [rnd.choice(pool) for _ in range(rows)]
    return list(values), list(values)


KINDS: list[Callable[[random.Random, int, Spelling], Column]] = [
    floats, floats, integers, integers, money, ledger, codes, texts, texts, flags,
]  # fmt: skip
NUMBERS = (floats, integers, money, ledger)


def spelling(rnd: random.Random) -> Spelling:
    """Draw how a file is written: most files are plain in most ways."""

    def rarely(plain: Any, *others: Any) -> Any:
        return plain if rnd.random() < 0.6 else rnd.choice(others)

    decimal, thousands, separators = rnd.choice(LOCALES)
    encoding = rarely("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
    how = Spelling(
        sep=rnd.choice(separators),
        decimal=decimal,
        thousands=thousands,
        minus=rarely("-", "-", "\u2212"),
        quoting=rarely("minimal", "all", "texts"),
        blank=rarely("", "", " "),
        encoding=encoding,
        newline=rarely("\n", "\r\n", "\r\n", "\r"),
        surplus=rarely("none", "none", "rows", "some", "header"),
        row_names=rnd.random() < 0.08,
        compression=rarely("", "", "gz", "bz2", "xz", "zip"),
        last_newline=rnd.random() < 0.8,
        blank_lines=rnd.random() < 0.1,
        short=rnd.random() < 0.1,
    )
    if how.encoding == "cp1252":
        how.minus = "-"
        how.thousands = {"\u2009": " "}.get(str(thousands), thousands)
    if how.row_names:
        how.surplus = "none"
    match rarely("", "", "", "sep", "preamble", "comments"):
        case "sep":
            how.above = [f"sep={how.sep}"]
        case "preamble":
            how.above = rnd.choice(
                [["Sales report"], ["Source: registry", ""], ["Title", "of 3 May", ""],
                 [f'"Data Source"{how.sep}"World Development"', "", "Updated", ""]]
            )  # fmt: skip
            how.row_names = False
        case "comments":
            how.comments = True
            how.above = ["# written by a tool", "# operator, AB"]
            how.below = rnd.choice(["", "# end"])
    return how


def field_of(text: str, how: Spelling, is_text: bool) -> str:
    """Quote a field as its file does."""
    must = any(mark in text for mark in (how.sep, '"', "\n", "\r")) or (
        how.comments and text.startswith("#")
    )
    if must or how.quoting == "all" or (how.quoting == "texts" and is_text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def lines_of(
    names: list[str], cells: list[list[str]], kinds: list[bool], how: Spelling
) -> list[str]:
    """Write the lines of a file; cells and whether they are numbers come by column."""
    rows = len(cells[0])
    lines = [*how.above]
    header = [field_of(name, how, True) for name in names]
    body = []
    for row in range(rows):
        fields = [
            field_of(spelt[row], how, not number)
            for spelt, number in zip(cells, kinds, strict=True)
        ]
        if how.row_names:
            fields.insert(0, f'"{row + 1}"')
        body.append(fields)
    lines.append((how.sep + how.blank).join(header) + (how.sep if how.surplus == "header" else ""))
    for row, fields in enumerate(body):
        ends = how.surplus in ("rows", "header") or (how.surplus == "some" and row % 3 == 0)
        if how.short and not ends and row < rows - 1:
            while len(fields) > 2 and not fields[-1]:
                fields.pop()
        lines.append((how.sep + how.blank).join(fields) + (how.sep if ends else ""))
        if how.blank_lines and row % 4 == 1:
            lines.append("")
    if how.below:
        lines.append(how.below)
    return lines


def written(rnd: random.Random) -> Written:
    """Draw a table and a spelling, and write it."""
    how = spelling(rnd)
    rows = rnd.choice([1, 2, 5, 12, 40, 300])
    names = rnd.sample(NAMES, rnd.choice([1, 2, 3, 4, 5, 6, 12]))
    if len(names) == 1:  # an empty line is no row, and a preamble no narrower than the table
        how.row_names, how.surplus, how.short, how.above = False, "none", False, []
        how.comments, how.below = False, ""
        names = rnd.sample(["price", "n", "x 1", "Größe"], 1)
    values: dict[str, list[Any]] = {}
    cells: list[list[str]] = []
    kinds = []
    for name in names:
        make = rnd.choice(KINDS)
        column, spelt = make(rnd, rows, how)
        is_number = make in NUMBERS
        if rnd.random() < 0.3:  # gaps
            word = rnd.choice(GAPS) if is_number and rnd.random() < 0.5 else ""
            for row in rnd.sample(
                range(1, rows), rnd.randint(0, rows // 3) if len(names) > 1 else 0
            ):
                column[row], spelt[row] = None, word
        values[name] = column
        cells.append(spelt)
        kinds.append(is_number)
    lines = lines_of(names, cells, kinds, how)
    if how.encoding == "cp1252":
        lines = [line.replace("\u202f", "\u00a0") for line in lines]
    text = how.newline.join(lines) + (how.newline if how.last_newline else "")
    table = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in values.items()})
    if how.row_names:
        table.index = pd.RangeIndex(1, rows + 1)
    return Written(packed(text.encode(how.encoding), how.compression), table, how)


def packed(content: bytes, compression: str) -> bytes:
    """Pack a file's content."""
    match compression:
        case "gz":
            return gzip.compress(content, mtime=0)
        case "bz2":
            return bz2.compress(content)
        case "xz":
            return lzma.compress(content)
        case "zip":
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("table.csv", content)
            return buffer.getvalue()
        case _:
            return content
