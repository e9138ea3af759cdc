from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT, read_study
from dropnorm.errors import BadInputError
from dropnorm.training import backend
from dropnorm.training.backend import check_engine, engine_name, load_keras, threads_of


def python(code, **environment):
    """Run a piece of Python in a process of its own; a variable that is None is taken away."""
    env = {key: value for key, value in {**os.environ, **environment}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def first_on_path(folder):
    """What PYTHONPATH must be for `folder` to come before what stands there already."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder that Keras takes for its own, with nothing in it."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def choose(home, engine):
    (home / "keras.json").write_text(json.dumps({"backend": engine, "floatx": "float32"}))


def test_without_any_choice_the_engine_is_tensorflow(home):
    assert engine_name() == "tensorflow"


@pytest.mark.parametrize(
    ("engine", "named", "threads"),
    [("tensorflow", None, 1), ("jax", None, 2), ("torch", None, 1), ("jax", 1, 1)],
)
def test_a_training_has_the_threads_that_its_study_names_or_its_engine_does_best_with(
    home, monkeypatch, engine, named, threads
):
    monkeypatch.setenv("KERAS_BACKEND", engine)

    assert threads_of(read_study("concrete", training__threads=named)) == threads


@pytest.mark.parametrize(("engine", "threads"), [("jax", 2), ("torch", 1)])
def test_an_engine_that_no_study_has_started_has_its_usual_threads(home, engine, threads):
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"needs the extra {engine}")
    tell = "from dropnorm.training.backend import engine_threads, load_keras; load_keras();"

    told = python(f"{tell} print(engine_threads())", KERAS_BACKEND=engine)

    assert told.stdout == f"{threads}\n", told.stderr


def test_keras_own_file_chooses_the_engine(home):
    choose(home, "jax")

    assert engine_name() == "jax"


def test_the_file_stands_below_the_users_home_if_keras_has_none_of_its_own(home, monkeypatch):
    (home / ".keras").mkdir()
    choose(home / ".keras", "torch")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))

    assert engine_name() == "torch"


def test_keras_backend_wins_over_the_file_unless_it_is_empty(home, monkeypatch):
    choose(home, "jax")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert engine_name() == "torch"

    monkeypatch.setenv("KERAS_BACKEND", "")
    assert engine_name() == "jax"


@pytest.mark.parametrize("text", ["", "{", '{"floatx": "float32"}', "[]", "\x00\ufffd"])
def test_a_file_that_chooses_nothing_leaves_tensorflow(home, text):
    (home / "keras.json").write_text(text)

    assert engine_name() == "tensorflow"


def test_the_engine_named_is_the_one_that_keras_computes_on():
    assert engine_name() == load_keras().config.backend()


def test_an_installed_engine_passes_the_check(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")

    assert check_engine() == "tensorflow"


def test_an_unknown_engine_is_refused_with_the_nearest_and_the_known_ones(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflw")

    with pytest.raises(BadInputError) as refusal:
        check_engine()

    assert str(refusal.value) == (
        "KERAS_BACKEND is 'tensorflw'; did you mean 'tensorflow'? (known: tensorflow, jax, torch)"
    )


def test_an_unknown_engine_in_keras_own_file_is_blamed_on_the_file(home):
    choose(home, "theano")

    with pytest.raises(BadInputError) as refusal:
        check_engine()

    assert str(refusal.value) == (
        f"backend in {home / 'keras.json'} is 'theano' (known: tensorflow, jax, torch)"
    )


@pytest.mark.parametrize(
    ("engine", "what"), [("tensorflow", "."), ("jax", ".[jax]"), ("torch", ".[torch]")]
)
def test_an_engine_that_is_not_installed_is_refused_with_what_brings_it(monkeypatch, engine, what):
    monkeypatch.setenv("KERAS_BACKEND", engine)
    monkeypatch.setitem(sys.modules, engine, None)  # Python's own way to say: not to be found

    with pytest.raises(BadInputError) as refusal:
        check_engine()

    assert str(refusal.value) == (
        f"the engine {engine} is not installed; 'pip install \"{what}\"' brings it, or choose"
        " another with KERAS_BACKEND"
    )


def test_naming_and_checking_the_engine_and_importing_the_package_import_no_engine():
    done = python(
        "import importlib, pkgutil, sys, dropnorm\n"
        "engines = ('tensorflow', 'jax', 'torch')\n"
        "for module in pkgutil.walk_packages(dropnorm.__path__, 'dropnorm.'):\n"
        "    of_an_engine = any(f'.loops.{name}' in module.name for name in engines)\n"
        "    if not (of_an_engine or module.name.endswith('__main__')):\n"
        "        importlib.import_module(module.name)\n"
        "from dropnorm.training.backend import check_engine\n"
        "print(check_engine(), {'keras', *engines} & set(sys.modules))",
        KERAS_BACKEND="tensorflow",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "tensorflow set()"


def test_loading_an_engine_is_quiet_and_leaves_standard_error_open_for_what_follows():
    done = python(
        "import os, sys\n"
        "from dropnorm.training.backend import load_keras\n"
        "keras = load_keras()\n"
        "assert load_keras() is keras\n"
        "total = keras.ops.convert_to_numpy(keras.ops.sum(keras.ops.ones(3)))\n"
        "print(float(total))\n"
        "print('a warning', file=sys.stderr, flush=True)\n"
        "os.write(2, b'a word of native code')",
        TF_CPP_MIN_LOG_LEVEL=None,
    )

    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("3.0\n", "a warning\na word of native code")


@pytest.fixture
def broken(tmp_path):
    """A path on which Keras is one that speaks natively, then fails to import."""
    (tmp_path / "keras.py").write_text(
        "import os\nos.write(2, b'what native code said\\n')\nraise ImportError('no such symbol')\n"
    )
    return first_on_path(tmp_path)


def test_what_was_held_back_is_given_back_if_the_import_fails(broken):
    done = python(
        "from dropnorm.training.backend import load_keras\nload_keras()", PYTHONPATH=broken
    )

    assert done.returncode == 1
    said, *traceback = done.stderr.splitlines()
    assert said == "what native code said"
    assert traceback[-1] == "ImportError: no such symbol"


def test_a_failed_import_can_be_tried_again(broken):
    done = python(
        "from dropnorm.training.backend import load_keras\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        load_keras()\n"
        "    except ImportError as error:\n"
        "        print(error)",
        PYTHONPATH=broken,
    )

    assert done.stdout == "no such symbol\n" * 2
    assert done.stderr == "what native code said\n" * 2


@pytest.fixture
def slow(tmp_path):
    """A path on which Keras is one that speaks natively and is ready a while later."""
    (tmp_path / "keras.py").write_text(
        "import os, time\n"
        "class backend:\n"
        "    backend = staticmethod(lambda: 'none')\n"
        "class ops:\n"
        "    zeros = convert_to_numpy = staticmethod(lambda what: what)\n"
        "if os.environ['SPEAKS']:\n"
        "    os.write(2, b'start-up noise')\n"
        "time.sleep(0.3)\n"
        "ready = True\n"
    )
    return first_on_path(tmp_path)


def test_threads_that_load_at_once_all_get_a_keras_that_is_ready(slow):
    done = python(
        "import sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from dropnorm.training.backend import load_keras\n"
        "with ThreadPoolExecutor(3) as threads:\n"
        "    print(list(threads.map(lambda _: load_keras().ready, range(3))))\n"
        "print('a warning', file=sys.stderr)",
        PYTHONPATH=slow,
        SPEAKS="yes",
    )

    assert (done.stdout, done.stderr) == ("[True, True, True]\n", "a warning\n")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the file descriptor")
def test_an_engine_loads_in_a_process_that_has_no_standard_error(slow):
    code = "from dropnorm.training.backend import load_keras; print(load_keras().ready)"

    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code],
        env={**os.environ, "PYTHONPATH": slow, "SPEAKS": ""},
        stdout=subprocess.PIPE, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.stdout == "True\n"


@pytest.mark.parametrize("engine", ["jax", "tensorflow"])
def test_an_engine_is_imported_without_what_only_notebooks_and_pictures_need(engine):
    code = (
        "import sys; from dropnorm.training.backend import load_keras; load_keras();"
        "print(*sorted({'IPython', 'jax', 'matplotlib', 'sklearn'} & set(sys.modules)));"
        "import sklearn.base, matplotlib.pyplot"  # who wants them has them
    )

    ended = python(code, KERAS_BACKEND=engine)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == (["jax"] if engine == "jax" else [])


def test_in_a_notebook_keras_keeps_its_wrappers_of_scikit_learn():
    code = (
        "import IPython; from dropnorm.training.backend import load_keras; keras = load_keras();"
        "keras.wrappers.SKLearnRegressor(keras.Sequential([keras.layers.Dense(1)]))"
    )

    ended = python(code, KERAS_BACKEND="jax")

    assert ended.returncode == 0, ended.stderr


def test_a_model_is_saved_on_another_engine_without_tensorflow(tmp_path):
    script = """
import sys
from dropnorm.training.backend import load_keras

keras = load_keras()
keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save("model.keras")
print("tensorflow" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)


def test_compiled_functions_lie_where_only_their_user_may_write(monkeypatch, tmp_path):
    monkeypatch.setenv(backend.COMPILED, str(tmp_path))
    folder = backend._compiled_folder(1)
    assert folder is not None
    assert folder.is_relative_to(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert backend._compiled_folder(2) != folder  # what is compiled depends on it

    folder.chmod(0o777)

    assert backend._compiled_folder(1) is None


def test_compiled_functions_are_not_kept_where_it_is_off_or_not_possible(monkeypatch, tmp_path):
    monkeypatch.setenv(backend.COMPILED, "off")
    assert backend._compiled_folder(1) is None
    (tmp_path / "file").touch()
    monkeypatch.setenv(backend.COMPILED, str(tmp_path / "file"))
    assert backend._compiled_folder(1) is None


TRAINED = """
import sys
sys.path.insert(0, sys.argv[1])
from dropnorm.study.variants import Variant
from dropnorm.training.trainer import train_replica
from small_trainings import a_study, an_input
trained = train_replica(a_study(), Variant.DROPOUT_BATCHNORM, an_input(0), 0)
print(trained.history.to_numpy().tobytes(), [one.tobytes() for one in trained.weights])
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs the extra jax")
def test_without_filelock_jax_keeps_nothing_and_warns_of_nothing(tmp_path):
    program = (
        "import sys; sys.modules['filelock'] = None\n"
        "import importlib.util as util; found = util.find_spec\n"
        "util.find_spec = lambda name, *of: None if name == 'filelock' else found(name, *of)\n"
        "from dropnorm.training import backend; backend._keep_compiled(1)\n"
        "import jax; jax.jit(lambda x: x + 1)(1.0); jax.jit(lambda x: x + 1)(1.0)\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", backend.COMPILED: str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True,
                          text=True, check=True, timeout=300)  # fmt: skip

    assert "filelock" not in done.stderr
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.training
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs the extra jax")
def test_a_training_on_jax_has_the_same_bits_whether_it_was_compiled_before(tmp_path):
    def train(compiled):
        environment = {**os.environ, "KERAS_BACKEND": "jax", backend.COMPILED: str(compiled)}
        command = [sys.executable, "-c", TRAINED, str(ROOT / "tests")]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    anew, first = train("off"), train(tmp_path)
    kept = {file for file in tmp_path.rglob("jit_*-cache")}
    again = train(tmp_path)

    assert kept
    assert {file for file in tmp_path.rglob("jit_*-cache")} == kept  # nothing was compiled
    assert anew == first == again
