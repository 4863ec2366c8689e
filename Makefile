# The commands of this project; `make` alone lists them. Without make: python3 tasks.py lab
PYTHON ?= python3

.PHONY: help lab demo site test lint lock bench fuzz
help:
	@sed -n 's/^\([a-z]*\):  ## /  make \1 - /p' Makefile
lab:  ## open the course in JupyterLab (the first time installs it)
	@$(PYTHON) tasks.py lab
demo:  ## show the gradient explorer to a hall, as a page without code
	@$(PYTHON) tasks.py demo
site:  ## write site/index.html, a page that needs nothing, and the lessons as pages (some minutes)
	@$(PYTHON) tasks.py site
test:  ## run every check: lint, unit tests, notebooks, browser
	@$(PYTHON) tasks.py test
lint:  ## check the style of code and notebooks
	@$(PYTHON) tasks.py lint
lock:  ## write requirements.txt anew from pyproject.toml
	@$(PYTHON) tasks.py lock
bench:  ## time the training engine beside Keras, PyTorch, NumPy, JAX and C (an environment of its own, 3 GB)
	@$(PYTHON) benchmarks/run.py
fuzz:  ## call every public function with nasty values, and list what leaks (some minutes)
	@.venv/bin/python tests/fuzz.py
