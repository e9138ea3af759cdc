"""What a sweep found, as it is written; light to import, for the catalog reads it."""

from dataclasses import dataclass

from dropnorm.evaluation.json_form import Result
from dropnorm.evaluation.results import FoundJson


@dataclass(frozen=True)
class Choice(Result):
    """One point of a sweep, beside the best of its variant; None where a number is not finite.

    Attributes:
        variant: Its name.
        rate: Of its dropout layers, as one value.
        placement: Of its batch norms.
        error: Mean over the finite replicas.
        least: Of their errors.
        largest: Likewise.
        replicas: How many were trained.
        diverged: How many of them did.
        difference: To the best of the variant.
        low: End of its 95 % interval.
        high: The other end.
        p: Its p-value, adjusted for all pairs of the variant, as the interval is.
        standing: What can be said of it, in words.
        failed: How many of the finite replicas have a loss that is not below that of a constant.
    """

    variant: str
    rate: float | str | None
    placement: str | None
    error: float | None
    least: float | None
    largest: float | None
    replicas: int
    diverged: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    standing: str
    failed: int = 0


@dataclass(frozen=True)
class Choices(Result):
    """What a sweep found: ``choices.json``.

    Attributes:
        study: Its name.
        title: As a reader meets it.
        made_up: Whether the table is.
        error: Name of the error that counts.
        unit: Of the error.
        splits: How many there are.
        starts: How many there are of each split.
        estimand: What the intervals are about, in words.
        sentences: By variant that has a choice.
        points: Of all variants.
        findings: What the points show that a choice must not rest on.
    """

    study: str
    title: str
    made_up: bool
    error: str
    unit: str
    splits: int
    starts: int
    estimand: str
    sentences: dict[str, str]
    points: tuple[Choice, ...]
    findings: tuple[FoundJson, ...] = ()
