# The commands of this project. `make` alone lists them. Without make: python3 tasks.py lab
PYTHON ?= python3

.PHONY: help lab test lint lock
help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1 - /p' Makefile

lab: ; @$(PYTHON) tasks.py lab    ## open the course in JupyterLab (the first time installs it)
test: ; @$(PYTHON) tasks.py test  ## run every check: lint, unit tests, notebooks, browser
lint: ; @$(PYTHON) tasks.py lint  ## check the style of code and notebooks
lock: ; @$(PYTHON) tasks.py lock  ## write requirements.txt anew from pyproject.toml
