# Belfry's build. `make` builds the release into build/bin; `make help` lists the rest.
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build/$(MODE)
BIN ?= $(if $(filter build/release,$(BUILD)),build/bin,$(BUILD)/bin)
PY := /usr/bin/python3
FUZZ_SECONDS ?= 60

# The commands themselves are shown by V=1.
Q := $(if $(V),,@)
say = $(if $(V),:,printf '  %-5s %s\n' $(1) $@)

# Both cores unless the caller says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# The SIP dialer is built where its library is. libre has no .pc flags for what its headers want.
HAVE_LIBRE := $(shell pkg-config --exists 'libre >= 1.1.0' 'libre < 1.2' 2>/dev/null && echo yes)
SERVICES := $(filter-out $(if $(HAVE_LIBRE),,dialer-sip), \
	$(patsubst services/%/main.c,%,$(wildcard services/*/main.c)))
PKGS := libevent libevent_openssl hiredis libpq libcurl openssl nanomsg libcjson

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual \
	-Wcast-align -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough \
	-Wdouble-promotion -Wnull-dereference -Werror
MODE_release := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fPIE
LD_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
MODE_dev := -O0 -g3 -fPIE
LD_dev := -pie
MODE_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LD_asan := -fsanitize=address,undefined
MODE_cov := -O0 -g --coverage
LD_cov := --coverage
# Needs CC=clang; `make fuzz` sets both.
MODE_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LD_fuzz := -fsanitize=fuzzer,address,undefined
ifeq ($(MODE_$(MODE)),)
$(error MODE is one of release dev asan cov, not '$(MODE)')
endif

# pkg-config may be missing until the packages are installed, so it is asked at first use, once.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

GEN := $(BUILD)/gen
CPPFLAGS_ALL = -D_GNU_SOURCE -Ilibcommon -I$(GEN) $(PKG_CFLAGS) -isystem/usr/include/re
CFLAGS_ALL = -std=c17 $(WARN) -fno-common -fno-strict-aliasing $(MODE_$(MODE)) $(CPPFLAGS_ALL) \
	$(CFLAGS)
LDFLAGS_ALL = $(LD_$(MODE)) $(LDFLAGS)
LIBS = $(PKG_LIBS) -lm

LIB_SRC := $(wildcard libcommon/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o) $(GEN)/store_gen.o $(GEN)/embed.o
QUERIES := $(sort $(wildcard libcommon/store/queries/*.sql))
DEPS_BUILD := build/.deps-build
DEPS_RUN := build/.deps-run
DEPS_CHECK := build/.deps-check
DEPS_FUZZ := build/.deps-fuzz

all: $(SERVICES:%=$(BIN)/%)

# libre is a system library to the compiler: its headers are not held to our warnings. It calls some
# functions that this program replaces (services/dialer-sip/re_loop.h); of libcommon's names none may
# take the place of one of its own.
$(BIN)/dialer-sip: LDFLAGS_MORE := -Wl,--exclude-libs,ALL
$(BIN)/dialer-sip: LIBS_MORE := -lre

# Without patsubst: a static pattern rule would replace its first % by the stem.
.SECONDEXPANSION:
$(SERVICES:%=$(BIN)/%): $(BIN)/%: $$(addprefix $(BUILD)/,$$(addsuffix .o,$$(basename $$(wildcard services/$$*/*.c)))) \
		$(BUILD)/libbelfry.a $(BUILD)/flags
	@mkdir -p $(@D); $(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS_MORE) -o $@ $(filter %.o,$^) $(BUILD)/libbelfry.a \
		$(LIBS_MORE) $(LIBS)

$(BUILD)/libbelfry.a: $(LIB_OBJ) $(BUILD)/members
	@rm -f $@; $(call say,AR)
	$(Q)ar rcs $@ $(LIB_OBJ)

# Packages that are missing are installed, by name; each stamp says that this was seen to.
$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_CHECK) $(DEPS_FUZZ): build/.deps-%: deploy/deps.sh
	@mkdir -p $(@D)
	deploy/deps.sh $*
	@touch $@

