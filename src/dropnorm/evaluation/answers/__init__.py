"""What a study says: cards, ranking, recommendation, findings."""
