from __future__ import annotations

from dropnorm.evaluation import wording


def test_a_number_has_at_most_six_digits_however_narrow_its_interval():
    assert wording.number(12.3456789, 1e-15) == "12.3457"
    assert wording.number(0.00123456789, 1e-15) == "0.00123457"
    assert wording.number(0.0, 1e-15) == "0"
    assert wording.number(0.0, 0.02) == "0.000"
    assert wording.number(123456.7, 0.01) == "123,457"
