# The commands of this project; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

METADATA ?= zookeeper
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/tests
export PYTHONDONTWRITEBYTECODE := 1
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
unexport PYENV_VERSION

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what the lab and the tests need (packages, .venv)
	@tests/setup.sh

.PHONY: demo
demo: setup ## a three-zone cluster on this machine (METADATA=zookeeper or kraft)
	@tests/demo.sh $(METADATA)

.PHONY: demo-roll
demo-roll: setup ## restart that cluster under load, and a page about it (METADATA=zookeeper or kraft)
	@tests/demo-roll.sh $(METADATA)

.PHONY: env
env: ## what a shell needs to reach the lab: eval "$(make -s env)"
	@echo 'export PATH="$(CURDIR)/.venv/bin:$$PATH" PYTHONPATH="$(CURDIR)/tests" ANSIBLE_CONFIG="$(CURDIR)/ansible.cfg"'
	@echo 'export KAFKA_METADATA=$(METADATA) KAFKA_CLUSTER=$(subst zookeeper,demo,$(METADATA))'
	@python -m lab env

.PHONY: check
check: setup ## unit, lint, sanity and importer, two at a time: at most three minutes
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint unit sanity importer

.PHONY: unit
unit: ## pure code, modules' main(), contracts
	@python -m pytest -n 2 --dist loadfile --ignore tests/unit/playbooks tests/unit

.PHONY: plays
plays: ## whole playbooks on this machine, with stand-ins for what asks a host or a cluster
	@python -m pytest -n 2 --dist worksteal tests/unit/playbooks

.PHONY: lint
lint: ## ansible-lint (production), ruff, changelog and docs
	@tests/lint.sh

.PHONY: sanity
sanity: ## ansible-test sanity, in a copy of the tree
	@tests/sanity.sh

.PHONY: importer
importer: ## build the collection and read it as Galaxy would
	@tests/importer.sh

.PHONY: aws
aws: ## provision and deprovision against a stand-in of the AWS API
	@python -m pytest -n 2 --dist loadfile tests/aws

.PHONY: system
system: ## what needs real disks, real LUKS or a real Kafka, on this machine
	@python -m pytest tests/system

.PHONY: lab
lab: ## the lab itself: containers that behave like EC2's instances
	@python -m pytest -m 'not virtual' tests/machines/test_lab.py

.PHONY: molecule
molecule: ## real clusters in the lab, scenario by scenario
	@tests/molecule.sh

.PHONY: test
test: setup ## every test but those of test-long: about 25 minutes
	@tests/all.sh

.PHONY: test-long
test-long: setup ## combined nodes; more of ZooKeeper mode; rollbacks; nine brokers and what may break in a roll; virtual machines, encrypted instance stores
	@tests/molecule.sh combined zookeeper-long back-kraft back-zookeeper roll roll-zookeeper encrypted
	@python -m pytest tests/machines

.PHONY: plan
plan: ## the batches of a roll from a snapshot: make -s plan SNAPSHOT=file.json
	@python tests/plan.py "$(SNAPSHOT)"

.PHONY: bench-plan
bench-plan: ## batches against the lower bound, seconds and memory on generated clusters
	@python tests/bench/plan.py

.PHONY: bench-roll
bench-roll: setup ## a roll of nine brokers under load, ours and one broker after another
	@python tests/bench/roll.py

.PHONY: bench-converge
bench-converge: setup ## seconds and tasks of a first and of a no-change site on six hosts
	@python tests/bench/converge.py --metadata $(METADATA)

.PHONY: bench-encryption
bench-encryption: setup ## seconds, memory and throughput of an encrypted instance store, in a virtual machine
	@python tests/bench/encryption.py

.PHONY: bench-objects
bench-objects: setup ## seconds of 1,000 topics, 1,000 ACLs and 100 users on a real broker: first and no-change run
	@python tests/bench/objects.py

.PHONY: bench-security
bench-security: setup ## producing and consuming with TLS and without, on a real broker, in turn; certificates of nine brokers
	@python tests/bench/security.py
	@python tests/bench/rotation.py

.PHONY: clean
clean: ## take the lab down; caches stay
	@[ ! -x .venv/bin/python ] || python -m lab down
	@rm -rf build reports molecule/inventory

.PHONY: distclean
distclean: ## clean, and remove .venv and the lab's caches
	@[ ! -x .venv/bin/python ] || python -m lab down --caches
	@rm -rf build reports molecule/inventory .venv
