"""Settings of the Kedro project."""

from dropnorm.config_loader import StudyConfigLoader
from dropnorm.hooks.cluster import ClusterHooks
from dropnorm.hooks.mlflow import TrackingHooks
from dropnorm.hooks.project import ProjectHooks
from dropnorm.hooks.viz import VizHooks

# Called from the last to the first.
HOOKS = (ClusterHooks(), TrackingHooks(), ProjectHooks(), VizHooks())

# The committed .telemetry says no; it is read in the project's folder alone, and a packaged project
# has none.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

CONFIG_LOADER_CLASS = StudyConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An environment may change one option of a study and keep the rest.
    "merge_strategy": {"parameters": "soft"},
    # Beside those that Kedro reads.
    "config_patterns": {"mlflow": ["mlflow.yml"]},
}
