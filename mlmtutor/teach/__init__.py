"""For those who teach: chapters with other parameters, exercises that grade themselves. Needs the extra `teach`."""
