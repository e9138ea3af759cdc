from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_study
from dropnorm.evaluation.estimation.contrasts import FOUR, INTERACTION, Contrast, Design, design_of
from dropnorm.evaluation.estimation.effects import Evidence, estimate
from dropnorm.evaluation.estimation.intervals import holm

WIDE = {"network": {"hidden": [9]}}
FOUR_NAMES = {"baseline": {}, "dropout": {}, "batchnorm": {}, "dropout_batchnorm": {}}


def designed(compare, **others):
    return design_of(read_study("concrete", compare=compare, **others))


def names_of(design):
    return [one.name for one in design.contrasts]


def test_a_study_without_compare_has_the_three_effects_and_their_interaction():
    design = design_of(read_study("concrete"))

    assert design == FOUR
    assert names_of(design) == ["dropout", "batchnorm", "dropout_batchnorm", "interaction"]
    assert design.contrasts[-1].weights == {
        "dropout_batchnorm": 1, "dropout": -1, "batchnorm": -1, "baseline": 1,
    }  # fmt: skip


def test_each_network_is_compared_with_the_one_that_is_named():
    design = designed({"baseline": {}, "dropout": {}, "wide": WIDE}, against="wide")

    assert design.contrasts == (
        Contrast("baseline", {"baseline": 1, "wide": -1}),
        Contrast("dropout", {"dropout": 1, "wide": -1}),
    )
    assert design.in_order_of_choice == ("wide", "baseline", "dropout")
    assert design.layered == frozenset()


@pytest.mark.parametrize(
    ("compare", "crossed"),
    [
        ({**FOUR_NAMES, "wide": WIDE}, True),
        ({name: WIDE for name in FOUR_NAMES}, True),
        ({**FOUR_NAMES, "dropout": WIDE}, False),
        ({**FOUR_NAMES, "baseline": WIDE}, False),
        ({**FOUR_NAMES, "dropout": {"network": {"dropout": {"rate": 0.1}}}}, False),
        ({name: {"network": {"dropout": {"rate": 0.1}}} for name in FOUR_NAMES}, True),
        ({**FOUR_NAMES, "batchnorm": {"network": {"batchnorm": {"momentum": 0.5}}}}, False),
        ({name: {} for name in FOUR_NAMES if name != "batchnorm"}, False),
    ],
)
def test_an_interaction_is_told_where_the_four_differ_by_two_switches_alone(compare, crossed):
    design = designed(compare)

    assert design.crossed is crossed
    assert (INTERACTION in names_of(design)) is crossed


def test_a_network_with_other_options_beside_its_layer_is_not_called_a_layer():
    rate = {"network": {"dropout": {"rate": 0.1}}}

    assert designed({"baseline": {}, "dropout": rate}).layered == {"dropout"}
    assert designed({"baseline": {}, "dropout": WIDE}).layered == frozenset()


@given(
    order=st.permutations(["baseline", "dropout", "batchnorm", "dropout_batchnorm", "wide", "max"]),
    against=st.sampled_from(["baseline", "wide"]),
    seed=st.integers(0, 20),
)
def test_the_order_of_compare_changes_no_effect(order, against, seed):
    written = [*FOUR.names, "wide", "max"]
    crossed = against == "baseline"
    errors = pd.DataFrame(
        np.random.default_rng(seed).normal(5, 1, (4, 6)), columns=written,
        index=pd.MultiIndex.from_product([range(4), [0]], names=["split", "start"]),
    )  # fmt: skip
    evidence, lost = Evidence(errors, 0.4, root=False), dict.fromkeys(written, 0)

    found, again = (
        estimate(evidence, lost, 0.1, Design(tuple(names), against, frozenset(), crossed))
        for names in (written, order)
    )

    assert found.keys() == again.keys()
    for name, one in found.items():
        np.testing.assert_equal(vars(again[name]), vars(one))  # in which no number equals itself


def test_the_effects_of_all_networks_are_judged_together():
    names = ("baseline", "a", "b", "c", "d", "e")
    errors = pd.DataFrame(
        np.random.default_rng(3).normal(5, 0.1, (5, 6)), columns=names,
        index=pd.MultiIndex.from_product([range(5), [0]], names=["split", "start"]),
    )  # fmt: skip
    design = Design(names, "baseline", frozenset(), crossed=False)

    found = estimate(Evidence(errors, 0.4, root=False), dict.fromkeys(names, 0), 0.0, design)

    assert list(found) == list(names[1:])
    assert [one.p_holm for one in found.values()] == holm([one.p for one in found.values()])
    for one, other in itertools.combinations(names[1:], 2):
        if found[one].p < found[other].p:
            assert found[one].p_holm <= found[other].p_holm
