"""What trainings are worth: checks of the data, metrics, effects and their intervals."""
