"""The figures of the chapters: each function takes data and an optional axes, and returns the axes."""
