"""The commands of ``kedro study``, a module for each."""
