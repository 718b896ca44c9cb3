"""From chunks to masked batches: which tokens are masked, and what the model sees instead."""
