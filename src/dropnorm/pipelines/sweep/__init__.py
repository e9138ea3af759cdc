"""Which rate of dropout, which place of batch normalization, and whether the choice matters."""

from dropnorm.pipelines.sweep.pipeline import create_pipeline, create_variant_pipeline

__all__ = ["create_pipeline", "create_variant_pipeline"]
