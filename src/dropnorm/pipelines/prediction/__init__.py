"""From new rows to predictions, with what a complete run has saved."""

from dropnorm.pipelines.prediction.pipeline import create_pipeline

__all__ = ["create_pipeline"]
