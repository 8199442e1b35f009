# Everything is installed inside this folder: .venv, .venvs, node_modules below dev/devstack and the caches in .cache.
# A fresh machine needs git, make and Python 3.11, 3.12 or 3.13; for make bench also a C compiler (cc) and OpenSSL's headers.
# Another Python than the one found: make clean, then make PYTHON=/path/to/python test

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
RUN := .venv/bin
# Much of a test's time is waiting, so there are more workers than cores; a file's tests share what they set up.
PYTEST := pytest -n 4 --dist loadfile --no-loadscope-reorder
PYTHON_313 = $(shell PYTHON= dev/devstack/find_python.sh 3.13)

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export NODE_COMPILE_CACHE := $(CURDIR)/.cache/node
# The tests start some hundred interpreters: each reads what the first one compiled, whatever the machine is set to.
export PYTHONDONTWRITEBYTECODE :=
# The servers of the development stack are on this machine: no proxy stands before them.
COMMA := ,
NOT_PROXIED := $(or $(no_proxy),$(NO_PROXY))
export no_proxy := 127.0.0.1,localhost$(if $(NOT_PROXIED),$(COMMA)$(NOT_PROXIED))
export NO_PROXY := $(no_proxy)

# Servers whose pins are not the app's, each in an environment of its own: of S3, and of flow runs.
SERVERS := .venvs/moto/installed .venvs/prefect/installed

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

PROFILE ?= pre-capture-sessions
DEMO_pre-capture-sessions := dev.demo
DEMO_stuck-uploads := dev.demo.stuck_uploads
DEMO_temp-recordings := dev.demo.temp_recordings

.PHONY: demo
demo: install $(if $(filter stuck-uploads temp-recordings,$(PROFILE)),$(SERVERS)) ## plant what is lost, audit it, compare, repair, stop everything; PROFILE=stuck-uploads and temp-recordings are other systems
	@[ -n '$(DEMO_$(PROFILE))' ] || { echo "There is no demo of $(PROFILE): give PROFILE=pre-capture-sessions, stuck-uploads or temp-recordings" >&2; exit 2; }
	@$(RUN)/python -m $(DEMO_$(PROFILE))

.PHONY: start
start: install ## run the app on port 7071 with its stack until Ctrl-C; data is kept in .state
	@$(RUN)/python -m dev.demo start

.PHONY: test
test: install $(SERVERS) dev/devstack/chromium/node_modules/installed ## run the tests, in ten to twenty minutes on two cores
	@$(RUN)/$(PYTEST) -m "not deep"

# One of them takes four minutes where nothing else is at work.
LONG := --timeout 1200

.PHONY: test-deep
test-deep: install $(SERVERS) ## the long ones: thousands of random worlds and examples, twenty audits on a bad day, audit after audit on one host
	@$(RUN)/$(PYTEST) $(LONG) -m deep
	@$(RUN)/$(PYTEST) $(LONG) --hypothesis-profile thorough tests/reconciliation tests/profiles tests/activities
	@$(RUN)/$(PYTEST) $(LONG) --hypothesis-profile deep tests/worlds

# The packages, the app as it is deployed, the orchestrators under the Durable library, and one whole audit.
TESTS_313 := $(addprefix tests/,test_requirements.py test_function_app.py orchestrators app/test_whole_audit.py)

.PHONY: test-313
test-313: install ## run the app's own tests on Python 3.13, in an environment of its own if .venv has another
	@if [ -x $(RUN)/python3.13 ]; then environment=.venv; \
	elif [ -n '$(PYTHON_313)' ]; then environment=.venvs/3.13; $(MAKE) --no-print-directory $$environment/installed || exit; \
	else \
	  echo "Not run: no Python 3.13 with its venv module was found. Install one that starts as python3.13." >&2; \
	  [ "$$CI" != true ]; exit; \
	fi; \
	$$environment/bin/$(PYTEST) $(TESTS_313)

.PHONY: fuzz
fuzz: install ## send 10,000 odd requests to an app on a stack of its own; ends with one line of JSON
	@$(RUN)/python -m tests.app.fuzzing

.PHONY: chaos
chaos: install $(SERVERS) ## 200 audits and 1,500 racing repairs under faults, kills and rivals, each judged, within an hour
	@$(RUN)/python -m dev.chaos

.PHONY: chaos-quick
chaos-quick: install $(SERVERS) ## the same with 20 audits and 60 repairs, within seven minutes
	@$(RUN)/python -m dev.chaos --audits 20 --repairs 40 --starts 20

.PHONY: bench
bench: install $(SERVERS) ## measure speed and memory beside the peers, within an hour and a half; writes dev/benchmarks/results.md
	@$(RUN)/python -m dev.benchmarks

