from __future__ import annotations

import pytest

from dropnorm.commands.reading import fetched
from dropnorm.errors import BadInputError


def test_what_is_fetched_is_there_as_long_as_it_is_needed(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n")

    with fetched(f"file://{file}") as copy:
        assert copy != file
        assert copy.read_bytes() == file.read_bytes()
    assert not copy.exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("memory:///none.csv", "there is no such file"),
        ("https://localhost:1/t.csv", "cannot be fetched: Cannot connect"),
        ("nope://t.csv", "cannot be fetched: Protocol not known: nope"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_its_address(address, told):
    with pytest.raises(BadInputError, match=f"^{address}: {told}"), fetched(address):
        pass