# Files that change only when what they say changes: other flags, or another list of members (a
# source file that is gone), rebuild what depends on them.
$(BUILD)/flags: FORCE | $(DEPS_BUILD)
	@$(call say_if_new,$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS))
$(BUILD)/members: FORCE
	@$(call say_if_new,$(LIB_OBJ))
define say_if_new
	mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

# --- generated: one typed C function per .sql file; schema, Lua and lists embedded -------------
$(GEN)/store_gen.h $(GEN)/store_gen.c &: $(QUERIES) libcommon/store/gen.py $(BUILD)/queries \
		| $(DEPS_BUILD)
	@mkdir -p $(GEN); $(call say,GEN)
	$(Q)$(PY) libcommon/store/gen.py --out $(GEN) $(QUERIES)
$(BUILD)/queries: FORCE
	@$(call say_if_new,$(QUERIES))

EMBED := $(sort $(wildcard proto/schema/*.sql proto/roles/*.sql proto/lua/*.lua) libcommon/sys/settings_known.txt \
	$(wildcard proto/openapi.yaml))
$(GEN)/embed.c: $(EMBED) libcommon/base/embed.py $(BUILD)/embedded | $(DEPS_BUILD)
	@mkdir -p $(GEN); $(call say,GEN)
	$(Q)$(PY) libcommon/base/embed.py --out $@ $(EMBED)
$(BUILD)/embedded: FORCE
	@$(call say_if_new,$(EMBED))

# The dashboard, inside the gateway: nothing is bundled, each file as it is and packed.
DASHBOARD := services/api-gateway/dashboard
WEB := $(sort $(shell find $(DASHBOARD) -type f))
$(GEN)/web.c: $(WEB) libcommon/base/embed.py $(BUILD)/web-files | $(DEPS_BUILD)
	@mkdir -p $(GEN); $(call say,GEN)
	$(Q)$(PY) libcommon/base/embed.py --out $@ --web $(DASHBOARD)
$(BUILD)/web-files: FORCE
	@$(call say_if_new,$(WEB))
$(BIN)/api-gateway: $(GEN)/web.o

$(GEN)/%.o: $(GEN)/%.c $(BUILD)/flags
	@$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c $(BUILD)/flags | $(GEN)/store_gen.h
	@mkdir -p $(@D); $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# --- tests -----------------------------------------------------------------------------------
# One program per module; what several share stands beside them in files not named test_*.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_SHARED := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
$(UNIT_SRC:%.c=$(BUILD)/%.o) $(UNIT_SHARED): | $(DEPS_CHECK)
$(UNIT_BIN): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(UNIT_SHARED) $(BUILD)/libbelfry.a
	@mkdir -p $(@D); $(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(BUILD)/libbelfry.a $(LIBS) -lcmocka
# Modules of services that a unit test looks into.
$(BUILD)/tests/test_sim_carrier: $(BUILD)/services/dialer-sim/carrier.o
$(BUILD)/tests/test_sip_sdp: $(BUILD)/services/dialer-sip/sdp.o
CLI_PARTS := $(addprefix $(BUILD)/services/belfry/,again.o bar.o options.o problem.o session.o \
	sse.o table.o text.o user.o view.o)
$(filter $(BUILD)/tests/test_belfry_%,$(UNIT_BIN)): $(CLI_PARTS)
unit-tests: $(UNIT_BIN)

# A fuzz target is linked with a main() that replays files, or, under MODE=fuzz, with libFuzzer's.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(BUILD)/tests/fuzz/replay.o)
$(BUILD)/fuzz/fuzz_belfry_cli: $(CLI_PARTS)
$(BUILD)/fuzz/fuzz_import_rows: $(BUILD)/services/api-gateway/import_rows.o
$(FUZZ_BIN): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(BUILD)/libbelfry.a
	@mkdir -p $(@D); $(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(BUILD)/libbelfry.a $(LIBS)
fuzz-replays: $(FUZZ_BIN)

TEST_ARGS = --build $(BUILD) --bin $(BIN)
check: all unit-tests fuzz-replays | $(DEPS_CHECK)
	@$(PY) tests/run $(TEST_ARGS) $(UNIT_BIN) $(FUZZ_BIN) $(wildcard tests/lint/*.sh) \
		$(wildcard tests/system/test_*.py)

# `make test-NAME` runs one of them: test-str, test-dispatcher (a unit or a system test).
test-%: all $$(filter $(BUILD)/tests/test_$$*,$$(UNIT_BIN)) | $(DEPS_CHECK)
	@$(PY) tests/run $(TEST_ARGS) $(filter %/test_$*,$(UNIT_BIN)) \
		$(wildcard tests/system/test_$*.py)

lint: $(BUILD)/libbelfry.a all | $(DEPS_CHECK)
	@$(PY) tests/run $(TEST_ARGS) $(wildcard tests/lint/*.sh)

format: | $(DEPS_CHECK)
	clang-format-14 -i $(wildcard libcommon/*/*.[ch] services/*/*.[ch] tests/*/*.[ch])

coverage: | $(DEPS_CHECK)
	$(MAKE) MODE=cov unit-tests
	tests/coverage.sh build/cov

fuzz: | $(DEPS_FUZZ)
	$(MAKE) MODE=fuzz CC=clang fuzz-replays
	tests/fuzz/run.sh build/fuzz/fuzz $(FUZZ_SECONDS)

# What the benchmarks drive the product with. `make bench BENCH=life` runs one of them;
# BENCH_SCALE=0.1 in the environment makes all of it small.
BENCH_SRC := $(wildcard tests/bench/*.c)
BENCH_BIN := $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%)
$(BENCH_BIN): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libbelfry.a
	@mkdir -p $(@D); $(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

bench: all $(BENCH_BIN) | $(DEPS_RUN) $(DEPS_CHECK)
	@$(PY) tests/bench/run --bin $(BIN) --tools $(BUILD)/bench $(BENCH)

# The rights of the gateway's role, from its statements (proto/roles/gateway.sql).
rights: all | $(DEPS_RUN) $(DEPS_CHECK)
	BELFRY_BIN=$(abspath $(BIN)) $(PY) tests/system/rights.py
	$(MAKE) all # belfry-admin carries the file

storm: all | $(DEPS_RUN)
	BELFRY_BIN=$(abspath $(BIN)) $(PY) tests/system/storm.py

containers:
	@$(PY) tests/containers.py

pgbouncer: all | $(DEPS_RUN) $(DEPS_CHECK)
	BELFRY_BIN=$(abspath $(BIN)) $(PY) tests/system/pgbouncer.py

run: all | $(DEPS_RUN)
	@BELFRY_BIN=$(abspath $(BIN)) $(PY) deploy/local/demo.py

deps:
	deploy/deps.sh check

clean:
	rm -rf build

help:
	@echo 'make             build the release into build/bin'
	@echo 'make MODE=asan   the same with AddressSanitizer and UBSan into build/asan/bin; also dev, cov'
	@echo 'make run         the whole stack on this machine and a demonstration; Ctrl-C ends it'
	@echo 'make check       lint, unit tests, replays of fuzz inputs, system tests'
	@echo 'make test-NAME   one unit or system test'
	@echo 'make lint        style, floors, purity, static analysis'
	@echo 'make format      clang-format over all of it'
	@echo 'make coverage    line coverage of the pure modules'
	@echo 'make fuzz        each fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make bench       figures: lateness, rate, throughput, beside the floor; BENCH=NAME for one'
	@echo 'make rights      proto/roles/gateway.sql anew, after a change of the gateway'\''s statements'
	@echo 'make pgbouncer   Postgres behind PgBouncer: a failover, processes killed'
	@echo 'make storm       the long run of random kills and stops'
	@echo 'make containers  docker-compose.yml tried for real; needs Docker'
	@echo 'make deps        install the Debian packages that all this needs'
	@echo 'make clean       remove build/'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
FORCE:
.PHONY: all bench check clean containers coverage deps format fuzz fuzz-replays help lint pgbouncer rights \
	run storm unit-tests FORCE
.SECONDARY:
.DELETE_ON_ERROR:
