"""Models that a network must beat to be worth having."""
