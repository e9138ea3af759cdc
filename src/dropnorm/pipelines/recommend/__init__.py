"""What the layers do when each network was given the same number of trials."""

from dropnorm.pipelines.recommend.pipeline import (
    create_inner_pipeline,
    create_pipeline,
    create_variant_pipeline,
)

__all__ = ["create_inner_pipeline", "create_pipeline", "create_variant_pipeline"]
