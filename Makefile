# One verb, one target. Each sets up all that it needs.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export TZ := Asia/Kolkata

SOURCES := requirements.lock Cargo.lock Cargo.toml pyproject.toml $(shell find rust -type f)

.PHONY: install demo test js browser lint bench soak lock clean

install: $(STAMP)

$(STAMP): $(SOURCES)
	@command -v cargo >/dev/null || { echo "kitev3 needs a Rust toolchain (cargo): install one, for example with rustup" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kitev3 needs Python 3.11 or newer; set PYTHON=python3.x" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# How long, which market, how fast, which seed: make demo MARKET=PATH SPEED=60 DEMO_SECONDS=120 SEED=2
demo: install
	@$(BIN)/kitev3 up --profile demo \
	  $(if $(DEMO_SECONDS),--for $(DEMO_SECONDS),$(if $(MARKET),,--for 60)) \
	  $(if $(MARKET),--market $(MARKET)) $(if $(SPEED),--speed $(SPEED)) $(if $(SEED),--seed $(SEED))

# The properties are tried with the same examples in every run; with others: make test EXPLORE=1
ifdef EXPLORE
export EXPLORE
else
export PROPTEST_RNG_SEED := 20261119
endif

test: install js browser
	cargo test --workspace --quiet
	$(BIN)/pytest

# The official JavaScript client, as a judge of the exchange, and what drives the browser: fetched once where npm is,
# never with OFFLINE=1. Without them their tests are skipped and say so.
JS_MODULES := tests/js/node_modules
js:
	@if [ -d $(JS_MODULES)/kiteconnect ] && [ -d $(JS_MODULES)/playwright-core ]; then :; \
	elif [ -n "$(OFFLINE)" ]; then echo "js: OFFLINE, so the JavaScript client's test is skipped"; \
	elif ! command -v npm >/dev/null; then echo "js: no npm, so the JavaScript client's test is skipped"; \
	else (cd tests/js && timeout 600 npm ci --loglevel=error >/dev/null) || echo "js: npm could not fetch it, so the JavaScript client's test is skipped"; fi

# Debian's Chromium, in which the exchange's pages are tested: installed once where that is permitted, never with OFFLINE=1.
BROWSER := /usr/bin/chromium
browser:
	@if [ -x $(BROWSER) ]; then exit 0; fi; \
	skipped() { echo "browser: $$1, so the test of the pages in a browser is skipped"; exit 0; }; \
	if [ -n "$(OFFLINE)" ]; then skipped OFFLINE; fi; \
	if ! command -v apt-get >/dev/null; then skipped "no apt-get"; fi; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else skipped "installing is not permitted"; fi; \
	echo "browser: installing Debian's Chromium for the test of the pages; OFFLINE=1 leaves it out"; \
	(timeout 300 $$as apt-get update && timeout 600 $$as env DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y --no-install-recommends chromium) >/dev/null 2>&1 || skipped "apt-get could not install Chromium"; \
	if [ ! -x $(BROWSER) ]; then skipped "the package has no $(BROWSER)"; fi

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/stubtest kitev3._core
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

# All benches, or one: make bench ONLY=tick_to_order
bench: install
	$(BIN)/python -m bench $(ONLY)

# The exchange under load, ten minutes of it or: make soak SOAK_SECONDS=60
soak: install
	@SOAK_SECONDS=$(or $(SOAK_SECONDS),600) $(BIN)/python -m bench.soak

# The Python pins: versions and hashes, no address. Needs uv.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf .venv target run bench/results
