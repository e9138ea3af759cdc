from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from dropnorm.config_loader import StudyConfigLoader, project_config, study_names
from dropnorm.errors import BadInputError
from dropnorm.settings import CONFIG_LOADER_ARGS

CONCRETE = "conf/base/parameters/concrete.yml"


def loader(source: Path | str = "conf", **options: object) -> StudyConfigLoader:
    return StudyConfigLoader(source, **options, **CONFIG_LOADER_ARGS)


def test_each_parameters_file_is_a_study_and_knows_its_name(configured):
    config = loader()

    assert config.studies() == ["concrete", "spotify", "wine"]
    assert config.study("concrete").name == "concrete"
    assert {name: options["name"] for name, options in config["parameters"].items()} == {
        name: name for name in config.studies()
    }


def test_an_environment_changes_what_it_names_and_keeps_the_rest(configured):
    base, sample = loader().study("concrete"), loader(env="sample").study("concrete")

    assert (sample.made_up, sample.training.epochs) == (True, 5)
    assert sample.training.optimizer == base.training.optimizer
    assert sample.network == base.network


def test_params_change_one_option_and_keep_the_rest(configured):
    params = {"concrete": {"training": {"epochs": 3}}}
    base, changed = loader().study("concrete"), loader(runtime_params=params).study("concrete")

    assert changed.training == base.training.model_copy(update={"epochs": 3})
    assert changed.network == base.network


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"network": {"hidden": {"0": 4}}}, "concrete.network.hidden is a mapping; it should be a"
         " list"),
        ({"network": {"dropout": ["a"]}}, "concrete.network.dropout is a list; it should be a"
         " mapping"),
    ],
)  # fmt: skip
def test_a_mapping_in_place_of_a_list_is_refused_with_its_key(configured, changes, told):
    env = Path("conf/local/parameters/concrete.yml")
    env.parent.mkdir(parents=True)

    with pytest.raises(BadInputError, match=rf"^--params: {re.escape(told)}$"):
        loader(runtime_params={"concrete": changes})["parameters"]
    env.write_text(json.dumps({"concrete": changes}))
    with pytest.raises(BadInputError, match=rf"^{env}: {re.escape(told)}$"):
        loader(env="local")["parameters"]
    assert loader(env="local").study("wine").name == "wine"


def test_what_params_and_an_environment_change_is_not_there_for_the_next_loader(configured):
    before = loader()["parameters"]
    params = {"concrete": {"training": {"epochs": 3}, "network": {"hidden": [7]}}}

    changed = loader(env="sample", runtime_params=params)["parameters"]
    changed["concrete"]["network"]["hidden"].append(8)

    assert changed["concrete"]["training"]["epochs"] == 3
    assert loader()["parameters"] == before


def test_a_file_that_is_changed_is_read_anew(configured):
    before = loader().study("concrete").training.epochs
    file = Path(CONCRETE)
    file.write_text(file.read_text().replace(f"epochs: {before}", f"epochs: {before + 1}"))

    assert loader().study("concrete").training.epochs == before + 1


def test_a_key_with_an_underscore_is_no_study(configured):
    Path("conf/base/parameters/shared.yml").write_text("_rate: 0.2\n")

    assert loader().studies() == ["concrete", "spotify", "wine"]
    assert "_rate" not in loader()["parameters"]


def test_conf_local_need_not_be_there(configured):
    shutil.rmtree("conf/local")

    assert loader().studies() == ["concrete", "spotify", "wine"]
    assert loader()["catalog"]["wine.table"]["filepath"] == "data/01_raw/red-wine.csv"


