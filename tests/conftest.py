from __future__ import annotations

import copy
import gc
import io
import logging
import re
import shutil
import signal
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import dynaconf.loaders.py_loader
import dynaconf.utils.files
import joblib
import kedro.config.omegaconf_config
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import settings
from kedro.framework.project import configure_project
from kedro.io.core import Version
from omegaconf import OmegaConf

from dropnorm.cli.main import run
from dropnorm.cli.study.group import study as study_group
from dropnorm.cli.study.project import open_project
from dropnorm.config_loader import StudyConfigLoader
from dropnorm.evaluation.records import RunRecord
from dropnorm.hooks import study_versions
from dropnorm.study.compare import names_written
from dropnorm.study.parsing import parse_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result
    from kedro.io import DataCatalog

    from dropnorm.study.schema import Study

ROOT = Path(__file__).parents[1]
# How long an example takes is the machine's matter: no test here is about time.
# The same examples each time, unless others are asked for: a change is to answer for itself alone.
settings.register_profile("searching", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


class _ParsedOnce(OmegaConf):
    """OmegaConf that parses a text once, and gives a copy of what is in it each time."""

    @staticmethod
    def load(file_: Any) -> Any:
        return copy.deepcopy(_parsed(file_.read()))


@lru_cache(maxsize=128)
def _parsed(text: str) -> Any:
    return OmegaConf.load(io.StringIO(text))


def _callers() -> list[SimpleNamespace]:
    """Return the file of each frame of the stack, as ``inspect.stack`` does, without its source."""
    frames, frame = [], sys._getframe(1)
    while frame is not None:
        frames.append(SimpleNamespace(filename=frame.f_code.co_filename))
        frame = frame.f_back
    return frames


# Tests open a project hundreds of times. Each time Kedro parses the same files anew, and its
# settings ask twice for the stack, of which they read the files alone, and whose source is looked
# for in all modules: together half the time of such a test.
kedro.config.omegaconf_config.OmegaConf = _ParsedOnce
for module in (dynaconf.loaders.py_loader, dynaconf.utils.files):
    module.inspect = SimpleNamespace(stack=_callers)

_WHEN_COLLECTED = pytest.StashKey[frozenset[str]]()
TABLES = {"concrete": "concrete.csv", "wine": "red-wine.csv", "spotify": "spotify.csv"}


def read_study(name: str, **changes: object) -> Study:
    """Read a shipped study in one replica; a change's double underscore leads into a section."""
    path = ROOT / "conf" / "base" / "parameters" / f"{name}.yml"
    options = yaml.safe_load(path.read_text())[name]
    for key, value in {"replicas__splits": 1, **changes}.items():
        *sections, last = key.split("__")
        place = options
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return parse_study(name, options)


def pytest_xdist_auto_num_workers() -> int:
    """Take a process more than there are cores: a test may wait for a server or a browser."""
    return int(joblib.cpu_count()) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with files that train or run whole commands where files run side by side.

    One of them that began last would run for minutes while the other processes wait.
    """
    if not hasattr(config, "workerinput"):
        return
    long = {
        item.path
        for item in items
        if "integration" in item.path.parts or item.get_closest_marker("training")
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[_WHEN_COLLECTED] = frozenset(sys.modules)


@pytest.fixture
def imported_when_collected(pytestconfig: pytest.Config) -> frozenset[str]:
    """The modules that were there when the tests had been collected."""
    return pytestconfig.stash[_WHEN_COLLECTED]


@pytest.fixture(autouse=True, scope="module")
def only_new_garbage_is_looked_for() -> None:
    """Do not look for garbage among what is there already: Kedro, and an engine once it is."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a file of this content, and give its path."""

    def written(content: str | bytes) -> Path:
        file = tmp_path / "t.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written


def read_table(name: str, folder: str = "data/01_raw") -> pd.DataFrame:
    return pd.read_csv(ROOT / folder / TABLES[name])


def change_options(file: Path, name: str, changes: dict[str, dict[str, object]]) -> None:
    """Change options of a study in the file that says them, by section."""
    options = yaml.safe_load(file.read_text())
    for section, changed in changes.items():
        options[name][section] = {**options[name].get(section, {}), **changed}
    file.write_text(yaml.safe_dump(options, sort_keys=False))


def catalog_here() -> DataCatalog:
    """Return the catalog of the project here, opened anew only if its files have changed."""
    files = sorted(Path("conf").resolve().rglob("*.yml"))
    return _catalog_of(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _catalog_of(_files: tuple[tuple[Path, int], ...]) -> DataCatalog:
    return open_project(None, None).catalog


def shrink_networks(project: Path) -> None:
    """Let the studies of the sample train networks of one small layer, in a copy of the project."""
    for name in TABLES:
        file = project / "conf" / "sample" / "parameters" / f"{name}.yml"
        change_options(file, name, {"network": {"hidden": [8]}})


def complete_version(run: str, version: str, **record: object) -> None:
    """Make a version complete: what its run would have written beside what is there is empty."""
    catalog = catalog_here()
    networks = names_written(record.get("options"))
    places = study_versions._places_written(run, catalog, networks)
    written = [path / version / path.name for path in places]
    for path in written:
        if path.name != "run.json" and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    study = {"study": run.split(".", maxsplit=1)[0]}
    catalog.get(f"{run}.run", version=Version(None, version)).save(
        RunRecord.from_json({**study, **record})
    )


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard: programs in the background of a script, and those they start, are deaf."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's configuration and its tables, to run and to spoil."""
    return copy_project(tmp_path)


def copy_project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "src").mkdir()  # Kedro asks for one; the package is the installed one
    shutil.copytree(ROOT / "data" / "sample" / "01_raw", tmp_path / "data" / "sample" / "01_raw")
    (tmp_path / "data" / "01_raw").mkdir()
    for name in ("concrete.csv", "red-wine.csv"):
        shutil.copy(ROOT / "data" / "01_raw" / name, tmp_path / "data" / "01_raw" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / ".telemetry", tmp_path)
    return tmp_path


@pytest.fixture
def configured(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same copy, as the project that Kedro works in, in this process."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(StudyConfigLoader, "latest", None)
    configure_project("dropnorm")
    return project


@pytest.fixture
def command(configured: Path) -> Iterator[Callable[..., Result]]:
    """``kedro study``, in the project's folder and in this process."""
    level = logging.getLogger("kedro").level
    yield lambda *options: CliRunner().invoke(study_group, [str(option) for option in options])
    logging.getLogger("kedro").setLevel(level)


@pytest.fixture
def run_here(configured: Path) -> Iterator[Callable[..., Result]]:
    """``kedro run``, in the project's folder and in this process; the logging is left as it was."""
    root, told = logging.getLogger(), logging.getLogger("dropnorm.training.progress")
    before = (root.handlers[:], told.handlers[:], told.propagate)
    yield lambda *options: CliRunner().invoke(run, options)
    root.handlers, told.handlers, told.propagate = before


def assert_refused(done: Result, told: str) -> None:
    """Assert that a command ended with one line that says ``told``, a regular expression."""
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit), done.exception
    assert re.match(f"Error: .*{told}", done.stderr), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
