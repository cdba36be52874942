"""How likely a label is wrong: the noise model, what verdicts add to it, and how well calibrated it is."""
