"""From arrays to trained networks."""

from dropnorm.pipelines.training.pipeline import create_pipeline, create_reference_pipeline

__all__ = ["create_pipeline", "create_reference_pipeline"]
