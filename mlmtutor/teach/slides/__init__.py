"""A chapter as a deck of slides: what is on each, and the folder that opens from the disk."""
