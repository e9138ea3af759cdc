from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.errors import BadInputError
from dropnorm.study.compare import TAKEN, merged, names_written
from dropnorm.study.parsing import parse_recorded
from dropnorm.tasks.classification import Classification
from dropnorm.tasks.regression import Regression


@pytest.mark.parametrize(
    ("options", "changes", "result"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": {"method": "x", "b": 1}}, {"a": {"method": "y"}}, {"a": {"method": "y"}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_merged_changes_options_by_key(options, changes, result):
    before = repr(options)

    assert merged(options, changes) == result
    assert repr(options) == before


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ({"baseline": {}}, "concrete has only 'baseline' in compare; name at least two networks"),
        ({"baselin": {}, "wide": {}}, "concrete compares with 'baseline'; did you mean 'baselin'?"),
        ({"baseline": {}, "Wide": {}}, "concrete has a network 'Wide' in compare; a name has"),
        ({"baseline": {}, "sweep": {}}, "concrete has a network 'sweep' in compare, but the"),
        ({"baseline": {"layers": ["dropout"]}, "wide": {}}, "concrete has compare.baseline.layers"),
        ({"baseline": {}, "wide": {"training": {"seed": 1}}}, "concrete changes training.seed in"),
        ({"baseline": {}, "wide": {"training": {"loss": "mse"}}},
         "concrete changes training.loss in compare.wide"),
        ({"baseline": {}, "wide": {}},
         "concrete.compare has 'baseline' and 'wide', which are the same network; change an"),
        ({"baseline": {}, "wide": {"network": {"hiden": [9]}}},
         "concrete.compare.wide.network.hiden: no such key; did you mean 'hidden'?"),
        ({"baseline": {}, "wide": {"network": {"dropout": {"rate": 2}}}},
         "concrete.compare.wide.network.dropout.rate is 2; it should be at least 0 and below 1"),
        ({"baseline": {}, "wide": {"netwrk": {}}},
         "concrete.compare.wide.netwrk: no such key; did you mean 'network'?"
         " (known: layers, network, training)"),
        ({"baseline": {}, "wide": None}, "concrete.compare.wide is null; it should be a mapping"),
        ({"baseline": {}, "wide": {"layers": ["dropot"]}},
         "concrete.compare.wide.layers.0 is 'dropot'; did you mean 'dropout'?"),
    ],
)  # fmt: skip
def test_a_wrong_comparison_is_refused_in_one_line(compare, said):
    with pytest.raises(BadInputError) as refused:
        read_study("concrete", compare=compare)

    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "same",
    [
        {"network": {"hidden": [512, 512, 512]}},
        {"training": {"epochs": 100}},
        # Without the layer, its options change nothing: layers: [dropout] was forgotten.
        {"network": {"dropout": {"rate": 0.1}}},
        {"network": {"batchnorm": {"momentum": 0.9}}},
    ],
)
def test_a_network_that_is_the_same_for_all_that_it_writes_is_refused_but_in_a_record(same):
    with pytest.raises(BadInputError, match="'baseline' and 'same', which are the same network"):
        read_study("concrete", compare={"baseline": {}, "same": same})

    options = read_study("concrete").model_dump(mode="json", exclude={"name"})
    recorded = parse_recorded("concrete", {**options, "compare": {"baseline": {}, "same": same}})
    assert tuple(recorded.compare) == ("baseline", "same")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"compare": {"baseline": {}, "wide": None}}, ("baseline", "wide")),
        *(
            (options, ("baseline", "dropout", "batchnorm", "dropout_batchnorm"))
            for options in (
                None, {}, {"compare": {}}, {"compare": ["wide"]}, {"compare": {"Wide": {}}},
                {"compare": {"baseline": {}, "sweep": {}}}, {"compare": {1: {}}},
            )
        ),
    ],
)  # fmt: skip
def test_network_names_are_read_from_unchecked_options(options, names):
    assert names_written(options) == names


def test_names_of_reference_models_are_reserved():
    assert {*Regression.references, *Classification.references} <= set(TAKEN)


def test_a_study_without_compare_does_not_record_it():
    assert not {"compare", "against"} & read_study("concrete").model_dump(mode="json").keys()
