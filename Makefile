# make help lists the targets. Everything runs as it is on Debian; what is missing is installed where this runs as root.

MSRV := 1.89.0
BARE := thumbv7em-none-eabi
ARM := aarch64-unknown-linux-musl
# Of a static program: an image holds nothing else.
MUSL := $(shell uname -m)-unknown-linux-musl
# The text of examples/bare-metal may have so many bytes.
BARE_TEXT := 24576
# To be built it needs Rust 1.95 or newer, pkg-config and OpenSSL's headers.
CARGO_C := 0.10.24
CARGO_ABOUT := 0.9.3
CARGO_AUDITABLE := 0.7.7
CARGO_CYCLONEDX := 0.5.9
PREFIX ?= /usr/local
# What Miri executes, and what rustdoc writes for cargo-public-api, change from nightly to nightly: these two fit each other and the tests.
NIGHTLY := nightly-2026-05-20
PUBLIC_API := 0.52.0
# Makes the Debian package. Its autoscripts change from version to version.
CARGO_DEB := 3.8.0
# Samples of each pair of classes.
SAMPLES := 10000000
# Per cent of the core's branches that tests take.
COVERAGE := 98
# Seconds for each fuzz target.
FUZZ_TIME := 600
FUZZ_TARGETS := machine record uri tokens capi lanes scim filter

# One target after the other, with -j too: they share folders, and some pack what the one before has made.
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# $(call need,program,Debian package)
need = @command -v $(1) > /dev/null || tests/packages/install $(2)

# A tool runs for seconds, so it is built quickly: optimising and linking it as a whole takes minutes.
cargo-install := CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo install --locked
# $(call cargo-tool,name,version,options)
cargo-tool = cargo install --list | grep -qxF '$(1) v$(2):' || $(cargo-install) $(1) --version =$(2) $(3)

# Two of rustup that install at once are in each other's way, so it is called for what is missing only.
# $(call toolchain,version)
toolchain = rustup run $(1) rustc --version > /dev/null 2>&1 || rustup toolchain install $(1) --profile minimal --no-self-update
# $(call component,name): of NIGHTLY
component = rustup component list --toolchain $(NIGHTLY) --installed | grep '^$(1)' > /dev/null || rustup component add --toolchain $(NIGHTLY) $(1)
nightly = $(call toolchain,$(NIGHTLY))

.PHONY: tools
tools:
	@command -v rustup > /dev/null || { echo "rustup is missing: install Rust with it, see README.md" >&2; exit 1; }
	$(call need,oathtool,oathtool)
	$(call need,zbarimg,zbar-tools)
	$(call need,valgrind,valgrind)
	$(call need,size,binutils)
	$(call need,pgrep,procps)
	$(call need,sqlite3,sqlite3)
	@command -v postfix > /dev/null || test -x /usr/sbin/postfix || tests/packages/install postfix
	$(call need,curl,curl)
	$(call need,jq,jq)
	$(call need,pgbouncer,pgbouncer)
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || tests/packages/install postgresql
	@command -v mariadbd > /dev/null || test -x /usr/sbin/mariadbd || tests/packages/install mariadb-server

# All that the tests take from rustup.
.PHONY: tools-rust
tools-rust: miri
	$(call toolchain,$(MSRV))
	tools/rust-targets $(ARM) $(BARE) $(MUSL) $$(sed '/^#/d' platforms/triples)

.PHONY: test
test: test-others test-beside ## run the tests, but for the long ones: README.md has those

# Interpreters, emulators and fuzz targets keep one core busy, so .ci/run has them beside test-others and
# lint. No folder that cargo builds in is of both halves, or one of them would wait for the other.
.PHONY: test-beside
test-beside: test-lanes test-aarch64 test-fuzz test-msrv test-minimal ## run the half of the tests that keeps one core busy

.PHONY: test-others
test-others: tools test-packages test-crates test-notices test-rust test-features test-bare test-c test-platforms test-pam test-radius test-deb test-container test-java test-jar-all test-reproducible test-scim test-signals test-pskc test-peers ## run the tests but for those of test-beside

.PHONY: check
check: ## check format and lints and run the Rust tests; installs nothing
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked

