"""Tables: how files are read, and what the columns hold."""
