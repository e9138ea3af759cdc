"""Estimate how many bytes a Parquet file takes in memory; it stores a repeated value once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

# Bytes of a number in memory.
_NUMBER = 8
_TEXT = "BYTE_ARRAY"
_FIXED = "FIXED_LEN_BYTE_ARRAY"
# Encoding in which each text may begin with a part of the one before it.
_PREFIXED = "DELTA_BYTE_ARRAY"
_ROWS_AT_ONCE = 65536
# The most bytes of such texts to unpack at a time.
_AT_ONCE = 100_000_000


def parquet_size(path: Path, most: int) -> int:
    """Estimate the bytes of the table in a Parquet file.

    The size of numbers follows from the metadata. A text that is stored once may occur in each row,
    so the texts are read and counted if they could exceed ``most``.

    Args:
        path: Parquet file.
        most: Limit in bytes above which the exact size does not matter.

    Returns:
        The estimated bytes, or some number above ``most``.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  # not needed for other files

    about = pq.read_metadata(path)
    size = 0
    texts: dict[str, _Texts] = {}
    for group in map(about.row_group, range(about.num_row_groups)):
        for place in range(group.num_columns):
            chunk, column = group.column(place), about.schema.column(place)
            width = max(_NUMBER, column.length if chunk.physical_type == _FIXED else 0)
            size += max(width * chunk.num_values, chunk.total_uncompressed_size)
            if chunk.physical_type == _TEXT:
                name, repeated = chunk.path_in_schema, column.max_repetition_level > 0
                texts.setdefault(name, _Texts(path, name, repeated)).chunks.append(chunk)
    if size > most or sum(column.at_most() for column in texts.values()) <= most:
        return size
    unpacked = 0
    for column in texts.values():
        for found in column.sizes():
            unpacked += found
            if unpacked > most:
                break
    return max(size, unpacked)


class _Texts:
    """A text column and its chunk in each row group."""

    def __init__(self, path: Path, name: str, repeated: bool) -> None:
        self.chunks: list[pq.ColumnChunkMetaData] = []
        self._path = path
        self._name = name
        self._repeated = repeated

    def at_most(self) -> int:
        """Return the bytes of the column if each text were as long as its whole chunk."""
        return sum(chunk.num_values * chunk.total_uncompressed_size for chunk in self.chunks)

    def sizes(self) -> Iterator[int]:
        """Yield the bytes of one batch of rows after another."""
        longest = max(chunk.total_uncompressed_size for chunk in self.chunks)
        if not self._is_prefixed():
            batches = self._batches(_ROWS_AT_ONCE, read_dictionary=[self._name])
        elif self._repeated:  # a single row may hold all texts
            yield self.at_most()
            return
        else:
            batches = self._batches(min(_ROWS_AT_ONCE, max(1, _AT_ONCE // longest)))
        for batch in batches:
            yield _unpacked(batch.column(0))

    def _is_prefixed(self) -> bool:
        return any(_PREFIXED in chunk.encodings for chunk in self.chunks)

    def _batches(self, rows: int, **options: Any) -> Iterator[pa.RecordBatch]:
        import pyarrow.parquet as pq  # noqa: PLC0415

        with pq.ParquetFile(self._path, **options) as file:
            yield from file.iter_batches(batch_size=rows, columns=[self._name])


def _unpacked(array: pa.Array) -> int:
    """Return how many bytes the texts take without dictionary encoding."""
    import pyarrow.compute as pc  # noqa: PLC0415

    while array.type.num_fields:  # lists, and structures of them
        flat = array.flatten()
        array = flat if hasattr(flat, "type") else flat[0]
    if not hasattr(array, "dictionary"):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary)
    return int(pc.sum(pc.take(lengths, array.indices)).as_py() or 0)
