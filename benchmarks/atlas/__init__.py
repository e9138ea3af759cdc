"""The atlas: when dropout and batch normalization help, over many tables."""
