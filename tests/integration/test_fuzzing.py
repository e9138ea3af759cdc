from __future__ import annotations

import pytest

from fuzzing import OUTCOMES, WAYS_IN, fuzz


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.usefixtures("configured")
def test_whatever_comes_in_is_used_or_refused_with_a_message(way):
    fuzz(way, 40)

    # Of some ways in, so few examples are all refused.
    assert "refused" in {how for what, how in OUTCOMES if what == way} <= {"used", "refused"}
