# Everything that can be done with this repository. `make demo` needs Python 3.11, git and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen
FOOTAGE ?=
SHOTS ?=

.PHONY: help setup demo test test-slow check format bench bench-accuracy bench-speed bench-gap bench-review providers calibrate schemas docs

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv

.venv/.made: pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --frozen --all-extras
	@touch $@

setup: .venv/.made ## make the environment in .venv

demo: .venv/.made ## one endless office, a dozen shots drift: run the loop, compare with the truth (SHOTS=400, FOOTAGE=DIR)
	$(RUN) filmgate demo $(if $(SHOTS),--shots "$(SHOTS)") $(if $(FOOTAGE),--footage "$(FOOTAGE)")

test: .venv/.made ## every test but the slow ones
	$(RUN) pytest

test-slow: .venv/.made ## the tests that take minutes
	$(RUN) pytest -m slow

check: .venv/.made ## style, types, import direction
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports

format: .venv/.made ## put the code in the house's form
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: bench-accuracy bench-speed ## both benches; tables are written to bench/out

bench-accuracy: .venv/.made ## planted drift, hand labels, baselines side by side
	$(RUN) python -m bench.accuracy

bench-speed: .venv/.made ## time and memory against one full decode
	$(RUN) python -m bench.speed

bench-gap: .venv/.made ## speed and memory of the coordination gap's measuring and planning
	$(RUN) python -m bench.gap
	$(RUN) python -m bench.gap_plan
	$(RUN) python -m bench.gap_reach

bench-review: .venv/.made ## how quickly the review room answers, with 5,000 takes
	$(RUN) python -m bench.review
	$(RUN) python -m bench.review_pages

providers: .venv/.made ## play every provider's adapter against its loopback server
	$(RUN) python -m bench.providers

calibrate: .venv/.made ## measure clean footage anew and write the calibration that ships
	$(RUN) python -m bench.calibrate

schemas: .venv/.made ## write the published JSON Schemas anew
	$(RUN) python -m filmgate.schema schemas

docs: .venv/.made ## test what the documents say
	$(RUN) pytest tests/architecture/test_documents.py tests/continuity/test_look_file.py tests/story/test_brief.py
