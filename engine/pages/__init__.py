"""Pictures of a map, and the page that tells of a whole project."""
