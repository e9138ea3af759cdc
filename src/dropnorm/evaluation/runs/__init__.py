"""Runs beside one another, and beside the study as it is today."""
