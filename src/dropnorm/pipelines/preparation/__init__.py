"""From the table to arrays for the networks."""

from dropnorm.pipelines.preparation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
