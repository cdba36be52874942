"""Flips planted in known labels, and what each method, and a simulated review, finds of them."""
