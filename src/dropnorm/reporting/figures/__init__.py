"""The plots, a module for each."""
