"""Regression and classification: targets, losses and scores."""
