"""Names that Kedro, kedro-datasets and kedro-viz keep private: no other module uses one.

Kedro may change them in any version. ``tests/datasets/test_kedro_compat.py`` has a test of each.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar, cast

from kedro.io import AbstractVersionedDataset, Version
from kedro_datasets._typing import ImagePreview, JSONPreview, TablePreview

from dropnorm.errors import BadInputError
from dropnorm.hidden_packages import hidden

# Imports SQLAlchemy where it is installed, as with MLflow. Who names a dataset of SQL gets it.
with hidden("sqlalchemy"):
    from kedro_datasets.pandas import CSVDataset, ParquetDataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kedro.config import OmegaConfigLoader
    from kedro.io import AbstractDataset
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    Dataset = AbstractDataset[Any, Any] | None
    Versioned = AbstractVersionedDataset[Any, Any]
    Kind = TypeVar("Kind", bound=AbstractDataset[Any, Any])

__all__ = ["CSVDataset", "ImagePreview", "JSONPreview", "ParquetDataset", "TablePreview"]

LOCAL = "file"  # as fsspec calls it
_SUFFIXES = (".yml", ".yaml", ".json")


# ---- datasets -----------------------------------------------------------------------------------


def filepath_of(dataset: Dataset) -> PurePosixPath | None:
    """Return where a dataset is, without its version; None if it has no file."""
    path = getattr(dataset, "_filepath", None)
    return None if path is None else PurePosixPath(str(path))


def protocol_of(dataset: Dataset) -> str:
    """Return what fsspec calls the storage of a dataset."""
    return str(getattr(dataset, "_protocol", LOCAL))


def filesystem_of(dataset: Dataset) -> Any:
    """Return the fsspec file system of a dataset of kedro-datasets."""
    return dataset._fs  # type: ignore[union-attr]


def load_path_of(dataset: Versioned) -> Path:
    """Return the path that a dataset loads from: of its version, if it has versions.

    Raises:
        DatasetError: If there is no version.
    """
    return Path(dataset._get_load_path())


def save_path_of(dataset: Versioned) -> Path:
    """Return the path that a dataset saves to: of its version, if it has versions.

    Raises:
        DatasetError: If there is a file already.
    """
    return Path(dataset._get_save_path())


def version_of(dataset: Dataset) -> Version | None:
    """Return which version a dataset was told to load and to save; None if it has no versions."""
    if not isinstance(dataset, AbstractVersionedDataset):
        return None
    version: Version | None = dataset._version
    return version


def set_version(dataset: Versioned, version: Version) -> None:
    """Let a dataset that a catalog has already made load and save these versions.

    ``DataCatalog.from_config`` takes versions, and a hook sees the catalog when it is made.
    ``DataCatalog.get(name, version=…)`` makes a copy; to put that in place warns.
    """
    dataset._version = version


def load_args_of(dataset: Dataset) -> dict[str, Any]:
    """Return the arguments with which a dataset of kedro-datasets reads; none if it takes none."""
    return dict(getattr(dataset, "_load_args", {}))


def with_load_args(dataset: Kind, options: Mapping[str, Any]) -> Kind:
    """Return the same dataset, to be read with these arguments."""
    copied: Any = dataset._copy(_load_args=dict(options))
    return cast("Kind", copied)


# ---- the project --------------------------------------------------------------------------------


def requested_pipelines() -> list[str]:
    """Return what ``pipelines.set_requested()`` was told; empty if nothing."""
    # Takes a second: paid by commands, not by a process that only loads a dataset.
    from kedro.framework.project import pipelines  # noqa: PLC0415

    return list(pipelines._requested_pipelines or ())


def set_order(pipeline: Pipeline, nodes: Sequence[Node]) -> None:
    """Let a runner that runs one node after the other take them in this order.

    Kedro sorts by distance from the inputs, and then by name; runners ask each pipeline again.

    Args:
        pipeline: Changed; parts that are made of it later have Kedro's order.
        nodes: All of its nodes, each behind those that it needs.
    """
    pipeline._toposorted_nodes = list(nodes)
    pipeline.__dict__.pop("nodes", None)  # from Kedro 1.7 on, what was asked for once is kept there


def with_absolute_paths(root: Path, entries: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of a catalog with paths that count from the project, as in a session."""
    from kedro.framework.context.context import (  # noqa: PLC0415  # as above
        _convert_paths_to_absolute_posix,
    )

    converted: dict[str, Any] = _convert_paths_to_absolute_posix(root, entries)
    return converted


# ---- configuration ------------------------------------------------------------------------------


def register_resolvers(loader: OmegaConfigLoader) -> None:
    """Let ``${globals:…}`` and ``${runtime_params:…}`` be answered by this loader.

    There is one of each in a process, and the loader that was made last has set it.
    """
    loader._register_globals_resolver()
    loader._register_runtime_params_resolver()


def is_local_folder(loader: OmegaConfigLoader) -> bool:
    """Tell whether the configuration is a folder of this machine: no archive, no address."""
    return bool(loader._protocol == LOCAL)


def has_environment(loader: OmegaConfigLoader, env: str) -> bool:
    """Tell whether the configuration has a folder of an environment."""
    return bool(loader._fs.isdir(_folder(loader, env)))


def config_files(loader: OmegaConfigLoader, key: str, env: str) -> Iterator[tuple[Path, bytes]]:
    """Yield the files of a kind of configuration in one environment, sorted, with their content.

    They are those that Kedro reads.

    Raises:
        BadInputError: If one is a link that leads nowhere, or to itself.
    """
    folder = _folder(loader, env)
    found = {
        Path(name)
        for pattern in loader.config_patterns[key]
        for name in loader._fs.glob(f"{folder}/{pattern}")
        if not (loader.ignore_hidden and _is_hidden(name, folder))
    }
    for path in sorted(found):
        if path.suffix not in _SUFFIXES:
            continue
        if loader._fs.isfile(path.as_posix()):
            yield path, loader._fs.cat_file(path.as_posix())
        elif is_local_folder(loader) and path.is_symlink() and not path.exists():
            raise BadInputError(f"{os.path.relpath(path)}: is a link that leads nowhere; remove it")


def _is_hidden(name: str, folder: str) -> bool:
    inside = os.path.relpath(name, folder)
    return any(part.startswith(".") for part in Path(inside).parts)


def _folder(loader: OmegaConfigLoader, env: str) -> str:
    """Return where the files of an environment lie in the loader's file system."""
    source = str(loader.conf_source)
    if is_local_folder(loader):
        return (Path(source) / env).as_posix()
    if loader._protocol in ("tar", "zip"):
        return (Path(loader._fs.ls("", detail=False)[-1]) / env).as_posix()
    return f"{source.partition('://')[2].rstrip('/')}/{env}"
