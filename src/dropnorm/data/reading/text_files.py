"""Open text files: compression, encoding and lines."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any, cast

from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dropnorm.data.reading.formats import Compression

_PACKED: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # empty
}
SUFFIX_OF: dict[Compression | None, str] = {
    None: ".csv", "gzip": ".csv.gz", "bz2": ".csv.bz2", "xz": ".csv.xz", "zip": ".csv.zip",
}  # fmt: skip
NOT_TEXT = "is not a text file; tables are read from CSV and Parquet files"
# File types that cannot be read but may hold a table, by their first bytes.
_OTHERS: dict[bytes, str] = {
    b"\x28\xb5\x2f\xfd": "is a Zstandard file, which is not supported; unpack it (zstd -d)",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive, which is not supported; unpack it",
    b"Rar!": "is a RAR archive, which is not supported; unpack it",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save its sheet as CSV",
    b"SQLite format 3": "is an SQLite database; export its table as CSV",
    b"\x89HDF": "is an HDF5 file; save its table as CSV or Parquet",
    b"ARROW1": "is a Feather file; save its table as CSV or Parquet",
}
# Texts that are no tables, after a byte order mark.
_NO_TABLES = (
    (
        re.compile(rb'\s*(\[\s*)?\{\s*"[^"\r\n]*"\s*:'),
        "is a JSON file; save its table as CSV or Parquet, or write a catalog entry of the type"
        " pandas.JSONDataset",
    ),
    (
        re.compile(rb"\s*<(!doctype\s+)?html\b", re.IGNORECASE),
        "is a page of a website and not a table; a browser may show why, such as that it asks for a"
        " password",
    ),
)
_TAR = (257, b"ustar")
_SHEETS = {"[Content_Types].xml": "an Excel workbook", "mimetype": "an OpenDocument workbook"}
_AT_ONCE = 1 << 20
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Share of NUL bytes in every other place from which text is UTF-16.
_WIDE = 0.2
_MULTIBYTE = re.compile(
    rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NON_ASCII = re.compile(rb"[\x80-\xff]")
# Real Windows-1252 text has at most two accented letters in a row, in the case of the letter before
# them, and no other sign between two letters.
_LETTER = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸƒ"
_UNLIKELY = re.compile(
    r"[À-ÖØ-öø-ÿŒœŠšŽžŸƒ]{3}"
    r"|[a-zß-öø-ÿ][À-ÖØ-ÞŒŠŽŸ]"
    r"|[A-Za-z][À-ÖØ-ÞŒŠŽŸ][a-z]"
    rf"|[{_LETTER}][¡-¬®¯±-´¶¸-¿×÷‚„…†‡ˆ‰‹“”•˜™›][{_LETTER}]"
    rf"|[{_LETTER}][¡-¦¨¬¿×]"
    r"|[\x80-\x9f]"
)
_MOST = 0.1
_SHOWN = 40


def compression_of(path: Path) -> Compression | None:
    """Return a file's compression by its first bytes, whatever its name.

    Raises:
        BadInputError: If the file is of a known type that cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(512)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise BadInputError(what)
    return compression_of_bytes(head)


def compression_of_bytes(head: bytes) -> Compression | None:
    """Return a file's compression by its first bytes."""
    return next((how for magic, how in _PACKED.items() if head.startswith(magic)), None)


def open_bytes(path: Path, compression: Compression | None) -> IO[bytes]:
    """Open a file and decompress it."""
    match compression:
        case None:
            return path.open("rb")
        case "zip":
            return _open_zip(path)
        case "gzip":
            return cast("IO[bytes]", gzip.open(path))
        case "bz2":
            return bz2.open(path)
        case "xz":
            return lzma.open(path)


