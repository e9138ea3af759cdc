"""What Keras computes on: the one place that imports it."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import importlib.util
import json
import logging
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.hidden_packages import hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropnorm.study.schema import Study

# Name of the engine, and what must be installed for it.
_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
# Packages that Keras imports for notebooks, pictures and wrappers where they are installed: more
# than a third of its import on JAX. What this process has imported already stays.
_NOT_NEEDED = ("IPython", "matplotlib", "matplotlib.pyplot", "sklearn")
# An engine looks for these too: TensorFlow for another one whose functions it could convert.
_NOT_NEEDED_BY = {"tensorflow": ("jax",)}
# Of a training whose study names no number (docs/development/benchmarks.md, "Threads"). On JAX
# two make a single training faster, and cost little where every core has a training of its own.
_USUAL_THREADS = {"jax": 2}
# Where compiled functions are kept, in place of the user's cache folder; "off" keeps none.
COMPILED = "DROPNORM_COMPILED"
_COMPILED_BYTES = 500_000_000
_import_lock = threading.Lock()
_threads: int | None = None


def engine_name() -> str:
    """Return the engine in use, as Keras chooses it, without importing it.

    That is ``KERAS_BACKEND``, else the ``backend`` in Keras' own configuration file, else
    TensorFlow.
    """
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    return str(keras_configuration().get("backend", "tensorflow"))


def keras_configuration() -> dict[str, Any]:
    """Return what Keras' own configuration file says; nothing where there is none."""
    with contextlib.suppress(OSError, ValueError):
        written = json.loads(_configuration_file().read_text())
        return written if isinstance(written, dict) else {}
    return {}


def check_engine() -> str:
    """Return the engine in use.

    Raises:
        BadInputError: If there is no such engine, or if it is not installed.
    """
    name = engine_name()
    if name not in _PACKAGES:
        named = os.environ.get("KERAS_BACKEND")
        where = "KERAS_BACKEND" if named else f"backend in {_configuration_file()}"
        raise BadInputError(
            f"{where} is {name!r}{did_you_mean(name, _PACKAGES)} (known: {', '.join(_PACKAGES)})"
        )
    if importlib.util.find_spec(_PACKAGES[name]) is None:
        extra = "" if name == "tensorflow" else f"[{name}]"
        raise BadInputError(
            f"the engine {name} is not installed; 'pip install \".{extra}\"' brings it, or choose"
            " another with KERAS_BACKEND"
        )
    return name


def load_keras() -> Any:
    """Import Keras on the engine in use, without the engine's start-up noise."""
    start_engine()
    return sys.modules["keras"]


def engine_threads() -> int | None:
    """Return with how many threads per training the engine runs here; None before it starts."""
    return _threads


def threads_of(study: Study) -> int:
    """Return on how many threads a training of the study runs: its own number, or the engine's."""
    return study.training.threads or _usual_threads()


def _usual_threads() -> int:
    return _USUAL_THREADS.get(engine_name(), 1)


def start_engine(threads: int | None = None) -> None:
    """Import Keras, and let the engine compute on ``threads`` threads at a time.

    An engine takes that once in the life of a process; what is started stays as it is. Sums of
    floats depend on the number of threads that share them, so it is never the engine's own choice.

    Args:
        threads: Of one operation; left out, the engine's usual number. How many trainings run
            beside each other is no matter of it.
    """
    global _threads  # noqa: PLW0603  # the engine itself is one per process
    with _import_lock:
        if _threads is not None:
            return
        threads = threads or _usual_threads()
        # TensorFlow speaks before it reads its own log level, and again at its first operation: so
        # the level is set, and until then it is not listened to.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # It warns of a function compiled anew, which is what another network needs.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        with (
            _standard_error_held_back(),
            _no_garbage_collected(),
            environment(NPROC=str(threads)),  # JAX reads it
        ):
            if engine_name() == "jax":
                _keep_compiled(threads)  # before it compiles anything
            # The reader of a notebook may go on with Keras' wrappers and pictures.
            in_notebook = "IPython" in sys.modules
            not_needed = (*_NOT_NEEDED, *_NOT_NEEDED_BY.get(engine_name(), ()))
            with hidden(*(() if in_notebook else not_needed)):
                keras = importlib.import_module("keras")
            match keras.backend.backend():
                case "tensorflow":
                    _limit_tensorflow(threads)
                case "torch":
                    importlib.import_module("torch").set_num_threads(threads)
            keras.ops.convert_to_numpy(keras.ops.zeros(1))
            if engine_name() != "tensorflow":
                _keep_tensorflow_out(keras)
        _threads = threads


@contextlib.contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Import without looking for garbage, of which imports make none: a tenth of their time.

    In a worker, nobody looks at what is imported again: a tenth of the time of its first trainings.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if multiprocessing.parent_process() is not None:
            gc.freeze()
        if enabled:
            gc.enable()


def _limit_tensorflow(threads: int) -> None:
    threading_ = importlib.import_module("tensorflow").config.threading
    # It refuses where the process has used TensorFlow before; then it stays as its user set it.
    with contextlib.suppress(RuntimeError):
        threading_.set_intra_op_parallelism_threads(threads)


def _keep_compiled(threads: int) -> None:
    """Let JAX keep what it compiles, for later processes of this user on this machine.

    What is kept is machine code. So it lies in the user's own cache folder, which nobody else may
    write to, and never in a project; a folder of its own for each processor and number of threads,
    which JAX's own key does not tell apart.
    """
    folder = _compiled_folder(threads)
    configuration = importlib.import_module("jax").config
    if folder is None or configuration.jax_compilation_cache_dir is not None:
        return  # or its user has chosen one
    if importlib.util.find_spec("filelock") is None:
        return  # JAX needs it to bound the folder's size, and then reads nothing from it
    configuration.update("jax_compilation_cache_dir", str(folder))
    configuration.update("jax_compilation_cache_max_size", _COMPILED_BYTES)
    # All of it: small functions are many.
    configuration.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    configuration.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _compiled_folder(threads: int) -> Path | None:
    """Return where compiled functions are kept; None if nowhere, or if others may write there."""
    named = os.environ.get(COMPILED)
    if named == "off" or not hasattr(os, "getuid"):
        return None
    machine = hashlib.sha256(f"{_processor()} {threads}".encode()).hexdigest()[:16]
    if not named:
        import pooch  # noqa: PLC0415  # takes long, and the catalog does without

        named = str(pooch.os_cache("dropnorm"))
    folder = Path(named) / "jax" / machine
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError:
        return None
    return folder if found.st_uid == os.getuid() and not found.st_mode & 0o022 else None


def _processor() -> str:
    """Return what tells a kind of processor from another: its name and all that it can do."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
        return "\n".join(sorted(told))
    return f"{platform.machine()} {platform.processor()} {platform.version()}"


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables, for this process and those it starts meanwhile."""
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _keep_tensorflow_out(keras: Any) -> None:
    """Let Keras find on another engine that there is no TensorFlow.

    It asks once, when it first saves a model, by importing it: seconds, and noise.
    """
    if "tensorflow" in sys.modules:
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # how Python is told so
    try:
        keras.saving.serialize_keras_object(keras.ops.zeros(1))
    finally:
        del sys.modules["tensorflow"]


def _configuration_file() -> Path:
    """Return where Keras' own configuration file stands, if there is one."""
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"


@contextlib.contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Keep what native code writes to file descriptor 2; give it back if there is an exception."""
    if sys.stderr is not None:  # as in a process started without one
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no standard error at all: nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