.PHONY: test-packages
test-packages: ## test how missing Debian packages are installed
	tests/packages/test

# Without the build of each, which takes minutes.
.PHONY: test-crates
test-crates:
	tests/crates/run --no-verify

.PHONY: crates
crates: ## make target/packages/package/CRATE.crate, each built from what is in it (minutes)
	tests/crates/run

.PHONY: test-rust
test-rust:
	cargo test --workspace --locked
	cargo test --locked --profile proof -p keyfob --features capi --test constant_time --test secrets
	cargo bench --locked --profile proof -p keyfob --features capi --bench timing -- twins 100000

# What src/lanes does on the processors that this one is not: without lanes, and with AVX-512, which Miri executes.
.PHONY: test-lanes
test-lanes: miri
	RUSTFLAGS='--cfg keyfob_lanes="portable"' cargo test --locked --profile proof -p keyfob --features capi --target-dir target/portable \
		--lib --test constant_time --test secrets
	PROPTEST_CASES=8 RUSTFLAGS='-C target-feature=+avx2,+avx512f,+avx512vl' MIRIFLAGS='-Zmiri-strict-provenance -Zmiri-disable-isolation' \
		cargo +$(NIGHTLY) miri test --locked -p keyfob --lib --target-dir target/miri-lanes -- \
		the_paths_of_this_processor the_words_are_those_of_the_standard streams_over_models

# The same on an emulated Arm processor, and how many instructions a window takes there.
.PHONY: test-aarch64
test-aarch64:
	$(call need,qemu-aarch64,qemu-user)
	tools/rust-targets $(ARM)
	tests/aarch64/run

.PHONY: miri
miri:
	$(nightly)
	$(call component,miri)
	$(call component,rust-src)

.PHONY: test-scim
test-scim: ## check the profile for RFC clients with scim2-tester
	@python3 -c 'import ensurepip' 2> /dev/null || tests/packages/install python3 python3-venv
	tests/scim2/run

.PHONY: test-signals
test-signals: ## check signals with a receiver in Python, through kill -9 and bad receivers
	@/usr/bin/python3 -c 'import jwt, cryptography' 2> /dev/null || tests/packages/install python3-jwt python3-cryptography
	tests/signals/run

.PHONY: test-pskc
test-pskc: tools-tokens ## read the sample files of python-pskc
	tests/tokens/run python_pskc

.PHONY: test-peers
test-peers: tools-tokens ## exchange token files with python-pskc, pskctool, KeePassXC and packages for otpauth URIs
	tests/tokens/run peers

.PHONY: tools-tokens
tools-tokens:
	@python3 -c 'import ensurepip' 2> /dev/null || tests/packages/install python3 python3-venv
	$(call need,npm,npm)
	$(call need,openssl,openssl)
	$(call need,pskctool,pskctool)
	$(call need,oathtool,oathtool)
	$(call need,keepassxc-cli,keepassxc)

# Each combination of features builds and passes the engine's own tests, with fewer cases of each property than test-rust has.
.PHONY: test-features
test-features: export PROPTEST_CASES := 32
test-features:
	for features in "" alloc seal "alloc seal" std capi "capi std" "capi getrandom"; do \
		cargo check --locked -p keyfob --lib --no-default-features --features "$$features" || exit 1; \
		cargo test --locked -p keyfob --lib --no-default-features --features "$$features" || exit 1; \
	done

.PHONY: test-bare
test-bare: size
	tools/rust-targets $(BARE)
	cargo build --locked -p keyfob --no-default-features --target $(BARE)
	cargo build --locked -p keyfob --no-default-features --features seal --target $(BARE)

.PHONY: size
size: ## print the size of the smallest bare-metal program, and hold it to its limit
	tools/rust-targets $(BARE)
	cd examples/bare-metal && cargo build --locked --release
	@size examples/bare-metal/target/$(BARE)/release/keyfob-bare
	@text=$$(size examples/bare-metal/target/$(BARE)/release/keyfob-bare | awk 'NR == 2 { print $$1 }'); \
		test "$$text" -le $(BARE_TEXT) || { echo "text: $$text bytes, and $(BARE_TEXT) are allowed" >&2; exit 1; }

