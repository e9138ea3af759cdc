"""Trainings on a Dask cluster, where the environment names one."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from dropnorm.training.backend import threads_of
from dropnorm.training.execution import CLUSTER, Execution

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline


class ClusterHooks:
    """Sends the trainings of a run to a Dask cluster, where its environment names one."""

    def __init__(self) -> None:
        self._named = os.environ.get(CLUSTER)
        self._in_use = ExitStack()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Say where replicas are trained, unless the environment says it."""
        if self._named is None:
            os.environ[CLUSTER] = context.config_loader["globals"].get("cluster") or "off"

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse a cluster that does not answer, or would give other numbers."""
        cluster = Execution.from_environment().cluster
        studies = {node.name.split(".")[0] for node in pipeline.nodes if _trains(node.name)}
        if not studies or cluster is None:
            return
        # Imports what trains, which only a cluster needs before it does.
        from dropnorm.training.dask_cluster import ready_cluster  # noqa: PLC0415
        from dropnorm.training.parallel import workers_for  # noqa: PLC0415

        trained = [catalog.load(f"params:{study}") for study in studies]
        threads = {threads_of(study) for study in trained}
        workers = min(workers_for(study) for study in trained)
        self._in_use.callback(os.environ.__setitem__, CLUSTER, cluster)
        os.environ[CLUSTER] = self._in_use.enter_context(ready_cluster(cluster, threads, workers))

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Leave the cluster."""
        self._in_use.close()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the cluster."""
        self._in_use.close()


def _trains(node: str) -> bool:
    return node.endswith(".train")
