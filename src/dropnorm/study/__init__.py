"""What a study's YAML may say, section by section, and how it is read."""
