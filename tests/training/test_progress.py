from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from dropnorm.cli.progress_bar import ProgressHandler
from dropnorm.training import progress
from dropnorm.training.progress import Epoch


def an_epoch(epoch: float, *, last: bool = False, **changes: object) -> Epoch:
    told = {
        "study": "Concrete", "variant": "dropout_batchnorm", "replica": 1, "replicas": 1,
        "split": 0, "start": 0, "epoch": epoch, "epochs": 100, "loss": 12.3456, "val_loss": 9.87654,
        "last": last,
    }  # fmt: skip
    return Epoch(**{**told, **changes})  # type: ignore[arg-type]


@pytest.fixture
def shown():
    """Return what a console of some width shows of some epochs."""
    logger = logging.getLogger("dropnorm.training.progress")
    before = (logger.handlers, logger.level, logger.propagate)

    def show(*epochs: Epoch, width: int = 80, terminal: bool = True, after: str = "") -> str:
        file = io.StringIO()
        console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
        handler = ProgressHandler(console)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
        for epoch in epochs:
            progress.tell(epoch)
        if after:
            console.print(after)
        handler.close()
        return file.getvalue()

    yield show
    logger.handlers, logger.level, logger.propagate = before


def last_line(text: str) -> str:
    return text.replace("\x1b[2K", "\r").replace("\x1b[?25h", "").rstrip().split("\r")[-1]


def test_a_terminal_of_80_columns_has_bar_time_and_validation_loss_on_one_line(shown):
    text = shown(*(an_epoch(number) for number in range(1, 61)))

    line = last_line(text).strip("\n")
    assert line.startswith("Concrete · dropout_batchnorm ━")
    assert "epoch 60/100 val_loss 9.877" in line
    assert len(line) <= 80
    assert ":" in line.split("━")[-1].split("epoch")[0]


def test_a_wide_terminal_has_all_of_it(shown):
    line = last_line(shown(an_epoch(7, replica=2, replicas=3), width=160))

    assert "epoch 7/100 val_loss 9.877 loss 12.35 replica 2/3" in line


def test_what_is_told_after_the_trainings_stands_below_their_bars(shown):
    text = shown(an_epoch(99), an_epoch(100, last=True), after="the answer")

    assert text.rindex("done val_loss 9.877") < text.index("the answer")
    assert text.rindex("\x1b[?25h") < text.index("the answer")


def test_a_log_has_one_line_of_a_short_training(shown):
    text = shown(*(an_epoch(number, last=number == 100) for number in range(1, 101)),
                 terminal=False)  # fmt: skip

    assert text == (
        "Concrete · dropout_batchnorm: replica 1/1 (split 0, start 0), epoch 100/100,"
        " loss 12.35, val_loss 9.877\n"
    )


def test_within_a_long_epoch_the_bar_moves_and_the_last_losses_stay(shown):
    within = an_epoch(7.4, loss=None, val_loss=None)

    line = last_line(shown(an_epoch(7), within, width=160))

    assert "epoch 8/100 (40%) val_loss 9.877 loss 12.35" in line
    assert within.done == 7.4
    assert str(within).endswith("epoch 8/100 (40%)")


def test_a_training_that_ended_early_counts_as_whole():
    ended = an_epoch(1, last=True, replica=2, replicas=3, epochs=50)

    assert (ended.done, ended.total) == (50, 150)
    assert an_epoch(1, replica=2, replicas=3, epochs=50).done == 1


def test_before_the_first_epoch_a_terminal_shows_that_something_goes_on():
    file = io.StringIO()
    handler = ProgressHandler(Console(file=file, width=80, force_terminal=True))

    handler.begin()
    handler.close()

    assert "loading the engine" in file.getvalue()
