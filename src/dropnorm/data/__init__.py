"""Read, check, split and preprocess tables."""
