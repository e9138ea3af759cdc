"""Effects and moderators out of the complete runs of a project, a line for each table and layer."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from kedro.framework.startup import bootstrap_project
from scipy import stats

from dropnorm.cli.study.project import open_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dropnorm.cli.study.project import Project
    from dropnorm.evaluation.records import RunRecord
    from dropnorm.evaluation.results import VariantTraining

LAYERS = ("dropout", "batchnorm", "dropout_batchnorm")
_CONSTANT = "constant"


@dataclass(frozen=True)
class Moderators:
    """What an effect may depend on, as the protocol names it.

    Attributes:
        rows: Logarithm of the training rows.
        inputs: Logarithm of the inputs that reach the network.
        width: Logarithm of the units of the first hidden layer by training rows.
        overfitting: Logarithm of the baseline's validation loss by its training loss.
        noise: Error of the best reference model by that of the constant.
        categories: Share of the input columns that are categories.
        depth: Hidden layers.
    """

    rows: float
    inputs: float
    width: float
    overfitting: float
    noise: float
    categories: float
    depth: float


@dataclass(frozen=True)
class TableEffect:
    """What one layer does on one table.

    Attributes:
        table: Name of the study.
        version: Of the run.
        engine: That it ran on.
        overridden: Options that the run was told, which the study does not have.
        task: What the target is for.
        layer: ``dropout``, ``batchnorm`` or both.
        error: Name of the error.
        baseline: Error of the baseline.
        share: The difference by that; nan without pairs.
        low: Lower end of its 95 % interval, by the same.
        high: Upper end.
        pairs: Replicas of both that are finite.
        verdict: Of the study.
        moderators: Of the table.
    """

    table: str
    version: str
    engine: str
    overridden: str
    task: str
    layer: str
    error: str
    baseline: float
    share: float
    low: float
    high: float
    pairs: int
    verdict: str
    moderators: Moderators

    def log_ratio(self) -> tuple[float, float]:
        """Return the logarithm of the ratio of the errors, and its standard error.

        The error is that of a normal distribution with the same interval, so that an interval with
        few degrees of freedom counts as a larger error. If the interval reaches to no error at all
        or beyond, there is neither: the error of the logarithm would be much too small.
        """
        if not math.isfinite(self.low) or self.low <= -1:
            return math.nan, math.nan
        error = (self.high - self.low) / 2 / float(stats.norm.ppf(0.975))
        return math.log1p(self.share), error / (1 + self.share)


def collect(folder: Path, studies: Iterable[str]) -> list[TableEffect]:
    """Read the newest complete run of each study; those without one are left out.

    Args:
        folder: Of the project.
        studies: Their names.
    """
    with open_within(folder) as project:
        known = set(project.config.studies())
        found = [(name, project.complete_versions(name)[:1]) for name in studies if name in known]
        return [
            effect
            for name, versions in found
            for version in versions
            for effect in _of_run(project, name, version)
        ]


def tidy(effects: Iterable[TableEffect]) -> pd.DataFrame:
    """Return a line for each table and layer, with the moderators as columns."""
    lines = []
    for effect in effects:
        line = vars(effect) | vars(effect.moderators)
        line["log_ratio"], line["standard_error"] = effect.log_ratio()
        lines.append({name: value for name, value in line.items() if name != "moderators"})
    return pd.DataFrame(lines)


@contextlib.contextmanager
def open_within(folder: Path, env: str | None = None) -> Iterator[Project]:
    """Open the project of a folder, which is the working directory as long.

    Args:
        folder: Of the project.
        env: Its environment.
    """
    before = Path.cwd()
    os.chdir(folder)
    try:
        bootstrap_project(Path.cwd())
        yield open_project(None, env)
    finally:
        os.chdir(before)


def _of_run(project: Project, name: str, version: str) -> list[TableEffect]:
    answer = project.load(f"{name}.effects", version)
    record: RunRecord = project.load(f"{name}.run", version)
    training: VariantTraining = project.load(f"{name}.baseline.training", version)
    diagnostics = project.load(f"{name}.diagnostics", version).set_index("variant")
    moderators = find_moderators(
        answer, record.options, training, diagnostics.loc["baseline"].to_dict()
    )
    overridden = "; ".join(f"{key}={said.run}" for key, said in (record.overridden or {}).items())
    return [
        _effect(name, version, layer, answer, record, overridden, moderators) for layer in LAYERS
    ]


def _effect(
    name: str,
    version: str,
    layer: str,
    answer: Mapping[str, Any],
    record: RunRecord,
    overridden: str,
    moderators: Moderators,
) -> TableEffect:
    effect = answer["effects"][layer]
    percent, difference = _number(effect["percent_of_baseline"]), _number(effect["difference"])
    # The baseline of the same pairs; that of all replicas is another where some diverged.
    baseline = 100 * difference / percent if percent else math.nan
    return TableEffect(
        table=name,
        version=version,
        engine=record.engine or "",
        overridden=overridden,
        task=record.options["task"],
        layer=layer,
        error=answer["error"],
        baseline=baseline,
        share=percent / 100,
        low=_number(effect["low"]) / baseline,
        high=_number(effect["high"]) / baseline,
        pairs=effect["pairs"],
        verdict=effect["verdict"],
        moderators=moderators,
    )


def find_moderators(
    answer: Mapping[str, Any],
    options: Mapping[str, Any],
    training: VariantTraining,
    baseline: Mapping[str, float],
) -> Moderators:
    """Return what an effect may depend on.

    Args:
        answer: ``effects.json`` of a run.
        options: Of the study, as the run's record has them.
        training: Of the baseline.
        baseline: Its line of the diagnostics.
    """
    rows = pd.Series([one.rows["train"] for one in training.replicas]).median()
    units = [layer.units for layer in training.layers if layer.units is not None]
    references = {name: _number(said["error"]) for name, said in answer["references"].items()}
    constant = references.pop(_CONSTANT, math.nan)
    best = min((error for error in references.values() if math.isfinite(error)), default=math.nan)
    return Moderators(
        rows=math.log(rows),
        inputs=math.log(_inputs(training.trainable_parameters, units)),
        width=math.log(units[0] / rows),
        overfitting=_log(baseline["val_loss"]) - _log(baseline["training_loss"]),
        noise=best / constant,
        categories=_categories(options["preprocessing"]),
        depth=len(units) - 1,
    )


def _inputs(parameters: int, units: list[int]) -> int:
    """Return how many inputs a network of dense layers has that many parameters with."""
    behind = sum((before + 1) * after for before, after in itertools.pairwise(units))
    return (parameters - behind) // units[0] - 1


def _categories(preprocessing: Mapping[str, Any]) -> float:
    numbers = ("standard_scale", "min_max_scale", "robust_scale", "quantile_scale", "passthrough")
    categories = len(preprocessing["one_hot"]) + len(preprocessing["ordinal"])
    return categories / (categories + sum(len(preprocessing[name]) for name in numbers))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan
