"""What a table is, and what in it makes a result unreliable."""
