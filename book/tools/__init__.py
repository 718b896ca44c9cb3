"""From one chapter source to two notebooks and a site: read, run, compose, check, build.

``python -m book.tools --help`` lists the commands; `make` calls them.
"""
