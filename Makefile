# Thin names for what people and CI run. Each target sets up what it needs.
# CARGO_TARGET_DIR is honoured. CARGOFLAGS goes to every cargo command (CI passes --locked).

CARGO ?= cargo
CARGOFLAGS ?=
# make bench BENCHFLAGS="--runs 1 --only sync"
BENCHFLAGS ?=
# make fuzz-api FUZZFLAGS="--only edge --role office"
FUZZFLAGS ?=
# make torture MINUTES=30
MINUTES ?= 1
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# make demo ONCE=1: the demo ends after its story, with its verdict as the exit status.
export ONCE

.DEFAULT_GOAL := help
.PHONY: help demo test torture build bench bench-peers fuzz-api lint setup

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

demo: ## the whole idea as a story on real data; Ctrl-C ends it (ONCE=1: ends by itself)
	deploy/setup demo
	@test -x $(TARGET)/debug/mizili-demo || echo "Building hub, edge and demo, some 300 crates: several minutes on two cores, once. The story begins by itself."
	$(CARGO) build $(CARGOFLAGS) -p mizili-hub -p mizili-edge -p mizili-demo
	$(TARGET)/debug/mizili-demo

test: ## every test; makes its own databases, needs no running service
	deploy/setup
	$(CARGO) test $(CARGOFLAGS) --workspace --no-fail-fast

torture: ## the real programs under everything at once (MINUTES=30); a failure names the seed that makes the same choices again
	deploy/setup
	MIZILI_TORTURE_MINUTES=$(MINUTES) $(CARGO) test $(CARGOFLAGS) -p mizili-demo --test processes torture -- --nocapture

build: ## target/release/mizili-hub and target/release/mizili-edge
	deploy/setup demo
	$(CARGO) build $(CARGOFLAGS) --release -p mizili-hub -p mizili-edge

bench: ## speed and size beside their aims and the machine's limits
	deploy/setup bench
	$(CARGO) build $(CARGOFLAGS) --release -p mizili-hub -p mizili-edge -p mizili-bench
	$(TARGET)/release/mizili-bench $(BENCHFLAGS)

bench-peers: ## the same beside what people use today; installs those first
	deploy/setup bench-peers
	$(CARGO) build $(CARGOFLAGS) --release -p mizili-hub -p mizili-edge -p mizili-bench
	bench/setup
	bench/run-peers

fuzz-api: ## asks both nodes, as every role, all that their API descriptions allow and forbid; installs what it needs
	deploy/setup fuzz
	$(CARGO) build $(CARGOFLAGS) -p mizili-hub -p mizili-edge
	[ -x $(TARGET)/fuzz-venv/bin/python ] || python3 -m venv $(TARGET)/fuzz-venv
	$(TARGET)/fuzz-venv/bin/pip install -q --disable-pip-version-check -r deploy/fuzz/requirements.txt
	$(TARGET)/fuzz-venv/bin/python deploy/fuzz/run --bin $(TARGET)/debug $(FUZZFLAGS)

lint: ## formatting, clippy and docs, without warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGOFLAGS) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(CARGOFLAGS) --workspace --no-deps

setup: ## the system packages that all of this needs (needs root or sudo where one is missing)
	deploy/setup
