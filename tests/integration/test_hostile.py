"""What someone else wrote is used or refused, and none of it runs as code."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from conftest import assert_refused, complete_version
from dropnorm.config_loader import project_config
from dropnorm.errors import BadInputError

WINE = "conf/base/parameters/wine.yml"


@pytest.fixture
def sentinel(tmp_path, monkeypatch):
    """A file that is there if code ran: its name is in the environment."""
    monkeypatch.setenv("SENTINEL", str(tmp_path / "it ran"))
    yield tmp_path / "it ran"
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch \"$SENTINEL\"']",
        "!!python/object/apply:subprocess.check_output [['sh', '-c', 'touch \"$SENTINEL\"']]",
        "!!python/object/new:os.system ['touch \"$SENTINEL\"']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple [1, 2]",
    ],
)
@pytest.mark.parametrize("file", [WINE, "conf/base/catalog.yml", "conf/base/globals.yml"])
def test_yaml_with_a_python_tag_is_refused_in_one_line(command, configured, sentinel, file, tag):
    with Path(file).open("a") as text:
        text.write(f"\n_x: {tag}\n")

    assert_refused(command("check", "wine"), rf"{file}: line \d+: the tag !!python/.* is not read")


def test_the_environment_is_not_to_be_read_from_a_study(configured, monkeypatch):
    monkeypatch.setenv("SECRET", "the secret")
    text = Path(WINE).read_text()
    Path(WINE).write_text(text.replace("title: Red wine", "title: ${oc.env:SECRET}"))

    with pytest.raises(BadInputError, match=rf"^{WINE}: .*oc\.env") as refused:
        project_config().study("wine")
    assert "the secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["../../evil", "..", "/evil", "a/b", "a.b", "a{b}", "-a", "é"])
def test_a_name_that_could_climb_out_of_the_project_is_no_studys(command, configured, name):
    def there() -> set[Path]:
        return {*configured.rglob("*"), *configured.parent.iterdir(), *Path("/").iterdir()}

    before = there()
    words = ["--csv", "data/01_raw/red-wine.csv", "--target", "quality"]

    assert_refused(command("new", *words, "--", name), "name")
    assert_refused(command("check", "--", name), "there is no study")
    assert there() == before
    Path("conf/base/parameters/evil.yml").write_text(yaml.safe_dump({name: {"title": "x"}}))
    with pytest.raises(BadInputError, match="cannot be the name of a study"):
        project_config().studies()


@pytest.mark.parametrize("version", ["../../../etc", "..", "/etc/passwd", "*"])
def test_a_version_that_climbs_out_of_the_project_is_none(command, configured, version):
    complete_version("wine", "2026-01-01T00.00.00.000Z")

    words = ["predict", "wine", "--input", "data/01_raw/red-wine.csv", "--output", "out.csv"]
    told = f"there is no complete version '{re.escape(version)}'"
    assert_refused(command(*words, f"--version={version}"), told)
    assert_refused(command("compare", "wine", version, "newest"), "there is no complete version")
    assert not Path("out.csv").exists()


def test_names_in_a_table_are_names_and_nothing_else(command, configured, monkeypatch, sentinel):
    """Of columns and categories: no interpolation, no template, no markup, no shell."""
    monkeypatch.setenv("SECRET", "the secret")
    names = ["${oc.env:SECRET}", "${globals:data}", "{{ 7 * 7 }}", "<script>alert(1)</script>",
             "$(touch '$SENTINEL')", "a: b\n- !!python/name:os.system", "=cmd|' /C calc'!A0",
             ]  # fmt: skip
    chance = range(80)
    table = pd.DataFrame({name: [(i * (k + 3)) % 17 / 2 for i in chance]
                          for k, name in enumerate(names)})  # fmt: skip
    table["kind"] = [names[i % len(names)] for i in chance]
    table["y"] = [i % 13 for i in chance]
    table.to_csv("evil.csv", index=False)

    done = command("new", "evil", "--csv", "evil.csv", "--target", "y")

    assert done.exit_code == 0, done.output
    study = project_config().study("evil")
    assert set(names) <= set(study.preprocessing.columns)
    assert "the secret" not in done.output + Path("conf/base/parameters/evil.yml").read_text()
