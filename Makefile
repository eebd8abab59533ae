# Two commands on a fresh machine (Python >= 3.11 and make): `make demo` and `make test`. `make bench` measures,
# `make fuzz` lets the property tests look for new examples.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE ?= 1
PORT ?= 7860

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# More OpenMP threads make models as small as the embedded one many times slower.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint bench fuzz setup clean

demo: $(VENV)/.ready
	$(BIN)/callsmith demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve)

test: $(VENV)/.ready-test
	sh tests/install_browser.sh $(BIN)
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

lint: $(VENV)/.ready-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.ready-test
	@failed=0; for file in tests/bench/*.py; do echo "== $$file"; $(BIN)/python $$file || failed=1; done; exit $$failed

fuzz: $(VENV)/.ready-test
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest $$(grep -rl 'from hypothesis' tests --include='test_*.py')

setup: $(VENV)/.ready

# Where nobody has said where packages come from, uv picks the torch build that fits the machine (a CPU
# build of 200 MB instead of several GB of CUDA where there is no GPU); pip then installs all the rest.
# An environment without pip is one that uv made, or whose creation was cut short, as without Debian's python3-venv.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callsmith needs Python 3.11 or newer: make demo PYTHON=python3.12")'
	test -x $(BIN)/pip || $(BIN)/python -m ensurepip -q 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@if [ -z "$$PIP_FIND_LINKS$$PIP_INDEX_URL$$PIP_EXTRA_INDEX_URL" ] && ! $(BIN)/python -c 'import torch' 2>/dev/null; then \
		$(BIN)/pip install --quiet uv && \
		VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --torch-backend=auto 'torch>=2.13,<2.14' || \
		echo 'no torch build by machine type; the package index decides'; \
	fi
	@echo 'installing (about a minute, 2 GB) ...'
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) runs
