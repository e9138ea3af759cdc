"""Where the trainings of a run are done and kept: here or on a Dask cluster."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl
from kedro.io import MemoryDataset

from dropnorm.pipeline_registry import EXECUTION
from dropnorm.training.backend import threads_of
from dropnorm.training.execution import HERE, Execution, forget_beyond

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

# Bytes of trainings that are kept for later runs.
_REMEMBERED = 1_000_000_000


class ClusterHooks:
    """Gives training nodes what environment and configuration say of where trainings are done."""

    def __init__(self) -> None:
        self._execution = HERE
        self._in_use = ExitStack()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Find where trainings are done and kept: as the environment says, else the globals."""
        said = context.config_loader["globals"]
        memory = said.get("memory")
        self._execution = Execution.from_environment(
            context.project_path / memory if memory else None, said.get("cluster")
        )

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Let training nodes take it as a parameter."""
        catalog[EXECUTION] = MemoryDataset(self._execution, copy_mode="assign")

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse a cluster that does not answer, or would give other numbers."""
        cluster = self._execution.cluster
        studies = {node.name.split(".")[0] for node in pipeline.nodes if _trains(node.name)}
        if not studies or cluster is None:
            return
        # Imports what trains, which only a cluster needs before it does.
        from dropnorm.training.dask_cluster import ready_cluster  # noqa: PLC0415
        from dropnorm.training.parallel import workers_for  # noqa: PLC0415

        trained = [catalog.load(f"params:{study}") for study in studies]
        threads = {threads_of(study) for study in trained}
        workers = min(workers_for(study) for study in trained)
        address = self._in_use.enter_context(ready_cluster(cluster, threads, workers))
        started = replace(self._execution, cluster=address)
        catalog[EXECUTION] = MemoryDataset(started, copy_mode="assign")

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Leave the cluster, and bound what is kept."""
        self._in_use.close()
        forget_beyond(_REMEMBERED, self._execution.memory)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the cluster."""
        self._in_use.close()


def _trains(node: str) -> bool:
    return node.endswith(".train")
