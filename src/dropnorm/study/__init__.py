"""Schema of a study's YAML by section, and its parsing."""
