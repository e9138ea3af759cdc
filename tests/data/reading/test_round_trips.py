from __future__ import annotations

from hypothesis import settings

from round_trips import OUTCOMES, round_trips


def test_tables_are_read_with_the_values_that_were_written():
    settings(max_examples=60, deadline=None)(round_trips)()

    assert OUTCOMES["read"] > 50
    assert not OUTCOMES["wrong"]
