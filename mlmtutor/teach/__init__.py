"""Chapters with other parameters: listed, run, swept. Needs the packages of the extra `teach`."""
