"""The Trainer with the right loss, and training in one call."""