def test_an_archive_is_read_like_a_folder(configured):
    shutil.rmtree("conf/local")
    with tarfile.open("conf.tar.gz", "w:gz") as archive:
        archive.add("conf")
    params = {"wine": {"training": {"epochs": 0}}}

    assert loader("conf.tar.gz")["parameters"] == loader()["parameters"]
    assert loader("conf.tar.gz", env="sample").study("wine") == loader(env="sample").study("wine")
    with pytest.raises(BadInputError, match=r"^--params: wine\.training\.epochs is 0"):
        loader("conf.tar.gz", runtime_params=params).study("wine")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n- b\n", f"{CONCRETE}: is a list"),
        ("hello\n", f"{CONCRETE}: .*'hello' has none"),
        ("concrete:\n", f"{CONCRETE}: .*'concrete' has none"),
        ("concrete: [a]\n", f"{CONCRETE}: .*'concrete' has none"),
        ("con.crete: {title: a}\n", f"{CONCRETE}: 'con.crete' cannot be the name of a study"),
        ("3: {title: a}\n", f"{CONCRETE}: YAML reads a name as 3, which is no text"),
        ("no: {title: a}\n", f"{CONCRETE}: YAML reads a name as False, which is no text"),
        ("'{a}': {title: a}\n", f"{CONCRETE}: '{{a}}' cannot be the name of a study"),
        ("hello: &x [*x]\n", f"{CONCRETE}: line 1: the alias \\*x leads back to itself$"),
        ("concrete: {a: &x {<<: *x}}\n", f"{CONCRETE}: line 1: the alias \\*x leads back"),
        ("concrete:\n  title: ${concrete}\n", f"^{CONCRETE}: concrete.title: leads back to itself"),
        ("3\n", f"{CONCRETE}: is a single value"),
        ("concrete: {title: [a\n", f"{CONCRETE}: line 2: is no YAML: expected ',' or ']'"),
        ("concrete:\n  title: a\n  title: b\n", f"{CONCRETE}: line 3: found duplicate key title"),
        ("concrete: !!python/name:os.system\n", f"{CONCRETE}: line 1: the tag !!python/name:os.sy"),
        ("concrete: {title: \x01}\n", f"{CONCRETE}: unacceptable character #x0001"),
        ("concrete: {title: '${nope}'}\n", f"{CONCRETE}: concrete.title: .* 'nope' not found$"),
        (
            "concrete: {title: '${'}\n",
            f"{CONCRETE}: concrete.title: no viable alternative at input",
        ),
        ("wine: {title: a}\n", f"{CONCRETE} and .*/wine.yml both have wine.title; keep it in one"),
    ],
)
def test_a_file_that_holds_no_study_is_refused_by_name_in_one_line(configured, text, told):
    Path(CONCRETE).write_text(text)

    with pytest.raises(BadInputError, match=told) as error:
        loader()["parameters"]
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_refused_by_name(configured):
    Path(CONCRETE).write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BadInputError, match=f"^{CONCRETE}: byte 0 is no UTF-8 text"):
        loader().studies()


def test_a_catalog_with_a_mistake_is_refused_by_the_file_that_has_it(configured):
    Path("conf/sample/catalog.yml").write_text("x.table: {filepath: '${globals:nope}'}\n")
    with pytest.raises(BadInputError, match=r"^conf/sample/catalog.yml: x.table.filepath: Globals"):
        loader(env="sample")["catalog"]
    Path("conf/base/catalog_x.yml").write_text("wine.table: {type: x}\n")
    with pytest.raises(BadInputError, match=r"both have wine\.table; keep it in one of them$"):
        loader()["catalog"]


@pytest.mark.parametrize(
    ("source", "env", "told"),
    [
        ("conf", "smaple", "there is no environment 'smaple' in conf; did you mean 'sample'?"),
        ("conf", "../conf/sample", "'../conf/sample' is no environment: it leads out of"),
        ("conf", "/", "'/' is no environment: it leads out of"),
        ("none", None, "there is no configuration in none"),
        ("data", "sample", "there is no configuration in data"),
    ],
)
def test_a_place_without_a_configuration_is_refused(configured, source, env, told):
    with pytest.raises(BadInputError, match=f"^{re.escape(told)}"):
        loader(source, env=env)["parameters"]


def test_a_wrong_option_is_told_with_the_source_that_set_it(configured):
    sample = Path("conf/sample/parameters/concrete.yml")
    sample.write_text("concrete: {training: {epochs: 0}}\n")

    with pytest.raises(BadInputError, match=f"^{sample}: concrete.training.epochs is 0"):
        loader(env="sample").study("concrete")
    os.chdir("src")
    with pytest.raises(BadInputError, match=f"^../{sample}: concrete.training.epochs is 0"):
        loader("../conf", env="sample").study("concrete")


def test_a_missing_option_is_told_with_the_file_that_began_the_section(configured):
    Path(CONCRETE).write_text("concrete: {title: a}\n")
    params = {"concrete": {"training": {"epochs": 3}}}

    with pytest.raises(BadInputError) as error:
        loader(runtime_params=params).study("concrete")

    lines = str(error.value).splitlines()
    assert f"{CONCRETE}: concrete.target is missing" in lines
    assert "--params: concrete.training.batch_size is missing" in lines


def test_params_of_an_unknown_study_are_refused(configured):
    with pytest.raises(BadInputError, match=r"no study 'wien'; did you mean 'wine'\?"):
        loader(runtime_params={"wien": {}})["parameters"]


