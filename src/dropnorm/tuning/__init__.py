"""The same number of trials for each compared network, and what its best one is worth."""
