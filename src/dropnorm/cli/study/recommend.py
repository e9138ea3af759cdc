"""``kedro study recommend``: the layers when each network was given the same number of trials."""

from __future__ import annotations

from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from dropnorm.cli.run_command import run_pipelines
from dropnorm.cli.study.arguments import of_project, of_study
from dropnorm.cli.study.project import open_project
from dropnorm.pipeline_registry import RECOMMEND

# Options of 'kedro run' that make sense for one pipeline.
_AS_KEDRO_DOES = ("params", "runner", "runner_params")


@click.command("recommend")
@of_study
@click.option(
    "--trials",
    type=int,
    help="Configurations of each network in each split, the study's own among them; 20 unless the"
    " study says otherwise.",
)
@click.option("--seed", type=int, help="Of the configurations that are drawn.")
@click.option("--verbose", is_flag=True, help="Show what Kedro does, and tracebacks.")
@of_project
def recommend_study(
    name: str,
    trials: int | None,
    seed: int | None,
    verbose: bool,
    params: dict[str, Any],
    **options: Any,
) -> None:
    """Give each network of the study NAME the same number of trials.

    A trial is a learning rate, a width, a batch size, a weight decay and the layers' own options,
    drawn at random, the same for each network; the first is the study as configured. In each split,
    a part of the training rows chooses; what it has chosen is trained on all of them, and scored
    on the validation rows, which have chosen nothing. The results stand below 08_reporting in
    NAME.recommend, apart from the study's own. Trainings that an earlier run or an interrupted
    search did are not repeated.

    \b
    kedro study recommend wine --trials 20
    """  # noqa: D301  # a real \\b keeps click from filling the lines
    open_project(options["conf_source"], options["env"]).check_study(name)
    said = {"trials": trials, "seed": seed}
    if changed := {key: value for key, value in said.items() if value is not None}:
        of_study = params.get(name, {})
        changed = {**of_study.get("recommend", {}), **changed}
        params = {**params, name: {**of_study, "recommend": changed}}
    defaults = kedro_run.make_context("run", []).params
    run_pipelines(
        verbose, **{**defaults, **options, "params": params, "pipelines": [name + RECOMMEND]}
    )


recommend_study.params += [one for one in kedro_run.params if one.name in _AS_KEDRO_DOES]
