"""What the project uses of Kedro's private names, and that no other module uses any."""

from __future__ import annotations

import ast
import inspect
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import kedro
import kedro_datasets
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import _ProjectPipelines, pipelines
from kedro.io import DataCatalog, MemoryDataset, Version
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset

from conftest import ROOT
from dropnorm.datasets import kedro_compat as compat
from dropnorm.datasets.atomic_files import WholeFileDataset
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = ROOT / "src" / "dropnorm"
ONLY = "datasets/kedro_compat.py"
INSTALLED = f"kedro {kedro.__version__}, kedro-datasets {kedro_datasets.__version__}"
V1, V2 = (f"2026-01-0{day}T00.00.00.000Z" for day in (1, 2))


def changed(name: str) -> str:
    """Say what to do where Kedro has changed a private name."""
    return f"{INSTALLED} has changed {name}; change {ONLY}, or bound the version in pyproject.toml"


@pytest.fixture
def table(tmp_path: Path) -> CSVDataset:
    path = tmp_path / "t.csv"
    made = CSVDataset(filepath=str(path), version=Version(None, V1), load_args={"sep": ";"})
    for version in (V1, V2):
        file = path / version / path.name
        file.parent.mkdir(parents=True)
        file.write_text("a;b\n1;2\n")
    return made


def test_a_runner_takes_the_nodes_of_a_pipeline_in_the_order_that_was_set():
    called: list[str] = []

    def call(name: str) -> str:
        called.append(name)
        return name

    names = ("a", "b", "c")
    pipeline = Pipeline([Node(call, name, f"{name}_out", name=name) for name in names])

    compat.set_order(pipeline, [pipeline.nodes[number] for number in (2, 0, 1)])
    given = {name: MemoryDataset(name) for name in names}
    SequentialRunner().run(pipeline, DataCatalog(given))

    assert called == ["c", "a", "b"], changed("_toposorted_nodes")


def test_a_dataset_tells_where_it_is_and_what_storage_that_is(table, tmp_path):
    assert compat.filepath_of(table) == tmp_path / "t.csv", changed("_filepath")
    assert compat.protocol_of(table) == compat.LOCAL, changed("_protocol")
    assert compat.protocol_of(CSVDataset(filepath="memory://t.csv")) == "memory", changed(
        "_protocol"
    )
    assert compat.filesystem_of(table).isfile(str(tmp_path / "t.csv" / V1 / "t.csv")), changed(
        "_fs"
    )
    for without in (MemoryDataset(1), None):
        assert compat.filepath_of(without) is None
        assert compat.protocol_of(without) == compat.LOCAL


def test_a_dataset_tells_the_paths_of_its_version(table, tmp_path):
    assert compat.load_path_of(table) == tmp_path / "t.csv" / V2 / "t.csv", changed(
        "_get_load_path"
    )
    compat.set_version(table, Version(None, "2026-01-03T00.00.00.000Z"))
    assert compat.save_path_of(table).parent.name == "2026-01-03T00.00.00.000Z", changed(
        "_get_save_path"
    )


def test_a_version_is_read_and_set_where_a_catalog_has_made_the_dataset(table):
    catalog = DataCatalog({"table": table})
    assert compat.version_of(catalog["table"]) == Version(None, V1), changed("_version")

    compat.set_version(catalog["table"], Version(V1, V1))

    assert catalog["table"].resolve_load_version() == V1, changed("_version")
    assert catalog["table"].resolve_save_version() == V1, changed("_version")
    assert compat.version_of(CSVDataset(filepath="t.csv")) is None, changed("_version")
    assert compat.version_of(MemoryDataset(1)) is None


@pytest.mark.parametrize("kind", [CSVDataset, ParquetDataset])
def test_a_dataset_is_read_with_other_arguments_and_keeps_its_own(kind):
    made = kind(filepath="t", load_args={"columns": ["a"]})

    other = compat.with_load_args(made, {"columns": ["b"]})

    assert compat.load_args_of(other) == {"columns": ["b"]}, changed("_copy")
    assert compat.load_args_of(made)["columns"] == ["a"], changed("_load_args")
    assert compat.load_args_of(MemoryDataset(1)) == {}


def test_arguments_that_were_changed_are_those_a_table_is_read_with(table):
    assert list(table.load()) == ["a", "b"]

    other = compat.with_load_args(table, {**compat.load_args_of(table), "usecols": ["b"]})

    assert other.load().equals(pd.DataFrame({"b": [2]})), changed("_load_args")


def test_the_pipelines_that_were_asked_for_are_known(configured):
    pipelines.set_requested(["wine"])
    try:
        assert compat.requested_pipelines() == ["wine"], changed("_requested_pipelines")
    finally:
        pipelines.set_requested(None)
    assert compat.requested_pipelines() == []


def test_paths_of_a_catalog_count_from_the_project(tmp_path):
    entries = {
        "a": {"filepath": "data/a.csv", "type": "x"},
        "b": {"filepath": "s3://data/b.csv"},
        "c": {"type": "MemoryDataset"},
    }

    made = compat.with_absolute_paths(tmp_path, entries)

    assert made == {
        **entries,
        "a": {"filepath": (tmp_path / "data/a.csv").as_posix(), "type": "x"},
    }, changed("_convert_paths_to_absolute_posix")


