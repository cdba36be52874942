"""The parts of an export: which samples, in which file, as which rows, with which manifest and card."""