# The C ABI: C99, C++, Valgrind, sanitizers, the examples, bare metal, an installation.
.PHONY: test-c
test-c: tools-c miri
	tests/c/run
	tests/c/liboath
	tests/c/firmware/run
	tests/c/install
	MIRIFLAGS=-Zmiri-strict-provenance cargo +$(NIGHTLY) miri test --locked -p keyfob --features capi --lib ffi --target-dir target/miri

.PHONY: tools-c
tools-c:
	$(call need,cc,gcc)
	$(call need,c++,g++)
	$(call need,pkg-config,pkg-config)
	$(call need,cmake,cmake)
	$(call need,man,man-db)
	$(call need,mandoc,mandoc)
	@test -e /usr/include/liboath/oath.h || tests/packages/install liboath-dev
	$(call need,oathtool,oathtool)
	$(call need,valgrind,valgrind)
	$(call need,arm-none-eabi-gcc,gcc-arm-none-eabi)
	$(call need,qemu-system-arm,qemu-system-arm)

has-cargo-c = cargo cbuild --version 2> /dev/null | grep -qF '$(CARGO_C)'
.PHONY: tools-cargo-c
tools-cargo-c:
	$(call need,cc,gcc)
	$(call need,pkg-config,pkg-config)
	@$(has-cargo-c) || pkg-config --exists openssl || tests/packages/install libssl-dev
	$(has-cargo-c) || $(cargo-install) cargo-c --version =$(CARGO_C)

# The Java API: JNI on an older Java, JNI and FFM on a newer one, all on the same jar. Then the jar in archives of Spring Boot and Tomcat.
.PHONY: test-java
test-java: tools-java
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -f java/it/pom.xml verify -Dolder.jdk=$$(java/jdk older)

# After `make platforms`.
.PHONY: test-jar-all
test-jar-all: jar-all
	$(call need,readelf,binutils)
	tests/java/jar-all
	@python3 -c 'import ensurepip' 2> /dev/null || tests/packages/install python3 python3-venv
	$(call need,unzip,unzip)
	$(call need,qemu-aarch64,qemu-user)
	@test -e /usr/aarch64-linux-gnu/lib/libc.so.6 || tests/packages/install libc6-arm64-cross
	$(call need,wine,wine)
	$(call need,x86_64-w64-mingw32-gcc,gcc-mingw-w64-x86-64)
	tests/java/jvms

# The older one is for the tests only.
.PHONY: tools-java
tools-java: tools-jar
	$(call need,mariadb-install-db,mariadb-server)
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || tests/packages/install postgresql
	@java/jdk older > /dev/null

.PHONY: tools-jar
tools-jar:
	$(call need,mvn,maven)
	@java/jdk newer > /dev/null

.PHONY: jar
jar: tools-jar ## build java/target/keyfob-VERSION.jar, which carries this machine's native library
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -q -f java/pom.xml -Dmaven.test.skip=true package

.PHONY: jar-all
jar-all: tools-jar ## make target/jar, what Maven Central gets: the jar with the libraries of target/platforms, sources, Javadoc and POM
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -q -f java/pom.xml -Dmaven.test.skip=true -Prelease pre-integration-test

.PHONY: platforms
platforms: tools-platforms ## make target/platforms/TRIPLE, the libraries for C and Java of other systems
	platforms/build

.PHONY: tools-platforms
tools-platforms:
	@python3 -c 'import ensurepip' 2> /dev/null || tests/packages/install python3 python3-venv
	$(call need,x86_64-w64-mingw32-gcc,gcc-mingw-w64-x86-64)

.PHONY: test-platforms
test-platforms: platforms ## test the libraries of other systems, under qemu-user and Wine
	$(call need,qemu-aarch64,qemu-user)
	$(call need,readelf,binutils)
	$(call need,aarch64-linux-gnu-objdump,binutils-aarch64-linux-gnu)
	@test -e /usr/aarch64-linux-gnu/lib/libc.so.6 || tests/packages/install libc6-arm64-cross
	$(call need,wine,wine)
	tests/platforms/files
	tests/platforms/run

.PHONY: header
header: ## make include/keyfob.h anew
	cargo build --locked -p keyfob --features capi,getrandom,header

