"""How far a scorer can be trusted."""
