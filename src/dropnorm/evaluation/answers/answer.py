"""The answer of a study: what each network came to, how they compare, and what to do."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dropnorm.evaluation.answers.more_runs import MoreRuns
from dropnorm.evaluation.estimation.contrasts import FOUR, Design
from dropnorm.evaluation.estimation.verdicts import Health, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.answers.answer_on_test import AnswerOnTest
    from dropnorm.evaluation.estimation.deviations import Deviations
    from dropnorm.evaluation.estimation.effects import Effect
    from dropnorm.evaluation.references.reference_comparison import ReferenceAnswer
    from dropnorm.findings import Finding


@dataclass(frozen=True)
class VariantAnswer:
    """What the trainings of one variant came to; nan or None where none stayed finite.

    Attributes:
        error: Mean validation error over the finite replicas, in the target's unit.
        standard_deviation: Of that error over the replicas.
        deviations: Where its spread comes from.
        replicas: How many were trained.
        finite: How many of them stayed finite.
        diverged: How many did not.
        failures: How many failed in each way that the task knows, such as ``collapsed``.
        health: Whether the networks are worth comparing.
        final_val_loss: In training units, at the last epoch.
        min_val_loss: The least of all epochs, chosen by the rows that score it.
        minimum_flatters_by: By how much the least is below that of the networks that are kept.
        beside: Further scores of the task, by name.
        committee: Scores of the mean prediction of a split's starts, if there are several.
    """

    error: float
    standard_deviation: float
    deviations: Deviations
    replicas: int
    finite: int
    diverged: int
    failures: Mapping[str, int]
    health: Health
    final_val_loss: float | None
    min_val_loss: float | None
    minimum_flatters_by: float | None
    beside: Mapping[str, float | None]
    committee: Mapping[str, float | None] | None

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data, the task's own measures beside the others."""
        own = asdict(self)
        of_task: dict[str, Any] = own.pop("failures") | own.pop("beside")
        return own | of_task


@dataclass(frozen=True)
class Card:
    """What one network does to the error of the reference: the same on every surface.

    Attributes:
        name: Of the layer that it has, ``Dropout``, or its own.
        verdict: In a few words: ``helps``.
        effect: The difference with its interval, ``−1.09 points (95 % interval −1.33 to −0.86)``,
            with the word optimistic if it is; empty where there is nothing to compare.
        rules_out: What the runs rule out, or why there is nothing to compare, in a sentence.
    """

    name: str
    verdict: str
    effect: str
    rules_out: str

    def line(self) -> str:
        """Return the card in one line."""
        effect = f" {self.effect}." if self.effect else ""
        return f"{self.name}: {self.verdict}.{effect} {self.rules_out}".rstrip()


@dataclass(frozen=True)
class Comparison:
    """The error of one network less that of another, pair by pair; positive means it is worse.

    Attributes:
        network: The one.
        other: The other.
        difference: Mean over the pairs; nan without pairs.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        verdict: On the one network, seen from the other.
        detectable: The smallest true difference that more runs on this table could show.
    """

    network: str
    other: str
    difference: float
    low: float
    high: float
    verdict: Verdict
    detectable: float = math.nan

    @property
    def worse(self) -> bool:
        """Whether the network is shown to be worse than the other."""
        return self.verdict is Verdict.HURTS

    def turned(self) -> Comparison:
        """Return the same, seen from the other side."""
        opposite = {Verdict.HELPS: Verdict.HURTS, Verdict.HURTS: Verdict.HELPS}
        return replace(
            self,
            network=self.other,
            other=self.network,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            verdict=opposite.get(self.verdict, self.verdict),
        )


@dataclass(frozen=True)
class Recommendation:
    """What to do, in one or two sentences, and what is left open.

    Attributes:
        use: Name of the network or reference model to use; empty if there is none.
        action: What to do and why, in a sentence.
        reference: How the network stands to the best reference model; empty if the action says it.
        open: What is not settled; empty if nothing is.
        network: Name of the network to use if it must be one; empty if none works.
    """

    use: str
    action: str
    reference: str = ""
    open: str = ""
    network: str = ""

    def text(self) -> str:
        """Return all of it."""
        return " ".join(one for one in (self.action, self.reference, self.open) if one)


