"""From one chapter source to two notebooks and a site: read, run, compose, check, build.

``python -m book.tools --help`` lists the commands; `make` calls them.

How a chapter is written, ``book/chapters/NN_slug.md``:

- Prose comes in pairs, ``+++ {"lang": "en"}`` and right after it ``+++ {"lang": "zh"}``: the same heading levels,
  inline code, digits, links and formulas in both. One sentence a line; Chinese lines are joined again.
- Code is written once, with English output: ``{code-cell} ipython3``, 20 lines at most, a median of 6.
  It writes files into a temporary folder only, and prints nothing that would differ on the next run or
  machine. Chinese in code or English prose needs ``han: true`` in the cell's metadata.
- Tags: ``parameters`` (exactly one cell; each line ``name: int = 3  # unit and why``), ``result`` (what it prints
  is what `make book` ends with), ``hide-cell``, ``hide-input`` and ``hide-output`` (fold on the site), ``remove-cell`` (for tests
  only: not on the site, folded in notebooks).
- A cell that draws carries the caption, ``:figure: {"en": "...", "zh": "..."}``: what the picture means. What it shows, for
  readers who cannot see it, is in ``"alt": {"en": "...", "zh": "..."}`` beside these; without it, the caption's begin.
- ``<!-- diagram: chunking -->``, alone in its paragraph and in both languages, is a picture on the site and nothing elsewhere
  (``book/_ext/diagrams``).
- A line of code has 80 columns at most, one of output 84 (``widths.py``). Words to avoid are in ``book/words.yml``, and how long
  Chinese sentences are is counted (``style.py``): ``python -m book.tools check --han``.
- A question is checked with ``mt.check_answer("7.1", answer)``; what is right is in ``mlmtutor/data/answers.yml``.
- An error shown on purpose is caught and printed, since papermill stops at any other.
- A worked answer in code is a ``hide-cell`` that begins with ``# answer: ...``; handouts leave it out, with the folded
  cells right after it.
- An answer in prose folds with ``<details><summary>Answer</summary>``, an empty line before and after its text.
- A link to another chapter is a link to its notebook: ``[chunks](03_chunking.ipynb#by-hand)``.
- A cell may carry an ``id``; without one its id follows from its text. A new chapter is entered in ``_toc.yml``.
"""
