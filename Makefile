# Belfry's build. `make` builds the release into build/bin; `make help` lists the rest.
MODE ?= release
CC ?= gcc
BUILD ?= build/$(MODE)
BIN ?= $(if $(filter release,$(MODE)),build/bin,$(BUILD)/bin)
PY ?= /usr/bin/python3

SERVICES := api-gateway scheduler dispatcher webhook-sender dialer-sim belfry-admin
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

GEN := $(BUILD)/gen
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE $(WARN) -fno-common -fno-strict-aliasing $(MODE_$(MODE)) \
	-Ilibcommon -I$(GEN) $(shell pkg-config --cflags $(PKGS))
LIBS = $(shell pkg-config --libs $(PKGS))

LIB_SRC := $(wildcard libcommon/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
QUERIES := $(sort $(wildcard libcommon/store/queries/*.sql))

all: $(SERVICES:%=$(BIN)/%)

.SECONDEXPANSION:
$(SERVICES:%=$(BIN)/%): $(BIN)/%: $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard services/%/*.c)) \
		$(BUILD)/libbelfry.a
	@mkdir -p $(@D)
	$(CC) $(LD_$(MODE)) -o $@ $(filter %.o,$^) $(BUILD)/libbelfry.a $(LIBS)

$(BUILD)/libbelfry.a: $(LIB_OBJ) $(BUILD)/gen/store_gen.o $(BUILD)/gen/embed.o
	@rm -f $@
	ar rcs $@ $^

# --- generated: one typed C function per .sql file; schema, Lua and lists embedded -------------
$(GEN)/store_gen.h $(GEN)/store_gen.c &: $(QUERIES) libcommon/store/gen.py
	@mkdir -p $(GEN)
	$(PY) libcommon/store/gen.py --out $(GEN) $(QUERIES)

EMBED := $(sort $(wildcard proto/schema/*.sql proto/lua/*.lua)) libcommon/sys/settings_known.txt \
	$(wildcard proto/openapi.yaml)
$(GEN)/embed.c: $(EMBED) libcommon/base/embed.py
	@mkdir -p $(GEN)
	$(PY) libcommon/base/embed.py --out $@ $(EMBED)

$(GEN)/%.o: $(GEN)/%.c
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c | $(GEN)/store_gen.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# --- unit tests ------------------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
$(UNIT_BIN): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libbelfry.a
	@mkdir -p $(@D)
	$(CC) $(LD_$(MODE)) -o $@ $^ $(LIBS) -lcmocka
unit-tests: $(UNIT_BIN)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all clean unit-tests
.SECONDARY:
