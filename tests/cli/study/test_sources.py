from __future__ import annotations

import fsspec
import pytest

from dropnorm.data.reading.fetching import fetched
from dropnorm.errors import BadInputError


def test_what_is_fetched_is_there_as_long_as_it_is_needed():
    with fsspec.open("memory://t.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    with fetched("memory://t.csv") as copy:
        assert copy.read_bytes() == b"a,b\n1,2\n"
    assert not copy.exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("memory:///none.csv", "there is no such file"),
        ("https://localhost:1/t.csv", "cannot be fetched: Cannot connect to its server"),
        ("nope://t.csv", "cannot be fetched: Protocol not known: nope"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_its_address(address, told):
    with pytest.raises(BadInputError, match=f"^{address}: {told}"), fetched(address):
        pass
