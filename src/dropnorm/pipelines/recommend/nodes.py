"""From inputs to the networks at equal budget: searched, trained again, compared."""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from dropnorm.data.preprocessing import SplitInputs
from dropnorm.evaluation.records import Provenance, RunRecord
from dropnorm.evaluation.results import VariantMetrics
from dropnorm.pipelines.reporting.nodes import measure, record
from dropnorm.pipelines.training.nodes import put_together, teller
from dropnorm.reporting.figures import Figure
from dropnorm.study.arms import arm_of
from dropnorm.study.schema import Study
from dropnorm.training.execution import HERE, Execution
from dropnorm.training.job import Job
from dropnorm.training.parallel import train_jobs
from dropnorm.tuning import equal_budget, inner, search
from dropnorm.tuning.equal_budget import CHOSEN, CONFIGURED
from dropnorm.tuning.fragment import write_fragment
from dropnorm.tuning.results import EqualBudget, SearchedNetwork, Trial
from dropnorm.tuning.space import of_network


class Searched(NamedTuple):
    """What a search leaves of one network, as :class:`SearchedNetwork` describes it."""

    trials: list[Trial]
    configured: VariantMetrics
    chosen: VariantMetrics
    predictions: pd.DataFrame


def divide_training_rows(
    rows: pd.DataFrame, split: pd.DataFrame, study: Study
) -> list[SplitInputs]:
    """Divide the training rows of each split into rows that train and rows that choose."""
    return inner.make_inner_inputs(rows, split, study)


@dataclass(frozen=True)
class NetworkSearcher:
    """What searches for the configuration of one network; a node is the method of one.

    Attributes:
        name: Of one of the networks that the study compares.
    """

    name: str

    def search(
        self,
        inner_inputs: list[SplitInputs],
        inputs: list[SplitInputs],
        study: Study,
        execution: Execution = HERE,
    ) -> Searched:
        """Try every configuration on inner rows, and train the best of each split on all rows."""
        planned = search.plan_trials(study, self.name, inner_inputs)
        tell = teller(f"{self.name} trials", planned, each=False)
        trained = train_jobs(planned, tell, execution)
        trials = search.judge_trials(study, inner_inputs, trained)
        picked = [trial for trial in trials if trial.chosen]
        own = [trial for trial in trials if trial.configuration.trial == 0]
        tables, metrics = [], {}
        for budget, of_splits in ((CONFIGURED, own), (CHOSEN, picked)):
            metrics[budget], table = self._train(of_splits, inputs, study, execution)
            tables.append(table.assign(budget=budget))
        predictions = pd.concat(tables, ignore_index=True)
        return Searched(trials, metrics[CONFIGURED], metrics[CHOSEN], predictions)

    def _train(
        self,
        trials: list[Trial],
        inputs: list[SplitInputs],
        study: Study,
        execution: Execution,
    ) -> tuple[VariantMetrics, pd.DataFrame]:
        """Train a trial of each split on all its training rows, from every random start."""
        variant = arm_of(study, self.name).variant
        jobs = [
            Job(search.study_trained(study, self.name, trial), variant, split, start)
            for split, trial in zip(inputs, trials, strict=True)
            for start in range(study.replicas.starts)
        ]
        together = put_together(
            self.name, jobs, train_jobs(jobs, teller(self.name, jobs), execution)
        )
        metrics = measure(
            together.history,
            together.validation_predictions,
            together.test_predictions,
            together.training,
            study,
        )
        return metrics, together.validation_predictions


def gather_search(
    trials: list[Trial],
    configured: VariantMetrics,
    chosen: VariantMetrics,
    predictions: pd.DataFrame,
) -> SearchedNetwork:
    """Put together what is compared of a network."""
    return SearchedNetwork(trials, configured, chosen, predictions)


def compare_at_equal_budget(
    split: pd.DataFrame,
    reference_predictions: pd.DataFrame,
    study: Study,
    **searched: SearchedNetwork,
) -> EqualBudget:
    """Say what the layers do as configured and at equal budget, and which configuration to use."""
    return equal_budget.find_equal_budget(searched, reference_predictions, split, study)


def tabulate_trials(study: Study, **searched: SearchedNetwork) -> pd.DataFrame:
    """Put all trials into a table, a row each."""
    rows = [
        {
            "study": study.name,
            "made_up": study.made_up,
            "network": name,
            "split": trial.split,
            "trial": trial.configuration.trial,
            "learning_rate": options.learning_rate,
            "hidden": " ".join(map(str, options.hidden)),
            "batch_size": options.batch_size,
            "weight_decay": options.weight_decay or 0.0,
            "dropout_rate": str(options.dropout_rate).strip("()"),
            "batchnorm_momentum": options.batchnorm_momentum,
            "epochs": trial.epochs,
            "inner_error": trial.error,
            "chosen": trial.chosen,
        }
        for name, one in searched.items()
        for trial in one.trials
        for options in [of_network(study, name, trial.configuration)]
    ]
    return pd.DataFrame(rows)


def plot_equal_budget(found: EqualBudget, study: Study) -> Figure:
    """Draw the effects as configured and at equal budget, and the tuning curves."""
    from dropnorm.reporting.figures.tuning import draw_equal_budget  # noqa: PLC0415  # Matplotlib

    return draw_equal_budget(found, study)


def write_recommended(found: EqualBudget, study: Study) -> str:
    """Write the recommended configuration as YAML that an environment takes."""
    return write_fragment(found, study)


def record_search(
    study: Study, provenance: Provenance, searched: SearchedNetwork, *written: object
) -> RunRecord:
    """Say what this search was, as a run's record does; written last.

    Args:
        study: The study as it was run.
        provenance: What only the run itself knows.
        searched: Of any network.
        written: Everything at the end of the graph, so that the record comes last.
    """
    return record(study, provenance, searched.configured)