.PHONY: man
man: ## make capi/man anew, the manual pages of the C functions
	python3 capi/man.py

install uninstall: export PREFIX := $(PREFIX)
.PHONY: install
install: ## install libraries, header, pkg-config and CMake files and manual pages under PREFIX (/usr/local), below DESTDIR if given
	capi/install

.PHONY: uninstall
uninstall: ## remove what make install has installed, with the same PREFIX, LIBDIR and DESTDIR
	capi/install --remove

# As packagers may do. It is no part of make test, since cargo-c takes minutes to be built.
.PHONY: test-cargo-c
test-cargo-c: tools-cargo-c ## compare the installation of cargo-c with that of make install
	tests/c/cargo-c

# The module that `make test-pam` tests. Static: a login must not depend on where the loader finds libkeyfob.so.
PAM_SOURCES := pam/pam_keyfob.c pam/state.c
PAM_CFLAGS := -std=c99 -Wall -Wextra -Werror -pedantic -O2 -g -fPIC -Iinclude -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
PAM_LDFLAGS := -shared -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--version-script=pam/exports.map
PAM_LIBS := -lpam -lgcc_s -lpthread -ldl -lm
# Where Linux-PAM looks for modules: a folder of the architecture on Debian, /usr/lib64/security on Fedora and its kin.
PAM_DIR ?= $(firstword $(wildcard /usr/lib/$(shell cc -print-multiarch 2> /dev/null)/security /usr/lib64/security) /usr/lib/security)
# $(call link-pam,module,flags): with the engine as it is now, wherever cargo's folder is.
link-pam = library=$$(capi/build)/libkeyfob.a && cc $(PAM_CFLAGS) $(2) $(PAM_SOURCES) $(PAM_LDFLAGS) "$$library" $(PAM_LIBS) -o $(1)

.PHONY: pam
pam: tools-pam ## build target/pam/pam_keyfob.so, the PAM module
	mkdir -p target/pam
	$(call link-pam,target/pam/pam_keyfob.so)

.PHONY: tools-pam
tools-pam:
	$(call need,cc,gcc)
	@test -e /usr/include/security/pam_modules.h || tests/packages/install libpam0g-dev

.PHONY: install-pam
install-pam: pam ## install the PAM module, its manual page and the folder of its state files, below DESTDIR if given
	install -d -m 755 "$(DESTDIR)$(PAM_DIR)" "$(DESTDIR)$(PREFIX)/share/man/man8"
	install -s -m 644 target/pam/pam_keyfob.so "$(DESTDIR)$(PAM_DIR)/pam_keyfob.so"
	install -m 644 pam/pam_keyfob.8 "$(DESTDIR)$(PREFIX)/share/man/man8/pam_keyfob.8"
	install -d -m 700 "$(DESTDIR)/var/lib/pam_keyfob"

.PHONY: test-pam
test-pam: tools-pam ## test the PAM module with pamtester, as root
	$(call need,pamtester,pamtester)
	$(call need,oathtool,oathtool)
	$(call need,valgrind,valgrind)
	@ls /usr/lib/*/libpam_wrapper.so > /dev/null 2>&1 || tests/packages/install libpam-wrapper
	@ls /usr/lib/*/libnss_wrapper.so > /dev/null 2>&1 || tests/packages/install libnss-wrapper
	$(MAKE) --no-print-directory pam
	mkdir -p target/pam/sanitized
	$(call link-pam,target/pam/sanitized/pam_keyfob.so,-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)
	cargo build --locked -p keyfob-server
	tests/pam/run

.PHONY: test-radius
test-radius: ## test the configuration of FreeRADIUS in examples/freeradius, as root
	@test -e /usr/lib/freeradius/rlm_rest.so || tests/packages/install freeradius freeradius-rest
	$(call need,radclient,freeradius-utils)
	$(call need,openssl,openssl)
	$(call need,curl,curl)
	$(call need,jq,jq)
	$(call need,oathtool,oathtool)
	cargo build --locked -p keyfob-server
	tests/radius/run

.PHONY: deb
deb: tools-deb ## make target/deb/keyfob_VERSION_ARCHITECTURE.deb, the Debian package of the service
	server/debian/build "$$(tools/dist-build -p keyfob-server)/keyfob"

