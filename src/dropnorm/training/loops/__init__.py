"""Many training steps in one call, engine by engine."""
