from __future__ import annotations

from dropnorm.evaluation import wording


def test_a_number_has_at_most_six_digits_however_narrow_its_interval():
    assert wording.number(12.3456789, 1e-15) == "12.3457"
    assert wording.number(0.00123456789, 1e-15) == "0.00123457"
    assert wording.number(0.0, 1e-15) == "0"
    assert wording.number(0.0, 0.02) == "0.000"
    assert wording.number(123456.7, 0.01) == "123,457"


def test_a_large_number_has_zeros_in_place_of_the_digits_it_does_not_deserve():
    assert wording.number(12_345_678.9) == "12,300,000"
    assert wording.number(12_345_678.9, 50_000) == "12,346,000"
    assert wording.number(-12_345_678.9, 0.01) == "−12,345,700"
    assert wording.number(999_999.9) == "1,000,000"
    assert wording.quantity(2_345_678, "yen", 30_000) == "2,346,000 yen"


def test_a_number_that_nobody_can_read_has_an_exponent():
    assert wording.number(7.7e13) == "7.7e+13"
    assert wording.number(-1.5e-7) == "−1.5e−07"
    assert wording.percent(7.7e13) == "+7.7e+13 %"
    assert wording.percent(-12_345.6) == "−12,346 %"
