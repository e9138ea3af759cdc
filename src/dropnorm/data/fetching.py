"""Files from elsewhere, with bounds: of size, of silence and of pace."""

from __future__ import annotations

import concurrent.futures
import re
import shutil
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from dropnorm.data.compression import refuse_special
from dropnorm.errors import BadInputError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds without a byte until a server counts as gone.
TIMEOUT = 30
# Bytes that must have come per second on the whole, once so many seconds have passed.
SLOWEST, PATIENCE = 5_000, 60
# Bytes of a file whose size nobody tells.
MOST = 1_000_000_000
_AT_ONCE = 1 << 16
_NOT_FOUND = 404
# Pipes that this process was started with: somebody writes to them.
_GIVEN = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")


class RefusedError(Exception):
    """A download that is stopped, and why."""


def is_address(source: Path | str) -> bool:
    """Tell an address, such as ``https://…``, from a path."""
    return "://" in str(source)


def local_path(source: str) -> Path | None:
    """Return the local file that a path or an address such as ``file://…`` names, if it does."""
    if not is_address(source):
        return Path(source)
    protocol = source.split("://", maxsplit=1)[0]
    if protocol in LocalFileSystem.protocol:
        return Path(LocalFileSystem._strip_protocol(source))
    return None


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Give the path of a file, or of what was fetched from an address, as long as it is needed.

    Raises:
        BadInputError: If nothing could be fetched, in one line: also if there is no end to it.
    """
    file = local_path(source)
    given = file is not None and _GIVEN.fullmatch(source) and file.is_fifo()
    if file is not None and not given:
        refuse_special(file, source)
        yield file
        return
    with TemporaryDirectory() as folder:
        local = Path(folder, source.rsplit("/", maxsplit=1)[-1] or "table")
        try:
            with local.open("wb") as target:
                arrival = Arrival(target)
                if given:
                    with Path(source).open("rb") as pipe:
                        shutil.copyfileobj(pipe, arrival)
                else:
                    wait_for(lambda: _copy(source, arrival), arrival)
        except Exception as error:  # every file system has its own
            raise BadInputError(f"{source}: {_why_not_fetched(error)}") from error
        yield local


def _copy(source: str, arrival: Arrival) -> None:
    if source.startswith(("http://", "https://")):
        download(source, arrival, _check_redirect)
        return
    with fsspec.open(source, "rb") as remote:
        shutil.copyfileobj(remote, arrival, _AT_ONCE)


def _check_redirect(answer: Any, **_: Any) -> None:
    """Refuse an answer that sends from a safe to an unsafe place."""
    if answer.is_redirect:
        target = urljoin(answer.url, answer.headers["location"])
        if urlsplit(target).scheme not in {"https", urlsplit(answer.url).scheme}:
            raise RefusedError(f"its server sends to another place, {target}, by other means")


def _why_not_fetched(error: Exception) -> str:
    # A server that does not answer is a file that is not there, for a reason.
    why = error.__cause__ or error
    answer = getattr(error, "response", None)
    if isinstance(why, FileNotFoundError) or getattr(answer, "status_code", 0) == _NOT_FOUND:
        return "there is no such file"
    if isinstance(error, RefusedError):
        return str(error)
    told = in_one_line(why) or type(why).__name__
    if "Max retries exceeded" in told:  # with the insides of requests
        told = "Cannot connect to its server"
    return f"cannot be fetched: {told}"


def download(
    url: str, arrival: Arrival, check: Callable[..., None], *, progress: bool = False
) -> None:
    """Download a file over HTTP.

    Args:
        url: Its address.
        arrival: Takes it.
        check: Told each answer before it is read or followed; raises what it refuses.
        progress: Show how far it is.
    """
    import pooch  # noqa: PLC0415  # not needed for files that are there

    fetch = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=_AT_ONCE if not progress else 1024,
        timeout=TIMEOUT,
        hooks={"response": check},
    )
    fetch(url, arrival, None)


class Arrival:
    """A file that takes what arrives, but no more than there should be.

    Args:
        file: Is written to.
        most: Bytes of it; the limit of all downloads if left out.
    """

    def __init__(self, file: IO[bytes], most: int | None = None) -> None:
        self._file = file
        self._most = MOST if most is None else most
        self._received = 0
        self._began = self._last = time.monotonic()

    def write(self, chunk: bytes) -> int:
        """Take some bytes.

        Raises:
            RefusedError: If there are too many.
        """
        self._received += len(chunk)
        self._last = time.monotonic()
        if self._received > self._most:
            raise RefusedError(
                f"what came is not the file that is meant (more than {self._most} bytes)"
            )
        return self._file.write(chunk)

    def flush(self) -> None:
        """Write out what has come."""
        self._file.flush()

    def check_speed(self) -> None:
        """Refuse a server that is silent or too slow.

        Raises:
            RefusedError: Says how much has come.
        """
        now = time.monotonic()
        seconds = now - self._began
        if seconds > PATIENCE and self._received < SLOWEST * seconds:
            raise RefusedError(
                f"its server is too slow ({self._received} bytes in {seconds:.0f} seconds)"
            )
        if now - self._last > PATIENCE + TIMEOUT:
            raise RefusedError(f"its server is silent (after {self._received} bytes)")


def wait_for(work: Callable[[], object], arrival: Arrival) -> None:
    """Do the work in a thread of its own, and look every second how far it is.

    A thread that waits for bytes cannot be stopped: when a server is too slow it is left alone, and
    ends with the process at the latest.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="download", daemon=True).start()
    while not concurrent.futures.wait([done], timeout=min(1, PATIENCE)).done:
        arrival.check_speed()
    done.result()
