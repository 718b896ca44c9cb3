"""What a model knows, and when two may be compared: perplexity, probes, a task with few labels."""