def _open_zip(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    # macOS adds files that the user does not see.
    names = [
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir() and not re.search(r"^__MACOSX/|(^|/)\.[^/]*$", entry.filename)
    ]
    for name, what in _SHEETS.items():
        if name in names:
            raise BadInputError(f"is {what}; save its sheet as CSV")
    if len(names) != 1:
        some = ", ".join(name[:60] for name in names[:3])
        raise BadInputError(
            f"is a zip file with {len(names)} files in it{some and f' ({some}, …)'}; unpack it and"
            " use the file with the table"
        )
    if archive.getinfo(names[0]).flag_bits & 1:
        raise BadInputError("is a zip file with a password; unpack it")
    return archive.open(names[0])


def open_text(path: Path, compression: Compression | None, encoding: str) -> io.TextIOWrapper:
    r"""Open a file as text; line ends (``\n``, ``\r`` or ``\r\n``) are kept."""
    return io.TextIOWrapper(open_bytes(path, compression), encoding, newline="")


def find_encoding(path: Path, compression: Compression | None) -> tuple[str, str]:
    """Detect the encoding of a text file from all of its bytes.

    Returns:
        Python's name of the encoding, and the reason, which is empty for UTF-8.

    Raises:
        BadInputError: If the file is not text, or its encoding cannot be detected.
    """
    with open_bytes(path, compression) as file:
        head = file.read(_AT_ONCE)
        if head[_TAR[0] :].startswith(_TAR[1]):
            raise BadInputError("is a tar archive; unpack it and use the file with the table")
        for pattern, what in _NO_TABLES:
            if pattern.match(head.removeprefix(codecs.BOM_UTF8)):
                raise BadInputError(what)
        for mark, encoding in _BOMS.items():
            if head.startswith(mark):
                reason = "the file begins with its byte order mark"
                return encoding, "" if encoding == "utf-8-sig" else reason
        if wide := _utf16(head):
            return wide, "every second byte of most characters is 0"
        if _is_utf8(head, file):
            return "utf-8", ""
    with open_bytes(path, compression) as file:
        return "cp1252", _why_western(file.read())


def _utf16(head: bytes) -> str | None:
    """Return the kind of UTF-16 of text without a byte order mark, if it is UTF-16."""
    half = max(len(head) // 2, 1)
    for encoding, nothing in (("utf-16-le", 1), ("utf-16-be", 0)):
        empty, full = head[nothing::2], head[1 - nothing :: 2]
        if empty.count(0) / half > _WIDE and not full.count(0):
            text = head[: 2 * half].decode(encoding, errors="ignore")
            return encoding if re.search(r"[\r\n]", text) else None
    return None


def _is_utf8(chunk: bytes, file: IO[bytes]) -> bool:
    """Return whether a whole file is UTF-8; ``chunk`` has been read already."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk:
            if b"\0" in chunk:
                raise BadInputError(NOT_TEXT)
            decoder.decode(chunk)
            chunk = file.read(_AT_ONCE)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _why_western(data: bytes) -> str:
    """Return the reason to read a file as Windows-1252, in which nearly any bytes are valid."""
    if b"\0" in data:
        raise BadInputError(NOT_TEXT)
    marks = len(_NON_ASCII.findall(data))
    if 2 * sum(map(len, _MULTIBYTE.findall(data))) > marks:
        whole = re.split(r"[\udc80-\udcff]", data.decode("utf-8", "surrogateescape"), maxsplit=1)[0]
        place = len(re.findall(r"\r\n|\r|\n", whole)) + 1
        raise BadInputError(
            f"is UTF-8 text except for some bytes, the first in line {place}; correct that line, or"
            " get the file again: it may be cut off or joined from two files"
        )
    text = data.decode("cp1252", errors="replace")
    unlikely = list(_UNLIKELY.finditer(text)) + list(re.finditer("\ufffd", text))
    words = _words(text)
    if len(unlikely) > _MOST * marks / 2:
        raise BadInputError(
            f"has an unknown encoding: it is not UTF-8, and as Windows-1252 it would read"
            f" '{_around(text, unlikely[0].start())}'; save it as UTF-8"
        )
    return f"the file is not UTF-8; as Windows-1252 it reads {words}"


def _words(text: str) -> str:
    """Return some words with non-ASCII letters, quoted."""
    found = dict.fromkeys(
        word for word in re.findall(r"\w*[^\x00-\x7f\W]\w*", text[: 1 << 20]) if len(word) > 1
    )
    some = [f"'{word[:_SHOWN]}'" for word in list(found)[:3]]
    sign = re.search(r"[^\x00-\x7f]", text)
    return ", ".join(some) or f"'{_around(text, sign.start() if sign else 0)}'"


def _around(text: str, place: int) -> str:
    """Return the text around a position, within its line."""
    before = re.split(r"[\r\n]", text[max(0, place - _SHOWN // 2) : place])[-1]
    return before + re.split(r"[\r\n]", text[place : place + _SHOWN // 2])[0]


class Lines:
    """The lines of a text that a CSV parser should see, and their numbers from 1.

    Attributes:
        number: Number of the last line read.
        began: Number of the first line of the current row.
        header: Number of the first line of the first row.
        last: The last line read.
        left_out: Numbers and texts of the comments.
    """

    def __init__(self, text: Iterator[str], skiprows: int = 0, comment: str | None = None) -> None:
        self.number = 0
        self.began = 0
        self.header = 0
        self.last = ""
        self.left_out: list[tuple[int, str]] = []
        self._text = text
        self._skiprows = skiprows
        self._comment = comment
        self._between = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._text)
            self.number += 1
            if self.number <= self._skiprows:
                continue
            # A line inside a quoted text is not a comment.
            if self._between:
                if self._comment and line.startswith(self._comment):
                    self.left_out.append((self.number, line))
                    continue
                self.began = self.number
            self._between = False
            self.last = line
            return line

    def rows(self, sep: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row's first line and the row, without empty rows.

        Raises:
            BadInputError: If a row cannot be parsed.
        """
        reader = csv.reader(self, **dialect(sep))
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BadInputError(why_unparsed(error, self.began)) from error
            self._between = True
            if row:
                self.header = self.header or self.began
                yield self.began, row


def dialect(sep: str) -> dict[str, Any]:
    """Return the arguments of ``csv.reader``; blanks after a separator are skipped."""
    return {"delimiter": sep, "strict": True, "skipinitialspace": sep != " "}


def why_unparsed(error: csv.Error, line: int) -> str:
    """Return why the row that begins in a line cannot be parsed, and what to do."""
    message = str(error)
    if "unexpected end" in message:
        return f'line {line} has an opening quotation mark (") that is never closed; correct it'
    if "expected after" in message:
        return (
            f'line {line} has text after a closing quotation mark ("); write "" for a quotation'
            " mark inside a text"
        )
    if "field limit" in message:
        return (
            f"a field of line {line} is longer than {csv.field_size_limit():,} characters; check"
            ' whether a quotation mark (") there is never closed'
        )
    return f"line {line} cannot be read: {message}"