.PHONY: tools-deb
tools-deb:
	$(call need,cc,gcc)
	$(call need,dpkg-shlibdeps,dpkg-dev)
	$(call cargo-tool,cargo-deb,$(CARGO_DEB))

# Of a debug build: `make deb` takes minutes to compile.
.PHONY: test-deb
test-deb: tools-deb ## test the Debian package of the service, in a system that systemd-nspawn boots, as root
	$(call need,lintian,lintian)
	$(call need,mmdebstrap,mmdebstrap)
	$(call need,systemd-nspawn,systemd-container)
	$(call need,systemd-analyze,systemd)
	$(call need,man,man-db)
	$(call need,mandoc,mandoc)
	$(call need,zsh,zsh)
	$(call need,fish,fish)
	$(call need,pgrep,procps)
	$(call need,curl,curl)
	$(call need,jq,jq)
	$(call need,oathtool,oathtool)
	cargo build --locked -p keyfob-server
	tests/deb/run

.PHONY: container
container: tools-container ## make target/container/keyfob-VERSION.tar, an image of the service for podman and docker
	server/container/build "$$(CARGO_BUILD_TARGET=$(MUSL) tools/dist-build -p keyfob-server)/keyfob"

.PHONY: tools-container
tools-container:
	$(call need,musl-gcc,musl-tools)
	$(call need,readelf,binutils)
	$(call need,buildah,buildah)
	@test -e /etc/ssl/certs/ca-certificates.crt || tests/packages/install ca-certificates
	tools/rust-targets $(MUSL)

.PHONY: test-container
test-container: tools-container ## test the image of the service with podman, as root
	$(call need,podman,podman)
	$(call need,crun,crun)
	$(call need,curl,curl)
	$(call need,jq,jq)
	$(call need,oathtool,oathtool)
	CARGO_PROFILE_DEV_DEBUG=0 cargo build --locked -p keyfob-server --target $(MUSL)
	tests/container/run target/$(MUSL)/debug/keyfob

.PHONY: test-msrv
test-msrv:
	$(call toolchain,$(MSRV))
	cargo +$(MSRV) check --locked --workspace --target-dir target/msrv

# With the oldest dependencies that Cargo.toml asks for, so that what it asks for is true.
OLDEST := --config 'resolver.lockfile-path="target/minimal/Cargo.lock"'
.PHONY: test-minimal
test-minimal:
	$(nightly)
	mkdir -p target/minimal
	cargo +$(NIGHTLY) $(OLDEST) update -Z direct-minimal-versions
	cargo +$(NIGHTLY) $(OLDEST) check --locked --workspace --all-targets --features keyfob/capi,keyfob/getrandom --target-dir target/minimal

.PHONY: lint
lint: ## check format, lints, documentation, licences and dependencies
	cargo fmt --all --check
	for folder in benches/peers examples/bare-metal fuzz; do cargo fmt --check --manifest-path $$folder/Cargo.toml || exit 1; done
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tools/rust-targets $(ARM)
	cargo clippy -p keyfob --lib --tests --locked --target $(ARM) --target-dir target/lint -- -D warnings
	cargo clippy -p keyfob-tokens --test python_pskc --test peers --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	command -v cargo-deny > /dev/null || $(cargo-install) cargo-deny
	cargo deny --workspace --locked check bans licenses sources

.PHONY: advisories
advisories: ## check dependencies against the RustSec database, which is fetched from its repository
	command -v cargo-deny > /dev/null || $(cargo-install) cargo-deny
	cargo deny --workspace --locked check advisories

# cargo public-api with the pinned versions; its only argument is the package.
api = cargo +$(NIGHTLY) public-api -p $(1) -ss --target-dir target/api
.PHONY: tools-api
tools-api:
	$(nightly)
	$(call cargo-tool,cargo-public-api,$(PUBLIC_API))

.PHONY: test-api
test-api: tools-api ## compare the public Rust API with tests/api
	mkdir -p target/api
	for package in keyfob keyfob-scim keyfob-tokens; do \
		$(call api,$$package) > target/api/$$package.txt && diff tests/api/$$package.txt target/api/$$package.txt || exit 1; \
	done

