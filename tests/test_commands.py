from __future__ import annotations

import ast
import re
import shutil

import pytest
from kedro.framework.project import pipelines
from kedro.io import DataCatalog, MemoryDataset

from conftest import ROOT, assert_refused
from dropnorm.commands import kedro_command
from dropnorm.config_loader import project_config
from dropnorm.errors import BadInputError
from dropnorm.hooks.commands import command_of
from dropnorm.hooks.versions import settle_versions_read

SOURCE = ROOT / "src" / "dropnorm"


def test_a_command_names_the_environment_and_the_configuration_in_use():
    words = ("run", "--pipelines=wine")

    assert kedro_command(*words, env=None) == "kedro run --pipelines=wine"
    assert kedro_command(*words, env="my env", conf_source="../conf") == (
        "kedro run --pipelines=wine '--env=my env' --conf-source=../conf"
    )


def test_what_a_list_suggests_names_the_environment_it_was_called_in(command, configured):
    file = configured / "conf/base/parameters/wine.yml"
    file.write_text(f"{file.read_text()}  nonsense: 1\n")

    told = " ".join(command("list", "--env=sample").output.split())
    assert "kedro study check wine --env=sample" in told
    assert "--env" not in command("list").output


@pytest.mark.parametrize("options", [("--env=sample",), ("--conf-source=other",)])
def test_the_run_that_a_command_asks_for_is_of_the_same_configuration(command, configured, options):
    shutil.copytree(configured / "conf", configured / "other")

    assert_refused(
        command("open", "wine", *options),
        f"no complete run .* first: kedro run --pipelines=wine {options[0]}",
    )


def test_the_run_that_a_part_of_a_study_asks_for_is_of_the_same_environment(configured):
    config = project_config(env="sample")
    made = DataCatalog.from_config(config["catalog"])
    made["params:wine"] = MemoryDataset(config.study("wine"))
    part = pipelines["wine"].only_nodes("wine.report.comparison.compare")

    with pytest.raises(BadInputError, match=r"first: kedro run --pipelines=wine --env=sample$"):
        settle_versions_read(part, made, config)


def test_the_command_of_a_run_names_the_configuration_that_it_used(configured):
    shutil.copytree(configured / "conf", configured / "other")
    config = project_config("other", "sample")

    assert command_of("wine", {"runtime_params": {"wine": {"seed": 1}}}, config).endswith(
        "kedro run --pipelines=wine --env=sample --conf-source=other --params=wine.seed=1"
    )


def texts_with_values(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                one.value if isinstance(one, ast.Constant) else "{}" for one in node.values
            )


def test_no_message_builds_a_command_of_its_own():
    built = [
        f"{path.relative_to(SOURCE)}: {text}"
        for path in SOURCE.rglob("*.py")
        for text in texts_with_values(path)
        if re.search(r"kedro (run --|study \w+ \{)", text)
    ]

    assert built == []
