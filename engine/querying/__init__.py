"""The filter language, and the samples that a filter finds."""
