"""From trainings to metrics, plots and the record of the run."""

from dropnorm.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
