"""Exercises that grade themselves: notebooks to hand out, with numbers of each student's own, and their marks."""
