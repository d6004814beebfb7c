# make help lists the targets. Everything runs as it is on Debian; what is missing is installed where this runs as root.

MSRV := 1.89.0
BARE := thumbv7em-none-eabi
# The text of bare/ may have so many bytes.
BARE_TEXT := 24576
# Later ones need a newer Rust than the oldest that this is built with.
CARGO_C := 0.10.24
PREFIX := /usr/local
# Seconds for each fuzz target.
FUZZ_TIME := 600
FUZZ_TARGETS := machine record uri capi lanes scim filter

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# $(call need,program,Debian package)
need = @command -v $(1) > /dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq $(2); } || \
	{ echo "$(1) is missing: install the Debian package $(2) (as root: apt-get install $(2))" >&2; exit 1; }

.PHONY: tools
tools:
	@command -v rustup > /dev/null || { echo "rustup is missing: install Rust with it, see README.md" >&2; exit 1; }
	$(call need,oathtool,oathtool)
	$(call need,zbarimg,zbar-tools)
	$(call need,valgrind,valgrind)
	$(call need,size,binutils)
	$(call need,pgrep,procps)
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq postgresql; } || \
		{ echo "PostgreSQL is missing: install the Debian package postgresql" >&2; exit 1; }

.PHONY: test
test: tools test-rust test-features test-lanes test-bare test-c test-java test-fuzz test-msrv test-scim ## run every test

.PHONY: test-rust
test-rust:
	cargo test --workspace --locked
	cargo test --locked --release --test constant_time

# What src/lanes does on the processors that this one is not: without lanes, and with AVX-512, which Miri executes.
.PHONY: test-lanes
test-lanes: miri
	RUSTFLAGS='--cfg keyfob_lanes="portable"' cargo test --locked --release -p keyfob --target-dir target/portable --lib --test constant_time
	RUSTFLAGS='-C target-feature=+avx2,+avx512f,+avx512vl' MIRIFLAGS='-Zmiri-strict-provenance -Zmiri-disable-isolation' \
		cargo +nightly miri test --locked -p keyfob --lib --target-dir target/miri-lanes the_paths_of_this_processor

.PHONY: miri
miri:
	rustup toolchain list | grep -q ^nightly || rustup toolchain install nightly --profile minimal --no-self-update
	rustup component add --toolchain nightly miri rust-src

.PHONY: test-scim
test-scim: ## check the profile for RFC clients with scim2-tester
	@python3 -c 'import ensurepip' 2> /dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq python3 python3-venv; } || \
		{ echo "Python's venv is missing: install the Debian package python3-venv" >&2; exit 1; }
	tests/scim2/run

# Each combination of features builds and passes the engine's own tests.
.PHONY: test-features
test-features:
	for features in "" alloc seal "alloc seal" std capi "capi std" "capi getrandom"; do \
		cargo check --locked -p keyfob --lib --no-default-features --features "$$features" || exit 1; \
		cargo test --locked -p keyfob --lib --no-default-features --features "$$features" || exit 1; \
	done

.PHONY: test-bare
test-bare: size
	rustup target add $(BARE)
	cargo build --locked -p keyfob --no-default-features --target $(BARE)
	cargo build --locked -p keyfob --no-default-features --features seal --target $(BARE)

.PHONY: size
size: ## print the size of the smallest bare-metal program, and hold it to its limit
	rustup target add $(BARE)
	cd bare && cargo build --locked --release
	@size bare/target/$(BARE)/release/keyfob-bare
	@text=$$(size bare/target/$(BARE)/release/keyfob-bare | awk 'NR == 2 { print $$1 }'); \
		test "$$text" -le $(BARE_TEXT) || { echo "text: $$text bytes, and $(BARE_TEXT) are allowed" >&2; exit 1; }

# The C ABI: C99, C++, Valgrind, sanitizers, the examples, bare metal, an installation.
.PHONY: test-c
test-c: tools-c miri
	tests/c/run
	tests/c/firmware/run
	tests/c/install
	MIRIFLAGS=-Zmiri-strict-provenance cargo +nightly miri test --locked -p keyfob --features capi --lib ffi --target-dir target/miri

