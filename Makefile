# The front door. `make demo` and `make test` need nothing but a Debian machine
# with git, make and root or sudo; the work is done by the scripts in ci/.
.DEFAULT_GOAL := help
FUZZ_SECONDS ?= 60
BENCH ?= --prompts 10 100 --one-by-one

# The checks that ctest runs too, one by one.
CHECKS := check-format check-tiers check-registry check-sources

.PHONY: help setup demo test bench guide-table adaptive-sweep error-rates zoo-report challenge-report zoo-identify \
	text-power weight-null format $(CHECKS) \
	tidy clang asan tsan fuzz python-pip clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: ## install what packages.txt names and this machine lacks
	@ci/install_packages

demo: setup ## build a release and run a tiny real model
	@ci/build release revlm
	@examples/demo.sh build/cli/revlm

test: setup ## build a release and run all tests and checks
	@ci/test release

bench: setup ## build a release and measure time, memory and the bound
	@ci/build release revlm revlm_rates revlm_make_checkpoint
	@bench/bench.py $(BENCH)

guide-table: setup ## measure the speed-ups that the parallel guide promises
	@ci/build release revlm revlm_make_checkpoint
	@bench/guide_table.py $(GUIDE_TABLE)

adaptive-sweep: setup ## a run that tunes itself, against fixed batch sizes
	@ci/build release revlm revlm_make_checkpoint
	@bench/adaptive_sweep.py $(ADAPTIVE_SWEEP)

error-rates: setup ## count how often the statistical tests are wrong
	@ci/build release revlm_error_rates
	@build/bench/revlm_error_rates $(ERROR_RATES)

zoo-report: setup ## verdicts on every pair of the models in REV_ZOO, and which are right
	@ci/build release revlm
	@bench/zoo_report.py $(ZOO_REPORT)
	@bench/challenge_report.py $(CHALLENGE_REPORT)

challenge-report: setup ## prompts that it takes to tell hard pairs of the zoo (REV_ZOO) apart
	@ci/build release revlm
	@bench/challenge_report.py $(CHALLENGE_REPORT)

zoo-identify: setup ## identify every model of the zoo (REV_ZOO) among the others
	@ci/build release revlm
	@bench/zoo_identify.py $(ZOO_IDENTIFY)

text-power: setup ## how much text the tests of texts need; REV_ZOO: on real models
	@ci/build release revlm_text_power
	@build/bench/revlm_text_power
	@if [ -n "$(REV_ZOO)" ]; then build/bench/revlm_text_power "$(REV_ZOO)" $(TEXT_POWER); \
	else echo "real models: skipped, REV_ZOO names no zoo"; fi

weight-null: setup ## how weights of independently trained models compare (REV_ZOO)
	@test -n "$(REV_ZOO)" || { echo "weight-null: set REV_ZOO to the folder of the zoo" >&2; exit 2; }
	@ci/build release revlm_weight_null
	@build/bench/revlm_weight_null $(REV_ZOO)/null/tokenizer.json $(REV_ZOO)/null/models/*

format: setup ## let clang-format rewrite our sources
	@ci/check_format --fix

check-format: setup ## sources are as clang-format writes them
	@ci/check_format

check-tiers: setup ## a module includes only the lower tiers it declares
	@ci/check_tiers.py

check-registry: setup ## every test source belongs to a registered test
	@ci/build release test_sources
	@ci/check_test_registry.py build

check-sources: setup ## banned names and overlong files
	@ci/check_sources.py

tidy: setup ## clang-tidy over our sources, zero findings
	@ci/tidy

clang: setup ## build and test with Clang
	@ci/test clang

asan: setup ## build and test under AddressSanitizer and UBSan
	@ci/test asan-ubsan

tsan: setup ## build and test under ThreadSanitizer
	@ci/test tsan

fuzz: setup ## run each fuzz target for FUZZ_SECONDS (60)
	@ci/fuzz $(FUZZ_SECONDS)

python-pip: setup ## pip install . into a fresh virtual environment, and use it
	@ci/build release python revlm
	@ctest --test-dir build --output-on-failure -R python_pip

clean: ## remove the build folders
	rm -rf build build-dev build-clang build-asan build-tsan
