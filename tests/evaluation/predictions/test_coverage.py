from __future__ import annotations

import pytest

from dropnorm.evaluation.predictions.coverage import Coverage


@pytest.mark.parametrize(("held", "told"), [(60, True), (92, False), (95, False), (100, False)])
def test_a_share_that_chance_allows_for_is_no_finding(held, told):
    finding = Coverage(held, 100, networks=1).finding()

    assert (finding is not None) == told
    if finding:
        assert finding.found == "60 % of 100 in place of 95 %"


def test_rows_that_several_networks_share_are_not_counted_as_more_evidence():
    assert Coverage(92, 100, networks=1).finding() is None
    assert Coverage(920, 1000, networks=10).finding() is None
    assert Coverage(920, 1000, networks=1).finding() is not None


def test_the_sentence_has_the_share_and_the_rows():
    assert Coverage(31, 100, 1).sentence() == (
        "The 95 % interval of MC dropout holds 31 % of the targets of the validation rows (31 of"
        " 100, each network on its own)."
    )
