"""From arrays to trained networks: the only package that imports an engine."""
