"""What happens before and after a run."""
