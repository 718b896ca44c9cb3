"""What we ask of a model: fill a mask, score masked tokens; on which device, and how to show progress."""
