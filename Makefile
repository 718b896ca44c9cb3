# From a fresh clone, with only Python 3.11 (or newer) and pip there. Every target sets up what it needs.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
INSTALLED := $(VENV)/installed
RUN := $(VENV)/bin/python
# pytest does not start where the standard input is closed
PYTEST := </dev/null $(RUN) -m pytest
SAY = @printf '\n== %s\n'

# the profile that runs anywhere, and one thread each: chapters and tests run beside each other, threads that wait for each
# other are far slower, and a sum of floats depends on how many share it
export MLMTUTOR_PROFILE := mini
export OMP_NUM_THREADS := 1
bench: export OMP_NUM_THREADS := 2
PARALLEL := -n 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book site notebooks pdf check test bench claims torture serve lint clean FORCE

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-16s %s\n", $$1, $$2}'

book: $(INSTALLED) ## run every chapter on the mini profile and build the site from the results
	$(RUN) -m book.tools book

site: $(INSTALLED) ## build the site from the committed notebooks; nothing is run, about a minute
	$(RUN) -m book.tools site

notebooks: $(INSTALLED) ## run every chapter and write book/en and book/zh
	$(RUN) -m book.tools notebooks

pdf: $(INSTALLED) ## print the book of each language into _build/pdf and the site; needs chromium and fonts-noto-cjk
	$(RUN) -m book.tools pdf

check: lint ## for the edit loop: style, unit tests, doctests, sources of the chapters; under 3 minutes
	$(PYTEST) $(PARALLEL) --dist worksteal -m "not slow" --doctest-modules mlmtutor book/tools tests --ignore=tests/site --durations=5

test: $(INSTALLED) ## everything: package, book, each chapter as in Colab and with other parameters, site in Chromium
	$(PYTEST) $(PARALLEL) --dist loadfile --no-loadscope-reorder -rs --doctest-modules mlmtutor book/tools tests --durations=10
	$(SAY) "all passed"

bench: $(INSTALLED) ## time ours beside the peers and write the page on speed (QUICK=1: a small trial, FULL=1: all reviews)
	-$(RUN) -m pip install --quiet -c constraints.txt -e ".[bench]"
	$(RUN) -m tests.benchmarks $(if $(QUICK),--quick) $(if $(FULL),--full)
	$(RUN) -m book.tools tables

claims: $(INSTALLED) ## what the text says of random results, under five other seeds; half an hour and more
	$(PYTEST) tests/claims/*.py

torture: $(INSTALLED) ## break runs, bring bad input, disturb the Hub; under 15 minutes (QUICK=1: every eighth case)
	PYTHONPATH=tests $(RUN) -m tests.torture $(if $(QUICK),--quick)

serve: ## show the site at http://127.0.0.1:8000 (PORT=8000)
	@test -f _build/html/index.html || $(MAKE) book
	$(PYTHON) -m http.server --directory _build/html --bind 127.0.0.1 $(PORT)

lint: $(INSTALLED) ## check style and formatting of the Python files
	$(RUN) -m ruff check --extend-exclude '*.ipynb' .
	$(RUN) -m ruff format --check --exclude '*.ipynb' mlmtutor book tests

clean: ## remove what was built and kept; the virtual environment stays
	rm -rf _build .pytest_cache .ruff_cache *.egg-info
	find mlmtutor book tests -name __pycache__ -type d -prune -exec rm -rf {} +

# at each call, some hundredths of a second when nothing is missing; INSTALLER=pip does without uv
$(INSTALLED): FORCE
	@python=$(RUN); $$python -c '' 2>/dev/null || python=$(PYTHON); command -v $$python >/dev/null || \
		{ echo "Python 3.11 or newer is needed, $$python is not there; try: make PYTHON=python3.11" >&2; exit 1; }; \
	$$python -I book/tools/install.py
