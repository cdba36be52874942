"""What reviewers did, what they decided, and what that says of the labels still unread."""