.PHONY: bench-quick
bench-quick: install ## the same in small, in under two minutes
	@$(RUN)/python -m dev.benchmarks --quick

.PHONY: soak
soak: install ## audit a small account 100 times on one host; fails if memory, open files or sockets grow
	@$(RUN)/python -m dev.benchmarks.soak

.PHONY: check
check: .venv/installed ## lint, formatting, types and the direction of imports
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports

.PHONY: install
install: .venv/installed dev/devstack/node_modules/installed ## install what the other targets need (they do it themselves)

.PHONY: lock
lock: .venv/installed ## resolve all dependencies again: requirements.txt, requirements-aws.txt, constraints.txt, package-lock.json
	@# The newest of a package may refuse the oldest Python. Whether the later ones need more, test_requirements.py tells.
	@[ -x $(RUN)/python3.11 ] || { echo "make lock needs Python 3.11: make clean, then make PYTHON=python3.11 lock" >&2; exit 1; }
	rm -rf .cache/lock
	$(RUN)/python -m venv .cache/lock
	sed '/^# What those bring/q' requirements.txt > .cache/requirements.txt
	sed '/^# What those bring/q' requirements-aws.txt > .cache/requirements-aws.txt
	@# Both must do with one version of what they share, so all is chosen together and then installed one by one.
	.cache/lock/bin/pip install --quiet -r .cache/requirements.txt -r .cache/requirements-aws.txt
	.cache/lock/bin/pip list --format=freeze --exclude pip --exclude setuptools > .cache/chosen.txt
	$(RUN)/python -m venv --clear .cache/lock
	.cache/lock/bin/pip install --quiet -c .cache/chosen.txt -r .cache/requirements.txt
	sed 's/\[.*\]//; s/ *;.*//' .cache/requirements.txt > .cache/direct.txt
	.cache/lock/bin/pip list --format=freeze --exclude pip --exclude setuptools \
	  | grep -vixFf .cache/direct.txt >> .cache/requirements.txt
	mv .cache/requirements.txt requirements.txt
	cat requirements.txt .cache/requirements-aws.txt | sed '/^#/d; s/\[.*\]//; s/ *;.*//' > .cache/direct.txt
	grep -vixFf .cache/direct.txt .cache/chosen.txt >> .cache/requirements-aws.txt
	mv .cache/requirements-aws.txt requirements-aws.txt
	.cache/lock/bin/pip install --quiet -r requirements-dev.txt
	sed '/^# The same on each/q' constraints.txt > .cache/constraints.txt
	sed -n '/^#/d; s/ *;.*//p' .cache/constraints.txt > .cache/marked.txt
	.cache/lock/bin/pip list --format=freeze --exclude pip | grep -vixFf .cache/marked.txt >> .cache/constraints.txt
	mv .cache/constraints.txt constraints.txt
	rm -rf .cache/lock .cache/chosen.txt .cache/direct.txt .cache/marked.txt
	$(RUN)/python -m dev.devstack.install --lock

.PHONY: clean
clean: ## remove everything that was installed, cached or produced, .state included
	rm -rf .venv .venvs .cache .state out build *.egg-info dev/devstack/node_modules dev/devstack/chromium/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last, so an interrupted installation is made again.
.venv/installed: FOUND = $(shell PYTHON='$(PYTHON)' dev/devstack/find_python.sh 3.11 3.12 3.13)
.venvs/3.13/installed: FOUND = $(PYTHON_313)
.venv/installed .venvs/3.13/installed: requirements.txt requirements-aws.txt requirements-dev.txt constraints.txt pyproject.toml
	@[ -x $(@D)/bin/pip ] && $(@D)/bin/python -c '' 2>/dev/null || { found='$(FOUND)'; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 with its venv module was found (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	    echo "Another place: make PYTHON=/path/to/python" >&2; exit 1; \
	  fi; \
	  echo "Making $(@D) with $$("$$found" --version)"; "$$found" -m venv --clear $(@D); }
	@echo "Installing the Python packages, which takes a minute the first time"
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(SERVERS): .venvs/%/installed: dev/devstack/%.txt | .venv/installed
	@echo "Installing $*, which takes a minute the first time"
	@$(RUN)/python -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

dev/devstack/node_modules/installed: dev/devstack/package.json dev/devstack/package-lock.json dev/devstack/.npmrc | .venv/installed
	@echo "Installing Azurite"
	@$(RUN)/python -m dev.devstack.install azurite
	@touch $@

dev/devstack/chromium/node_modules/installed: $(addprefix dev/devstack/chromium/,package.json package-lock.json .npmrc unpack.mjs) | .venv/installed
	@echo "Installing a headless Chromium for the browser tests"
	@$(RUN)/python -m dev.devstack.install chromium
	@touch $@