.PHONY: api
api: tools-api ## make tests/api anew: a line that goes or changes wants a new version
	for package in keyfob keyfob-scim keyfob-tokens; do $(call api,$$package) > tests/api/$$package.txt || exit 1; done

.PHONY: notices
notices: ## make THIRD-PARTY-NOTICES of what others get as a program or library anew, after a change of Cargo.lock
	$(call cargo-tool,cargo-about,$(CARGO_ABOUT),--features cli)
	tools/notices

.PHONY: test-notices
test-notices:
	tests/notices

.PHONY: sbom
sbom: ## make target/sbom/PACKAGE.cdx.json, CycloneDX lists of what is built in
	$(call cargo-tool,cargo-cyclonedx,$(CARGO_CYCLONEDX))
	tests/sbom target/sbom

.PHONY: test-reproducible
test-reproducible: ## test that two builds of the C libraries in two folders give the same bytes; make reproducible has the rest
	tests/reproducible c

.PHONY: reproducible
reproducible: tools-jar tools-deb tools-release ## check that two builds in two folders give the same bytes, of what is released for this machine's system (minutes)
	AUDITABLE=1 tests/reproducible c java jar service static deb

.PHONY: tools-release
tools-release:
	$(call cargo-tool,cargo-auditable,$(CARGO_AUDITABLE))
	$(call need,objcopy,binutils)
	$(call need,musl-gcc,musl-tools)
	tools/rust-targets $(MUSL)

.PHONY: release
release: export AUDITABLE := 1
release: tools-release crates platforms jar-all deb sbom ## make target/release-VERSION, all that is handed out, with SHA256SUMS (long)
	tools/release

.PHONY: coverage
coverage: ## report what tests cover, and fail below COVERAGE per cent of the core's branches
	$(nightly)
	$(call component,llvm-tools)
	command -v cargo-llvm-cov > /dev/null || $(cargo-install) cargo-llvm-cov
	cargo +$(NIGHTLY) llvm-cov --branch --locked -p keyfob -p keyfob-scim --features keyfob/capi --lib --tests --json --output-path target/coverage.json
	python3 tests/coverage.py target/coverage.json $(COVERAGE)

# Tests keep texts for ever on purpose, so leaks are looked for in C alone, by make test-c.
.PHONY: sanitize
sanitize: ## run the tests of the engine and of the SCIM layer under AddressSanitizer
	$(nightly)
	ASAN_OPTIONS=detect_leaks=0 RUSTFLAGS=-Zsanitizer=address cargo +$(NIGHTLY) test --locked -p keyfob -p keyfob-scim --features keyfob/capi \
		--lib --tests --target $$(rustc -vV | sed -n 's/^host: //p') --target-dir target/sanitize

# Two cases of each property, since Miri is a thousand times slower; also as on a machine with the other order of bytes, and on one of 32 bits.
.PHONY: miri-all
miri-all: export PROPTEST_CASES := 2
miri-all: export MIRIFLAGS := -Zmiri-strict-provenance -Zmiri-disable-isolation
miri-all: miri ## run the engine's tests under Miri, also as on big-endian and 32-bit machines
	for target in $$(rustc -vV | sed -n 's/^host: //p') s390x-unknown-linux-gnu i686-unknown-linux-gnu; do \
		miri="cargo +$(NIGHTLY) miri test --locked -p keyfob --features capi --target $$target --target-dir target/miri-all"; \
		$$miri --lib --test edges && $$miri --test record the_format_does_not_change || exit 1; \
	done

.PHONY: mutants
mutants: ## change engine, C ABI and SCIM layer in many small ways, and list the changes that no test notices (hours)
	command -v cargo-mutants > /dev/null || $(cargo-install) cargo-mutants
	PROPTEST_CASES=32 cargo mutants --package keyfob --package keyfob-scim $(MUTANTS)
	tests/c/mutants

.PHONY: bench
bench: ## measure the engine beside its peers, in units of one SHA-1 compression
	test -e /usr/include/liboath/oath.h || tests/packages/install liboath-dev
	cargo bench --locked --profile dist -p keyfob --bench engine
	cargo bench --locked --profile dist -p keyfob --features capi --bench capi
	cargo run --release --locked --manifest-path benches/peers/Cargo.toml