.PHONY: tools-c
tools-c:
	$(call need,cc,gcc)
	$(call need,c++,g++)
	$(call need,pkg-config,pkg-config)
	$(call need,oathtool,oathtool)
	$(call need,valgrind,valgrind)
	$(call need,arm-none-eabi-gcc,gcc-arm-none-eabi)
	$(call need,qemu-system-arm,qemu-system-arm)
	cargo cbuild --version 2> /dev/null | grep -qF '$(CARGO_C)' || cargo install --locked cargo-c --version =$(CARGO_C)

# The Java API: JNI on an older Java, JNI and FFM on a newer one, all on the same jar.
.PHONY: test-java
test-java: tools-java
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -f java/pom.xml verify -Dolder.jdk=$$(java/jdk older)

.PHONY: tools-java
tools-java:
	$(call need,mvn,maven)
	@java/jdk newer > /dev/null
	@java/jdk older > /dev/null

.PHONY: jar
jar: tools-java ## build java/target/keyfob-VERSION.jar, which carries this machine's native library
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -q -f java/pom.xml package

.PHONY: header
header: ## make include/keyfob.h anew
	cargo build --locked -p keyfob --features capi,getrandom,header

.PHONY: install
install: ## install library, header and pkg-config file under PREFIX (/usr/local), below DESTDIR if given
	cargo cbuild --version 2> /dev/null | grep -qF '$(CARGO_C)' || cargo install --locked cargo-c --version =$(CARGO_C)
	cargo cinstall --locked --release --manifest-path capi/Cargo.toml --prefix $(PREFIX) --libdir $(PREFIX)/lib $(if $(DESTDIR),--destdir $(DESTDIR))

.PHONY: test-msrv
test-msrv:
	rustup toolchain install $(MSRV) --profile minimal --no-self-update
	cargo +$(MSRV) check --locked --workspace --target-dir target/msrv

.PHONY: lint
lint: ## check format, lints, documentation, licences and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	command -v cargo-deny > /dev/null || cargo install --locked cargo-deny
	cargo deny --workspace --locked check bans licenses sources

.PHONY: advisories
advisories: ## check dependencies against the RustSec database, which is fetched from its repository
	command -v cargo-deny > /dev/null || cargo install --locked cargo-deny
	cargo deny --workspace --locked check advisories

.PHONY: bench
bench: ## measure the engine beside its peers, in units of one SHA-1 compression
	test -e /usr/include/liboath/oath.h || { test "$$(id -u)" = 0 && apt-get install -y -qq liboath-dev; } || \
		{ echo "liboath is missing: install the Debian package liboath-dev" >&2; exit 1; }
	cargo bench --locked -p keyfob --bench engine
	cargo bench --locked -p keyfob --features capi --bench capi

.PHONY: bench-java
bench-java: jar ## measure the Java API beside javax.crypto.Mac, on JNI and on FFM
	java/bench

.PHONY: bench-service
bench-service: ## measure the service beside a handler without a store, and beside single commits
	cargo bench --locked -p keyfob-server --bench service --bench scale

.PHONY: bench-postgres
bench-postgres: tools ## measure the service on PostgreSQL beside pgbench, and with ten million devices (needs 10 GB of disk)
	cargo bench --locked -p keyfob-server --bench postgres

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZ_TIME seconds (needs the nightly toolchain)
	command -v cargo-fuzz > /dev/null || cargo install --locked cargo-fuzz
	for target in $(FUZZ_TARGETS); do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_TIME) -dict=fuzz/keyfob.dict || exit 1; \
	done

# Each target builds and runs for a short while, so that none rots between the long runs.
.PHONY: test-fuzz
test-fuzz:
	rustup toolchain list | grep -q ^nightly || rustup toolchain install nightly --profile minimal --no-self-update
	command -v cargo-fuzz > /dev/null || cargo install --locked cargo-fuzz
	for target in $(FUZZ_TARGETS); do \
		cargo +nightly fuzz run $$target -- -runs=2000 -seed=1 -dict=fuzz/keyfob.dict || exit 1; \
	done

.PHONY: vectors
vectors: ## make tests/vectors.json anew
	$(call need,oathtool,oathtool)
	python3 tests/vectors.py > tests/vectors.json
