from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog
from kedro_viz.integrations.kedro.hooks import DatasetStatsHook

from dropnorm.hooks.viz import VizHooks


def test_no_statistics_of_one_environment_are_left_for_another(configured):
    manager = _create_hook_manager()
    left = configured / ".viz" / "stats.json"
    for hooks in (VizHooks(), DatasetStatsHook()):
        manager.register(hooks)
    told = {"run_params": {}, "run_result": {}, "pipeline": None, "catalog": DataCatalog()}
    manager.hook.after_context_created(context=SimpleNamespace(project_path=configured))
    manager.hook.after_dataset_loaded(
        dataset_name="wine.table", data=pd.DataFrame({"x": [1]}), node=None
    )

    DatasetStatsHook().after_pipeline_run()
    assert left.exists()
    manager.hook.after_pipeline_run(**told)

    assert not left.exists()
