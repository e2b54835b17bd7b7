# Thin: dev.py does the work, and `python3 dev.py report` is the same as `make report`.
# make test ARGS="-k concentration"; make report PYTHON=python3.13
PYTHON = python3
ARGS =

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: report test test-real fuzz soak check fix bench docs lab lock help

report test test-real fuzz soak check fix bench docs lab lock help:
	@$(PYTHON) dev.py $@ $(ARGS)