@pytest.mark.parametrize("name", ["ImagePreview", "JSONPreview", "TablePreview"])
def test_kedro_viz_knows_a_preview_by_the_name_of_its_type(name):
    assert getattr(compat, name).__name__ == name, changed(f"kedro_datasets._typing.{name}")


def loader(source: str | Path = "conf", **options: object) -> OmegaConfigLoader:
    return OmegaConfigLoader(str(source), base_env="base", default_run_env="local", **options)


def write(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.stem.strip('.')}: {{a: 1}}\n")


def pack(name: str) -> str:
    with tarfile.open(name, "w:gz") as archive:
        archive.add("conf")
    return name


def test_files_of_a_configuration_are_those_that_kedro_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("conf/base/parameters.yml", "conf/base/parameters/a.yml", "conf/base/x/parameters_b.json",
          "conf/base/parameters/.hidden.yml", "conf/base/.x/parameters_c.yml",
          "conf/base/parameters/notes.txt", "conf/base/catalog.yml", "conf/local/parameters_d.yml",
          "conf/other/parameters_e.yml")  # fmt: skip
    found = {"conf/base/parameters.yml", "conf/base/parameters/a.yml",
             "conf/base/x/parameters_b.json"}  # fmt: skip

    for source in ("conf", pack("conf.tar.gz")):
        made = loader(source)
        files = dict(compat.config_files(made, "parameters", "base"))
        here = [path.relative_to(tmp_path) if path.is_absolute() else path for path in files]
        assert {path.as_posix() for path in here} == found, changed("_fs")
        assert all(b"a: 1" in written for written in files.values())
        assert compat.has_environment(made, "base")
        assert not compat.has_environment(made, "none"), changed("_fs")
        assert compat.is_local_folder(made) == (source == "conf"), changed("_protocol")
        in_kedro = set(made["parameters"]) - {"parameters_d"}
        assert in_kedro == {Path(path).stem for path in found}


def test_a_link_to_itself_is_refused_and_one_to_a_file_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("conf/base/parameters/a.yml", "conf/local/parameters.yml")
    Path("conf/base/parameters/b.yml").symlink_to("a.yml")
    assert len(dict(compat.config_files(loader(), "parameters", "base"))) == 2

    Path("conf/base/parameters/c.yml").symlink_to("c.yml")
    with pytest.raises(BadInputError, match=r"^conf/base/parameters/c.yml: is a link that leads"):
        dict(compat.config_files(loader(), "parameters", "base"))


def test_the_loader_that_is_asked_answers_references_whichever_was_made_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        write(f"{name}/base/globals.yml", f"{name}/local/globals.yml")
        Path(f"{name}/base/globals.yml").write_text(f"here: {name}\n")
        Path(f"{name}/base/catalog.yml").write_text("x: {here: '${globals:here}'}\n")
    first = loader("one")
    loader("two")

    compat.register_resolvers(first)

    assert first["catalog"]["x"]["here"] == "one", changed("_register_globals_resolver")


def test_a_catalog_may_name_a_dataset_of_sql_all_the_same():
    entry = {
        "type": "pandas.SQLTableDataset",
        "table_name": "t",
        "credentials": {"con": "sqlite://"},
    }
    pytest.importorskip("sqlalchemy")

    made = DataCatalog.from_config({"table": entry})["table"]

    assert type(made).__name__ == "SQLTableDataset"
    assert made.exists() is False


# ---- nothing else uses them ---------------------------------------------------------------------

OF_KEDRO = (
    OmegaConfigLoader, DataCatalog, CSVDataset, ParquetDataset, JSONDataset, WholeFileDataset,
    _ProjectPipelines,
)  # fmt: skip


def private_names() -> set[str]:
    """Private attributes of Kedro's objects: of their classes, and those their methods set."""
    names: set[str] = set()
    for kind in {base for one in OF_KEDRO for base in one.__mro__}:
        if kind.__module__.split(".")[0] not in ("kedro", "kedro_datasets"):
            continue
        names |= set(vars(kind)) | own_names(ast.parse(inspect.getsource(inspect.getmodule(kind))))
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def own_names(tree: ast.Module) -> set[str]:
    """Names that a module gives to methods, and to attributes of its own objects."""
    given = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return given | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name) and node.value.id == "self"
    }  # fmt: skip


def uses(path: Path, private: set[str]) -> Iterator[str]:
    """Yield where a file uses a private name of Kedro's."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = own_names(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in own:
                continue
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)) if name in private:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}: {name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), *_]) if (
                name in private
            ):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}: {name}"
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("kedro"):
                dotted = f"{module}.{'.'.join(one.name for one in names)}"
                if any(part.startswith("_") for part in dotted.split(".")):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}: {dotted}"


def test_no_other_module_uses_a_private_name_of_kedro():
    private = private_names()
    # Else the search finds nothing because it looks for nothing.
    assert {"_filepath", "_version", "_fs", "_load_args", "_requested_pipelines"} <= private, (
        changed("names that this test knows")
    )
    used = {
        path.relative_to(SOURCE).as_posix(): found
        for path in SOURCE.rglob("*.py")
        if (found := list(uses(path, private)))
    }

    assert ONLY in used
    assert {path: found for path, found in used.items() if path != ONLY} == {}
