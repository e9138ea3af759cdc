"""How far predictions of new rows can be trusted."""
