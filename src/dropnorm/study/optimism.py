"""Say whether scores are optimistic, because the rows that score also chose something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.study.arms import arm_names, arm_of

if TYPE_CHECKING:
    from dropnorm.study.schema import Study
    from dropnorm.study.training import Training

OPTIMISTIC = "optimistic"


def sets_rows_aside(study: Study) -> bool:
    """Return whether a network of the study sets some of its training rows aside to choose."""
    return any("training" in one.looked_at for one in _trainings(study).values())


def is_optimistic(training: Training) -> bool:
    """Return whether the rows that score a network choose its epoch or its learning rate."""
    return "validation" in training.looked_at


def optimistic_networks(study: Study) -> tuple[str, ...]:
    """Return the names of the networks with optimistic scores, in the order of the study."""
    return tuple(name for name, one in _trainings(study).items() if is_optimistic(one))


def tell_optimism(study: Study) -> str:
    """Say in a sentence why scores are optimistic, or an empty text if none are."""
    names = optimistic_networks(study)
    if not names:
        return ""
    of = "" if len(names) == len(arm_names(study)) else f" of {', '.join(names)}"
    return f"Scores{of} are {OPTIMISTIC}: {_what(study, 'validation')} on the rows that score."


def tell_choice(study: Study) -> str:
    """Say in a sentence which rows choose epochs and learning rates; empty if nothing is chosen."""
    told = [tell_optimism(study)] if optimistic_networks(study) else []
    if sets_rows_aside(study):
        aside = [name for name, one in _trainings(study).items() if "training" in one.looked_at]
        of = "" if len(aside) == len(arm_names(study)) else f" of {', '.join(aside)}"
        what = _what(study, "training")
        told.append(
            f"{what[0].upper()}{what[1:]} on one in five of the training rows{of}; validation rows"
            " only score."
        )
    return " ".join(told)


def _what(study: Study, rows: str) -> str:
    """Say what is chosen on rows of this kind."""
    trainings = _trainings(study).values()
    epochs = any(one.early_stopping and one.early_stopping.rows == rows for one in trainings)
    rates = any(getattr(one.schedule, "rows", None) == rows for one in trainings)
    chosen = ["epochs"] * epochs + ["learning rates"] * rates
    return f"{' and '.join(chosen)} are chosen"


def _trainings(study: Study) -> dict[str, Training]:
    return {name: arm_of(study, name).study.training for name in arm_names(study)}
