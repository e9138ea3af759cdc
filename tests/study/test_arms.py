from __future__ import annotations

import re

import yaml

from conftest import ROOT, read_study
from dropnorm.study.arms import arm_names, arm_of
from dropnorm.study.parsing import parse_study
from dropnorm.study.variants import Variant


def test_a_study_without_compare_has_the_four_variants():
    study = read_study("concrete")

    arms = [arm_of(study, name) for name in arm_names(study)]

    assert [(arm.name, arm.variant) for arm in arms] == [(v.value, v) for v in Variant]
    assert all(arm.study is study for arm in arms)


def test_a_compared_network_changes_only_the_options_it_names():
    study = read_study(
        "concrete",
        compare={
            "baseline": {},
            "layernorm": {"network": {"layernorm": {}}},
            "dropout_last": {"layers": ["dropout"], "network": {"dropout": {"rate": [0, 0, 0.2]}}},
            "both": {"layers": ["batchnorm", "dropout"], "training": {"epochs": 3}},
        },
    )

    arms = {name: arm_of(study, name) for name in arm_names(study)}

    assert list(arms) == ["baseline", "layernorm", "dropout_last", "both"]
    assert [arm.variant.value for arm in arms.values()] == [
        "baseline", "baseline", "dropout", "dropout_batchnorm",
    ]  # fmt: skip
    assert arms["layernorm"].study.network.layernorm is not None
    assert arms["layernorm"].study.training == study.training
    assert arms["dropout_last"].study.network.dropout_rates == (0.0, 0.0, 0.2)
    assert arms["dropout_last"].study.network.batchnorm == study.network.batchnorm
    assert arms["both"].study.training.epochs == 3
    assert arms["both"].study.network == study.network


def test_a_recorded_comparison_is_read_again():
    study = read_study("concrete", compare={"baseline": {}, "wide": {"network": {"hidden": [9]}}})

    again = parse_study("concrete", study.model_dump(mode="json", exclude={"name"}))

    assert again == study


def test_regularizers_in_the_documentation_are_valid_options():
    page = (ROOT / "docs" / "development" / "extend.md").read_text()
    written = re.findall(r"^\| [^|]+ \| `((?:network|training): [^`]+)` \|", page, re.MULTILINE)
    compare = {f"other_{n}": yaml.safe_load(changes) for n, changes in enumerate(written)}
    study = read_study("concrete", compare={"baseline": {}, **compare}, network={"hidden": [64]})

    arms = [arm_of(study, name).study for name in arm_names(study)]

    assert len(written) == 8
    options = {repr((one.network, one.training)) for one in arms}
    assert len(options) == len(arms)
