"""What single trainings and networks are worth, and what happened inside them."""