# On one core, the last one, which others use least. Ten million samples take some ten minutes and want a machine that does nothing else.
.PHONY: timing
timing: ## test that times do not depend on secrets, with SAMPLES for each pair of classes (ten million)
	taskset --cpu-list $$(($$(nproc) - 1)) \
		cargo bench --locked --profile proof -p keyfob --features capi --bench timing -- $(SAMPLES)

.PHONY: bench-java
bench-java: tools-jar ## measure the Java API beside javax.crypto.Mac, on JNI and on FFM
	JAVA_HOME=$$(java/jdk newer) mvn -B -ntp -q -f java/pom.xml package
	java/bench

.PHONY: bench-service
bench-service: ## measure the service beside a handler without a store, and beside single commits
	cargo bench --locked --profile dist -p keyfob-server --bench service --bench scale

.PHONY: bench-memory
bench-memory: ## measure the memory of the service, idle and after load, with a thousand and a million devices, and hold it to its limits
	cargo bench --locked --profile dist -p keyfob-server --bench memory

.PHONY: bench-signals
bench-signals: ## measure what signals cost verdicts, and SETs a second beside a plain load generator (minutes)
	cargo bench --locked --profile dist -p keyfob-server --bench signals

.PHONY: bench-image
bench-image: ## measure the image of a create, and creates with and without it
	cargo bench --locked --profile dist -p keyfob-scim --bench image
	cargo bench --locked --profile dist -p keyfob-server --bench create

.PHONY: bench-import
bench-import: ## measure the import of 100,000 tokens into a file
	cargo bench --locked --profile dist -p keyfob-server --bench import

.PHONY: bench-pages
bench-pages: tools ## measure the pages of a walk by cursor, with a million devices on either store (needs 2 GB of disk)
	cargo bench --locked --profile dist -p keyfob-server --bench pages

.PHONY: bench-texts
bench-texts: tools ## measure searches for a text within users and names, with a million devices on either store (needs 2 GB of disk)
	cargo bench --locked --profile dist -p keyfob-server --bench texts

.PHONY: bench-postgres
bench-postgres: tools ## measure the service on PostgreSQL beside pgbench, and with ten million devices (needs 10 GB of disk)
	cargo bench --locked --profile dist -p keyfob-server --bench postgres

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZ_TIME seconds, from what was found before
	$(nightly)
	fuzz/corpora/pack out fuzz/corpus
	command -v cargo-fuzz > /dev/null || $(cargo-install) cargo-fuzz
	for target in $(FUZZ_TARGETS); do \
		cargo +$(NIGHTLY) fuzz run $$target -- -max_total_time=$(FUZZ_TIME) -dict=fuzz/keyfob.dict || exit 1; \
	done

# What was found before is replayed, as ordinary tests; then each target runs for a short while, so that none rots between the long runs.
.PHONY: test-fuzz
test-fuzz:
	$(nightly)
	command -v cargo-fuzz > /dev/null || $(cargo-install) cargo-fuzz
	RUSTFLAGS='--cfg fuzzing' cargo test --locked --no-default-features --manifest-path fuzz/Cargo.toml --test replay
	fuzz/corpora/pack out fuzz/corpus
	for target in $(FUZZ_TARGETS); do \
		cargo +$(NIGHTLY) fuzz run $$target -- -runs=2000 -seed=1 -dict=fuzz/keyfob.dict || exit 1; \
	done

.PHONY: corpora
corpora: ## make fuzz/corpora anew: the smallest part of fuzz/corpus that goes everywhere that all of it goes
	$(nightly)
	command -v cargo-fuzz > /dev/null || $(cargo-install) cargo-fuzz
	rm -rf target/corpora
	for target in $(FUZZ_TARGETS); do \
		mkdir -p target/corpora/$$target && cargo +$(NIGHTLY) fuzz run $$target target/corpora/$$target fuzz/corpus/$$target -- \
			-set_cover_merge=1 -use_counters=0 || exit 1; \
	done
	fuzz/corpora/pack in target/corpora

.PHONY: vectors
vectors: ## make tests/vectors.json anew
	$(call need,oathtool,oathtool)
	python3 tests/vectors.py > tests/vectors.json
