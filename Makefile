# The whole menu. Every target does its own set-up.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Tools that only look, in no lock file: pip-audit judges it, actionlint is a Go module (its sum is in Go's
# checksum database).
PIP_AUDIT  := 2.10.1
ACTIONLINT := build/bin/actionlint-1.7.12

.DEFAULT_GOAL := help
.PHONY: help setup lint test test-served test-built audit-deps rehearse permissions bench shell clean
.PHONY: faults faults-aws faults-machines

# A target's line, and below it those of its variables, which begin with `#:`.
help:  ## this list
	@awk -F ':.*## |#: ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2} \
		/^#: / {printf "  %20s %s\n", "", $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## the Python environment in .venv, from the lock file

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed; name it with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lint: $(READY) $(ACTIONLINT)  ## ruff, pyright, shellcheck, actionlint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m tests.lint_shell
	$(ACTIONLINT) -shellcheck $(BIN)/shellcheck

$(ACTIONLINT):
	GOBIN=$(CURDIR)/build/bin go install github.com/rhysd/actionlint/cmd/actionlint@v$(lastword $(subst -, ,$@))
	mv build/bin/actionlint $@

# Two workers share what pytest compiles of the tests; where Python may write nothing, each compiles all,
# every time.
test test-served: export PYTHONDONTWRITEBYTECODE :=

test: $(READY)  ## the unit tests: Pulumi mocks, no network, no root
	$(BIN)/python -m pytest -n 2

test-served: $(READY)  ## the unit tests that start servers and engines
	$(BIN)/python -m pytest -n 2 -m served

# A file stays with one worker: its tests follow each other in one simulated world.
test-built: $(READY)  ## what needs the built tools: the program and README's commands under the engine,
#: lint beside kube-apiserver, kubelet and kubectl (VERSION=1.36)
	MICROCOSM_BUILT=$(VERSION) $(BIN)/python -m pytest -m served -rs tests/integration/rehearsal/test_lint_*.py
	$(BIN)/python -m pytest -n 2 --dist loadfile -m engine -rs tests

audit-deps:  ## known vulnerabilities of what the lock file names
#: asks the package index; in an environment of its own
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==$(PIP_AUDIT)
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement requirements.lock

OPTIONS = $(if $(KEEP),--keep) $(if $(BUSY),--busy) $(if $(REPEAT),--repeat $(REPEAT)) \
	$(if $(KUBERNETES),--kubernetes $(KUBERNETES)) $(if $(NETWORK),--flannel-backend $(NETWORK)) \
	$(if $(REGION),--region $(REGION)) $(if $(FIGURES),--figures)
rehearse: $(READY)  ## the whole life of a cluster for real, without AWS (root on Linux)
#: SCENARIO=bad-checksum, late-dns, own-image, previews, refresh or machine-faults
#: KUBERNETES=1.34.11, NETWORK=host-gw, REGION=us-west-2
#: KEEP=1 leaves it up; REPEAT=20 plays it so often, BUSY=1 beside a busy core
#: SUPPLIES=download or build; PROVIDER=official
	$(BIN)/python -m rehearsal run $(SCENARIO) $(OPTIONS)

permissions: $(READY)  ## try the pipeline's policy: each command of a preview with it,
#: and without each permission of it
	$(BIN)/python -m rehearsal.scenarios.permissions --keep

bench: $(READY)  ## what the program costs beside its floor, into docs/evidence/benchmarks.md (root)
#: ONLY="engine scale", REPEATS=5
	$(BIN)/python -m bench $(ONLY) $(if $(REPEATS),--repeats $(REPEATS))

faults: faults-aws faults-machines  ## what it survives, into docs/evidence/reliability.md (root)

faults-aws: $(READY)  ## every AWS call of up and destroy fails; goes on where it was broken off
#: FULL=1: lasting faults one at a time, which takes hours
	$(BIN)/python -m rehearsal.scenarios.aws_faults --figures $(if $(FULL),--full)

faults-machines: $(READY)  ## power, services, disks, clocks, the API: one after the other (root)
	$(BIN)/python -m rehearsal run machine-faults

shell: $(READY)  ## a shell against the fake cloud: plain pulumi and kubectl
	$(BIN)/python -m rehearsal shell

clean: $(READY)  ## remove what a kept or killed rehearsal left
	$(BIN)/python -m rehearsal clean