def test_studies_are_those_of_the_loader_made_last(configured):
    assert study_names() == ["concrete", "spotify", "wine"]
    shutil.copytree("conf", "other")
    Path("other/base/parameters/wine.yml").unlink()
    Path("other/sample/parameters/wine.yml").unlink()

    loader("other")

    assert study_names() == ["concrete", "spotify"]


def test_what_was_checked_is_what_the_next_loader_has_if_it_is_handed_on(configured):
    checked = loader(env="sample")
    title = checked.study("concrete").title
    checked.hand_on()
    Path(CONCRETE).write_text("concrete: {title: Changed since}\n")

    assert loader(env="sample").study("concrete").title == title
    with pytest.raises(BadInputError, match=r"concrete\.target is missing"):
        loader(env="sample").study("concrete")


@pytest.mark.parametrize(
    "options", [{}, {"env": "sample", "runtime_params": {"concrete": {"title": "b"}}}]
)
def test_a_loader_that_is_asked_for_something_else_reads_the_files_itself(configured, options):
    checked = loader(env="sample")
    checked.studies()
    checked.hand_on()
    text = Path(CONCRETE).read_text()
    Path(CONCRETE).write_text(text.replace("title: Concrete", "title: Changed since"))

    assert loader(**options).study("concrete").title in ("Changed since", "b")


def test_what_is_done_to_parameters_does_not_change_them_for_others(configured):
    config = loader()
    config["parameters"]["concrete"]["training"]["epochs"] = -1

    assert config["parameters"]["concrete"]["training"]["epochs"] == 100
    assert config.study("concrete").training.epochs == 100


def test_of_many_files_the_two_that_have_the_same_study_are_named(configured):
    for name in ("a", "b", "c"):
        Path(f"conf/base/parameters/{name}.yml").write_text(f"{name}: {{title: x, seed: 1}}\n")
    Path("conf/base/parameters/d.yml").write_text("b: {title: y, seed: 2}\n")

    with pytest.raises(BadInputError, match=r"/b.yml and .*/d.yml both have b.seed and 1 more;"):
        loader().studies()


@pytest.mark.parametrize("name", ["data", "memory"])
@pytest.mark.parametrize("address", ["s3://b/x", "file:///x", "memory://x", "simplecache::s3://x"])
def test_an_address_to_write_to_is_refused_in_one_line(configured, name, address):
    Path("conf/local/globals.yml").write_text(f"{name}: {address}\n")

    for key in ("globals", "catalog") if name == "data" else ("globals",):
        with pytest.raises(BadInputError, match=rf"^globals in conf: {name} is '{address}', an"):
            loader()[key]
    assert [path.name for path in Path().iterdir() if ":" in path.name] == []


def test_tables_may_be_read_from_an_address(configured):
    Path("conf/local/globals.yml").write_text("tables: memory://tables\n")

    assert loader()["catalog"]["wine.table"]["filepath"] == "memory://tables/red-wine.csv"


def test_a_link_that_leads_back_to_itself_is_refused_in_one_line(configured):
    link = Path("conf/base/parameters/loop.yml")
    link.symlink_to(link.name)

    with pytest.raises(BadInputError, match=f"^{link}: is a link that leads nowhere; remove it$"):
        project_config().studies()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concrete:\n  title: ${concrete}\n", "concrete.title: leads back to itself, by ${...}"),
        ("concrete:\n  title: ${.title}\n", "concrete.title: leads back to itself, by ${...}"),
        ("concrete:\n  title: ${.}\n", "concrete.title: extraneous input '}'"),
        ("concrete:\n  title: [a, '${nope}']\n", "concrete.title[1]: Interpolation key 'nope'"),
        ("concrete: &x\n  title: *x\n", "line 2: the alias *x leads back to itself"),
        ("concrete:\n  training: &x\n    <<: *x\n", "line 3: the alias *x leads back to itself"),
    ],
)
def test_a_study_that_refers_to_itself_makes_no_other_study_wrong(configured, text, told):
    config = loader(runtime_params={"wine": {"training": {"epochs": 3}}})
    Path(CONCRETE).write_text(text)

    assert config.studies() == ["concrete", "spotify", "wine"]
    assert config.study("wine").training.epochs == 3
    for asked in (lambda: config.study("concrete"), lambda: config["parameters"]):
        with pytest.raises(BadInputError) as refused:
            asked()
        assert str(refused.value).startswith(f"{CONCRETE}: {told}")
        assert "\n" not in str(refused.value)


def test_a_reference_on_the_command_line_is_refused_as_one_of_it(configured):
    config = loader(runtime_params={"wine": {"title": "${nope}"}})

    with pytest.raises(BadInputError, match=r"^--params: wine.title: Interpolation key 'nope'"):
        config.study("wine")
