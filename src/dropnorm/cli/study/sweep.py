"""``kedro study sweep``: which rate of dropout, which place of batch normalization."""

from __future__ import annotations

from typing import Any, get_args

import click
from kedro.framework.cli.project import run as kedro_run

from dropnorm.cli.run_command import run_pipelines
from dropnorm.cli.study.arguments import of_project, of_study
from dropnorm.cli.study.project import open_project
from dropnorm.errors import did_you_mean
from dropnorm.pipeline_registry import SWEEP
from dropnorm.study.network import Placement

_PLACES = get_args(Placement)
# Options of 'kedro run' that make sense for one pipeline.
_AS_KEDRO_DOES = ("params", "runner", "runner_params")


def _rates(_: click.Context, __: click.Parameter, value: str | None) -> list[float] | None:
    if value is None:
        return None
    try:
        return [float(one) for one in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no list of numbers, as in 0,0.1,0.3") from error


def _places(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    places = None if value is None else [one.strip() for one in value.split(",")]
    for place in places or ():
        if place not in _PLACES:
            raise click.BadParameter(
                f"there is no place '{place}'{did_you_mean(place, _PLACES)}"
                f" (places: {', '.join(_PLACES)})"
            )
    return places


@click.command("sweep")
@of_study
@click.option(
    "--dropout",
    metavar="RATES",
    callback=_rates,
    help="Rates to try, as in 0,0.1,0.3,0.5; with --placement alone, the network's own.",
)
@click.option(
    "--placement",
    metavar="PLACES",
    callback=_places,
    help=f"Places of batch normalization to try, of {', '.join(_PLACES)}; the network's own if left"
    " out.",
)
@click.option("--verbose", is_flag=True, help="Show what Kedro does, and tracebacks.")
@of_project
def sweep_study(
    name: str,
    dropout: list[float] | None,
    placement: list[str] | None,
    verbose: bool,
    params: dict[str, Any],
    **options: Any,
) -> None:
    """Try other rates and places of the study NAME.

    That is rates of dropout and places of batch normalization. Every choice is trained on the
    study's own splits and starts, and compared pair by pair: which rate, which place, and whether
    the choice matters. The results stand below 08_reporting in NAME.sweep, apart from the study's
    own. Without options it tries what 'sweep' in the study's YAML says. Trainings that an earlier
    run or sweep did are not repeated.

    \b
    kedro study sweep wine --dropout 0,0.1,0.3,0.5
    kedro study sweep wine --dropout 0,0.3 --placement after_hidden,before_activation
    """  # noqa: D301  # a real \\b keeps click from filling the lines
    open_project(options["conf_source"], options["env"]).check_study(name)
    if dropout is not None or placement is not None:
        tried = {"dropout": dropout or [], "placement": placement or []}
        of_study = params.get(name, {})
        params = {**params, name: {**of_study, "sweep": tried}}
    defaults = kedro_run.make_context("run", []).params
    run_pipelines(verbose, **{**defaults, **options, "params": params, "pipelines": [name + SWEEP]})


sweep_study.params += [one for one in kedro_run.params if one.name in _AS_KEDRO_DOES]
