"""What `prefmap doctor` looks for: each module one part of a project. Nothing here writes."""
