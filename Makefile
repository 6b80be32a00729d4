# One word per intention. Every word installs what it needs first (tools/setup.sh), so it works on a fresh Debian 12.
BUILD ?= build
JOBS ?= $(shell nproc)
ADZE = $(BUILD)/src/cli/adze

.PHONY: help build test demo docs package bench asan tsan fuzz format tidy check clean

help:             ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 12

build:            ## the adze program
	@tools/setup.sh build
	cmake --preset release -B $(BUILD) -DADZE_TESTS=OFF >/dev/null
	cmake --build $(BUILD) -j $(JOBS)

test:             ## build, then every test
	@tools/setup.sh test
	cmake --preset release -B $(BUILD) -DADZE_TESTS=ON >/dev/null
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS) --no-tests=error

demo: build       ## compress the repository's own small network on its own images, with a report
	examples/demo.sh $(ADZE)

docs: build       ## write docs/reference again, from what the program says of itself
	tools/make_reference $(ADZE)

package: build    ## Debian packages: adze and libadze-dev
	@tools/setup.sh package
	cd $(BUILD) && cpack -G DEB

bench: build      ## speed beside ONNX Runtime and the accuracy tables (needs ../shared/data)
	@tools/setup.sh bench
	bench/run.sh $(ADZE)

asan:             ## every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh test
	cmake --preset asan >/dev/null
	cmake --build build-asan -j $(JOBS)
	ctest --test-dir build-asan --output-on-failure -j $(JOBS)

tsan:             ## the threaded tests under ThreadSanitizer
	@tools/setup.sh test
	cmake --preset tsan >/dev/null
	cmake --build build-tsan -j $(JOBS) --target adze_base_test adze_runtime_test
	ctest --test-dir build-tsan --output-on-failure -R 'adze_(base|runtime)_test'

fuzz:             ## the fuzzers, FUZZ_SECONDS each (default 30)
	@tools/setup.sh fuzz
	tools/fuzz.sh

format:           ## clang-format every source
	@tools/setup.sh check
	git ls-files '*.cc' '*.h' '*.inc' | grep -v '\.inc$$' | xargs clang-format -i

tidy: build       ## clang-tidy with the short list of .clang-tidy
	@tools/setup.sh check
	git ls-files 'src/*.cc' | grep -vE '_(test|avx2|avx512vnni|hwy)\.cc$$' | xargs -P $(JOBS) -n 4 clang-tidy -p $(BUILD) --quiet

check:            ## the quick checks: format, layers, lists, sizes
	@tools/setup.sh check
	tools/check_format
	tools/check_layers
	tools/check_lists
	tools/check_sizes

clean:            ## remove build folders
	rm -rf build build-*
