# stoke: one hand-written Makefile. `make help` lists the targets.
MODE   ?= release
CC     ?= cc
PREFIX ?= /usr/local
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
BUILD  := build/$(MODE)
say     = @printf '  %-8s %s\n' '$(1)' '$(2)'

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# ---- what this machine has (probed once; `make features` prints it)
probe  = $(shell printf '\043include <stdio.h>\n\043include <$(1)>\nint main(void){return 0;}\n' | \
	$(CC) $(CPPFLAGS) -xc - $(LDFLAGS) $(2) -o /dev/null 2>/dev/null && echo 1 || echo 0)
HAVE_ZSTD     := $(call probe,zstd.h,-lzstd)
HAVE_IBERTY   := $(call probe,libiberty/demangle.h,-liberty)
FEATURES      := HAVE_ZSTD HAVE_IBERTY
FEATURE_FLAGS := $(foreach f,$(FEATURES),-D$(f)=$($(f)))

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
LIBUNWIND_ARCH := $(if $(filter aarch64,$(ARCH)),aarch64,x86_64)
LIBS := -lncursesw -ltinfo -lunwind-$(LIBUNWIND_ARCH) -lunwind -ldw -lelf -lpfm -lz -lm -lpthread -ldl \
	$(if $(filter 1,$(HAVE_ZSTD)),-lzstd) $(if $(filter 1,$(HAVE_IBERTY)),-liberty)

# ---- flags
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wformat=2 -Wwrite-strings $(if $(CI),-Werror)
MODE_FLAGS_release := -O2 -g
MODE_FLAGS_debug   := -O0 -g3
MODE_FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_FLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS     ?=
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -I. $(WARNINGS) $(MODE_FLAGS_$(MODE)) $(FEATURE_FLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS := $(filter -fsanitize%,$(MODE_FLAGS_$(MODE))) $(LDFLAGS)

# ---- sources: by folder; a file's name registers it
DIRS    := sampler/base sampler counters gpu kernels kernels/support workloads workloads/support tui
SOURCES := $(filter-out %/inject_%,$(sort $(foreach d,$(DIRS),$(wildcard $(d)/*.c))))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/registry.o
LIBRARY_OBJECTS := $(filter-out $(BUILD)/tui/main.o,$(OBJECTS))
TESTS   := $(patsubst tests/%.c,%,$(sort $(wildcard tests/test_*.c)))
REGISTRY_KINDS := source:*/source_*.c:sampler/source.h exporter:sampler/exporter_*.c:sampler/exporter.h \
	view:tui/view_*.c:tui/view.h command:tui/command_*.c:tui/command.h \
	workload:workloads/*.c:workloads/workload.h kernel:kernels/*.c:kernels/kernel.h

all: $(BUILD)/stoke  ## build stoke into build/$(MODE)/

objects: $(OBJECTS)

$(BUILD)/stoke: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/registry.o: $(BUILD)/registry.c $(BUILD)/flags
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/registry.c: FORCE
	$(Q)mkdir -p $(@D); tests/registry.sh $(foreach k,$(REGISTRY_KINDS),'$(k)') > $@.new; \
		cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/flags: FORCE
	$(Q)mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(LIBRARY_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# one unit test: make test_tree
$(TESTS): test_%: $(BUILD)/tests/test_%
	$(Q)$<

unit: $(TESTS:%=$(BUILD)/tests/%)  ## build and run the unit tests only
	$(Q)for t in $^; do $$t || exit 1; done

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

clean:  ## remove what was built
	$(Q)rm -rf build

FORCE:
.PHONY: all objects help clean unit FORCE $(TESTS)
-include $(OBJECTS:.o=.d) $(TESTS:%=$(BUILD)/tests/%.d)
