"""Progress of the trainings: a bar per variant on a terminal, quiet lines elsewhere."""

from __future__ import annotations

import io
import logging
import multiprocessing
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from dropnorm.training.progress import Epoch


# Columns of the terminal; of fewer, the losses take what the names leave.
_WIDE = 120
_LONGEST = max(map(len, Variant))
# Seconds between two quiet lines of one variant.
_QUIET_FOR = 30.0


def print_what_can_be_printed() -> None:
    """Let a character that the screen's encoding lacks be a question mark, not the end of a run."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


@dataclass
class _Seen:
    began: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    epochs: dict[int, float] = field(default_factory=dict)  # behind us, by replica
    losses: str = ""  # of the epoch that ended last

    @property
    def done(self) -> float:
        """Epochs of the variant behind us: replicas may be trained at the same time."""
        return sum(self.epochs.values())


class _Losses(ProgressColumn):
    """The only column that gives way where the terminal is narrow."""

    def render(self, task: Task) -> Text:
        """Return how far the training is, on one line."""
        return Text(task.fields["told"], no_wrap=True, overflow="ellipsis")


class ProgressHandler(logging.Handler):
    """Show the epochs that :func:`tell` logs."""

    def __init__(self, console: Console) -> None:
        super().__init__(level=logging.INFO)
        self._console = console
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._bars: Progress | None = None
        self._waiting: Status | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show one epoch."""
        epoch: Epoch | None = getattr(record, "epoch", None)
        if epoch is None:
            return
        seen = self._seen.setdefault((epoch.study, epoch.variant), _Seen())
        seen.epochs[epoch.replica] = epoch.done
        self._end_waiting()
        # Several worker processes would draw over each other.
        if self._console.is_terminal and multiprocessing.parent_process() is None:
            self._draw(epoch, seen)
        else:
            self._write(epoch, seen)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._end_waiting()
        self._leave_bars()
        super().close()

    def begin(self) -> None:
        """Show that something is going on, before the first epoch."""
        if self._console.is_terminal:
            self._waiting = self._console.status("reading, preparing, loading the engine …")
            self._waiting.start()

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _leave_bars(self) -> None:
        """Leave the bars where they are: what is told next comes below them."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            self._tasks.clear()

    def _draw(self, epoch: Epoch, seen: _Seen) -> None:
        if self._bars is None:
            wide = self._console.width >= _WIDE
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(24 if wide else 6, table_column=Column(no_wrap=True)),
                TimeRemainingColumn(
                    compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True)
                ),
                _Losses(),
                console=self._console,
            )
            self._bars.start()
        key = (epoch.study, epoch.variant)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(
                f"{epoch.study} · {epoch.variant:<{_LONGEST}}", total=epoch.total, told=""
            )
        of_replica = f" replica {epoch.replica}/{epoch.replicas}" if epoch.replicas > 1 else ""
        if epoch.loss is not None and epoch.val_loss is not None:
            seen.losses = f" val_loss {epoch.val_loss:.4g} loss {epoch.loss:.4g}"
        told = f"epoch {epoch.place}{seen.losses}{of_replica}"
        if seen.done >= epoch.total:
            told = f"done{seen.losses}"
        self._bars.update(self._tasks[key], completed=seen.done, told=told)
        if self._bars.finished:
            self._leave_bars()

    def _write(self, epoch: Epoch, seen: _Seen) -> None:
        now = time.monotonic()
        if not epoch.last and now - seen.told < _QUIET_FOR:
            return
        seen.told = now
        left = (now - seen.began) / seen.done * (epoch.total - seen.done)
        rest = f", about {left:.0f} s left" if left >= 1 else ""
        told = f"{epoch}{rest}"
        self._console.print(told, markup=False, emoji=False, highlight=False, soft_wrap=True)