@dataclass(frozen=True)
class Answer:
    """The answer to the question of the project for one study.

    Attributes:
        study: Its name.
        title: Its title.
        made_up: Whether its table is.
        estimand: What the intervals are about.
        error: Name of the error, such as ``mae``.
        beside: Names of the scores that are shown beside the error.
        unit: Of the target.
        margin: Differences up to this are practically none.
        splits: How many were trained on.
        starts: How many trainings of each split.
        variants: What each network came to.
        effects: What each contrast does.
        comparisons: All networks but the reference, compared with one another.
        references: What each reference model came to.
        committee: What averaging the starts comes to, in a sentence.
        spread: Where the spread of errors comes from, in a sentence.
        cards: One for each network but the reference.
        interaction: What the layers do to each other; empty where a network failed.
        recommendation: What to do, and what is left open.
        findings: What the result must not be read without.
        design: Which networks are compared, and with which one.
        test: The same of the test rows; None without a test part.
        optimistic: Networks whose scoring rows also chose their epoch or learning rate.
        choice: Which rows choose epochs and learning rates, in a sentence; empty if none do.
        more_runs: How the study can be run more often.
    """

    study: str
    title: str
    made_up: bool
    estimand: str
    error: str
    beside: tuple[str, ...]
    unit: str
    margin: float
    splits: int
    starts: int
    variants: Mapping[str, VariantAnswer]
    effects: Mapping[str, Effect]
    comparisons: tuple[Comparison, ...]
    references: Mapping[str, ReferenceAnswer]
    committee: str
    spread: str
    cards: Mapping[str, Card] = field(default_factory=dict)
    interaction: str = ""
    recommendation: Recommendation = field(default_factory=lambda: Recommendation("", ""))
    findings: tuple[Finding, ...] = ()
    design: Design = FOUR
    test: AnswerOnTest | None = None
    optimistic: tuple[str, ...] = ()
    choice: str = ""
    more_runs: MoreRuns = field(default_factory=MoreRuns)

    @property
    def answer(self) -> str:
        """The recommendation, in words."""
        return self.recommendation.text()

    def between(self, network: str, other: str) -> Comparison:
        """Return what is known of two networks, the error of the one less that of the other."""
        for comparison in self.comparisons:
            if (comparison.network, comparison.other) == (network, other):
                return comparison
            if (comparison.other, comparison.network) == (network, other):
                return comparison.turned()
        against = self.design.against
        compared = other if network == against else network
        effect = self.effects[compared]
        found = Comparison(
            compared, against, effect.difference, effect.low, effect.high, effect.verdict,
            effect.detectable,
        )  # fmt: skip
        return found if network == compared else found.turned()

    def working(self) -> list[str]:
        """Return the networks that are worth comparing, in the order of choice."""
        names = self.design.in_order_of_choice
        return [name for name in names if self.variants[name].health is Health.WORKS]

    def not_beaten(self) -> list[str]:
        """Return the working networks that no other is shown to be better than, in that order."""
        names = self.working()
        return [
            one
            for one in names
            if not any(self.between(one, other).worse for other in names if other != one)
        ]

    def ranked(self) -> list[str]:
        """Return the working networks by their error, if each is shown to be worse than the last.

        Returns:
            Nothing where any neighbours are not settled: their order would be chance.
        """
        names = sorted(self.working(), key=lambda name: self.variants[name].error)
        settled = all(self.between(two, one).worse for one, two in itertools.pairwise(names))
        return names if settled and len(names) > 1 else []

    def best_reference(self) -> str | None:
        """Return the reference model, other than the constant, with the least error."""
        known = [name for name in self.finite_references() if name != "constant"]
        return min(known, key=lambda name: self.references[name].error) if known else None

    def finite_references(self) -> list[str]:
        """Return the reference models that no run lacks: the error of others leaves out the worst.

        One that diverged has no finite error, nor has one with predictions beyond float64.
        """
        runs = self.splits * self.starts
        return [
            name
            for name, one in self.references.items()
            if one.finite == runs and math.isfinite(one.error)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data; a number that is not finite becomes None.

        ``against`` is there where other networks than the four variants are compared, ``test``
        where the study holds a test part, ``optimistic`` and ``choice`` where a training chooses
        its epoch or learning rate, and ``boundary`` of an effect where the run looks several times.
        """
        variants = {name: one.as_json() for name, one in self.variants.items()}
        told = {
            "answer": self.answer,
            "ranking": self.ranked(),
            "variants": variants,
            "findings": [one.described() for one in self.findings],
        }
        written: dict[str, Any] = strict(asdict(self) | told)
        del written["design"], written["more_runs"]
        effects = [written["effects"]]
        if self.test is None:
            del written["test"]
        else:
            effects.append(written["test"]["effects"])
        for one in (one for of_part in effects for one in of_part.values()):
            if one["boundary"] is None:
                del one["boundary"]
        for name in ("optimistic", "choice"):
            if not written[name]:
                del written[name]
        return written if self.design.is_the_four else {**written, "against": self.design.against}


def strict(value: Any) -> Any:
    """Return plain data that JSON knows: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [strict(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
