"""What a run computes beside its nodes: trainings in workers, reference models in a thread."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

from kedro.io import SharedMemoryDataCatalog

from dropnorm.data import ahead
from dropnorm.datasets.kedro_compat import set_order
from dropnorm.datasets.keras_models import KerasModelsDataset
from dropnorm.pipeline_registry import EXECUTION
from dropnorm.study.arms import arm_names
from dropnorm.training.backend import threads_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    from dropnorm.hooks.validation import CheckedStudy
    from dropnorm.study.schema import Study
    from dropnorm.training.execution import Execution


def begin_trainings(
    checked: Mapping[str, CheckedStudy], pipeline: Pipeline, catalog: DataCatalog
) -> None:
    """Begin what the nodes of a run train of its studies, so that workers train meanwhile.

    The reference models of these studies begin too, and what draws is imported. Networks are
    examined as they were trained, without being read back.

    Args:
        checked: The studies whose inputs are known, by name.
        pipeline: What runs: it may be a part of a study.
        catalog: Of the run.
    """
    if isinstance(catalog, SharedMemoryDataCatalog) or EXECUTION not in catalog:
        return  # nodes run in processes of their own, and train there; or no hook says where
    trainers = {
        f"{study}.{name}.train": (study, name)
        for study, known in checked.items()
        for name in arm_names(known.options)
    }
    names = [node.name for node in pipeline.nodes]
    asked = [trainers[name] for name in names if name in trainers]
    if not asked:
        return
    # These take long to import, and other commands do without.
    from dropnorm.evaluation.references import reference_models  # noqa: PLC0415
    from dropnorm.pipelines.training.nodes import VariantTrainer, teller  # noqa: PLC0415
    from dropnorm.training import parallel  # noqa: PLC0415

    for study, name in asked:
        models = catalog.get(f"{study}.{name}.models")
        if f"{study}.{name}.examine_networks" in names and isinstance(models, KerasModelsDataset):
            models.keep_what_is_saved()
    options: dict[str, Study] = {study: catalog.load(f"params:{study}") for study in checked}
    execution: Execution = catalog.load(EXECUTION)
    networks: list[parallel.Asked] = []
    for study, name in asked:
        jobs = VariantTrainer(name).plan(checked[study].inputs, options[study])
        networks.append((jobs, teller(name, jobs)))
    threads = threads_of(options[asked[0][0]])  # with another number, they begin later
    referred = [
        study
        for study in checked
        if f"{study}.prepare.predict_references" in names and threads_of(options[study]) == threads
    ]
    for study in referred:
        jobs = [
            reference_models.plan_linear_network(split, start, options[study])
            for split in checked[study].inputs
            for start in range(options[study].replicas.starts)
        ]
        networks.append((jobs, lambda *_: None))
    turns = parallel.begin_trainings(networks, execution)
    if not turns:
        return
    trained = [".".join((*asked[place], "train")) for place in turns if place < len(asked)]
    set_order(pipeline, order_nodes(pipeline, trained))
    if any(name.endswith(".write_report") for name in names):
        report = "dropnorm.reporting.report"  # imports Matplotlib
        threading.Thread(target=importlib.import_module, args=(report,), daemon=True).start()
    ahead.begin(
        reference_models.predict_references,
        [
            (split, options[study], execution.memory)
            for study in referred
            for split in checked[study].inputs
        ],
    )


def order_nodes(pipeline: Pipeline, trained: Sequence[str]) -> list[Node]:
    """Return the nodes in an order in which little is left to do behind the last training.

    A node that waits for workers comes when there is no other: first those that train, in the order
    in which their trainings end, then reference models, whose network is the last in the queue.

    Args:
        pipeline: What runs.
        trained: Names of the nodes that train, in the order in which their trainings end.
    """
    todo = list(pipeline.nodes)
    ordered: list[Node] = []
    needs = pipeline.node_dependencies
    turns = {name: turn for turn, name in enumerate(trained, start=1)}

    def waits(node: Node) -> int:
        if node.name.endswith(".predict_references"):
            return len(turns) + 1
        return turns.get(node.name, 0)

    done: set[Node] = set()
    while todo:
        # The first of those that wait least; min takes the first of equals.
        node = min((one for one in todo if needs[one] <= done), key=waits)
        todo.remove(node)
        done.add(node)
        ordered.append(node)
    return ordered
