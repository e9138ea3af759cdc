"""What was found, judged and told."""
