# stoke: one hand-written Makefile. `make help` lists the targets.
MODE   ?= release
CC     ?= cc
PREFIX ?= /usr/local
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
BUILD  := build/$(MODE)
say     = @printf '  %-8s %s\n' '$(1)' '$(2)' >&2

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# ---- what this machine has: found once by compiling, kept in build/features.mk
FEATURES := ZSTD IBERTY HWLOC VTERM CAPSTONE CMOCKA JSONC PROTOBUFC CURL
ifneq ($(filter-out help clean layers format setup,$(or $(MAKECMDGOALS),all)),)
-include build/features.mk
endif
FEATURE_FLAGS := -DHAVE_ZSTD=$(or $(HAVE_ZSTD),0) -DHAVE_IBERTY=$(or $(HAVE_IBERTY),0) \
	-DHAVE_HWLOC=$(or $(HAVE_HWLOC),0) -DHAVE_JSONC=$(or $(HAVE_JSONC),0) \
	-DHAVE_PROTOBUFC=$(or $(HAVE_PROTOBUFC),0) -DHAVE_CURL=$(or $(HAVE_CURL),0) \
	-DHAVE_VTERM=$(or $(HAVE_VTERM),0) -DHAVE_CAPSTONE=$(or $(HAVE_CAPSTONE),0)
# what protoc-c writes; empty without it
GENERATED := $(if $(filter 1,$(HAVE_PROTOBUFC)),$(BUILD)/sampler/profile.pb-c.c)

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
LIBS := -lncursesw -ltinfo -lunwind-$(ARCH:riscv64=riscv) -lunwind -ldw -lelf -lz -lm -lpthread \
	$(if $(filter 1,$(HAVE_ZSTD)),-lzstd) $(if $(filter 1,$(HAVE_IBERTY)),-liberty) \
	$(if $(filter 1,$(HAVE_VTERM)),-lvterm) \
	$(if $(filter 1,$(HAVE_HWLOC)),-lhwloc) $(if $(filter 1,$(HAVE_JSONC)),-ljson-c) \
	$(if $(GENERATED),-lprotobuf-c)

# ---- flags
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wformat=2 -Wwrite-strings -Wno-psabi $(if $(CI),-Werror)
MODE_FLAGS_release := -O2 -g
MODE_FLAGS_debug   := -O0 -g3
# lines and functions, which is what sanitizers tell; variables would double what is linked
MODE_FLAGS_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
MODE_FLAGS_tsan    := -O1 -g1 -fsanitize=thread
CFLAGS      ?=
ALL_CFLAGS  := -std=c17 -D_GNU_SOURCE -I. -I$(BUILD) $(WARNINGS) $(MODE_FLAGS_$(MODE)) $(FEATURE_FLAGS) \
	$(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS := $(filter -fsanitize%,$(MODE_FLAGS_$(MODE))) $(if $(filter asan tsan,$(MODE)),$(LINKER)) $(LDFLAGS)
# what is linked for tests alone, by the fastest linker there is (tests/features.sh)
TEST_LDFLAGS := $(LINKER) $(ALL_LDFLAGS)

# ---- sources: by folder; a file's name registers it
DIRS    := sampler/base sampler counters gpu kernels kernels/support workloads workloads/support tui
SOURCES := $(sort $(foreach d,$(DIRS),$(filter-out $(d)/inject_%,$(wildcard $(d)/*.c))))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(GENERATED:.c=.o) $(BUILD)/registry.o $(BUILD)/groups.o $(BUILD)/explanations.o $(BUILD)/lessons.o
LIBRARY_OBJECTS := $(filter-out $(BUILD)/tui/main.o,$(OBJECTS))
FIXTURES := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/fixture*.c)))
TESTS   := $(patsubst tests/%.c,%,$(sort $(wildcard tests/test_*.c)))
FUZZERS := $(patsubst tests/%.c,%,$(sort $(wildcard tests/fuzz_*.c)))
# tests/fuzz.sh, which runs none, lists none
WORKLOADS := workloads/*.c
KERNELS   := kernels/*.c
REGISTRY_KINDS := source:*/source_*.c:sampler/source.h exporter:sampler/exporter_*.c:sampler/exporter.h \
	importer:sampler/importer_*.c:sampler/importer.h \
	view:tui/view_*.c:tui/view.h command:tui/command_*.c:tui/command.h \
	workload:$(WORKLOADS):workloads/workload.h kernel:$(KERNELS):kernels/kernel.h

# what -fsanitize=thread stands for otherwise cannot be there twice
MODEL := $(if $(filter release debug,$(MODE)),$(addprefix $(BUILD)/,stoke-model libstoke-model.a libstoke-model.so))

# the CUDA kernels, where there is a compiler for them
CUDA := $(if $(NVCC),$(BUILD)/libstoke-cuda.so)

all: $(BUILD)/stoke $(BUILD)/libstoke-cupti.so $(BUILD)/libstoke-timer.so $(MODEL) $(CUDA)  ## build stoke into build/$(MODE)/

objects: $(OBJECTS)

$(BUILD)/stoke: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# what goes into others' programs
PLAIN_CFLAGS := $(filter-out -O0 -O1 -fsanitize% -fno-sanitize%,$(ALL_CFLAGS))

# injected into CUDA programs; without sanitizers, which those programs know nothing of; never
# unloaded, because a thread of it may listen
INJECTED := $(sort $(wildcard gpu/inject_*.c)) sampler/base/library.c sampler/base/why.c
$(BUILD)/libstoke-cupti.so: $(INJECTED) $(wildcard gpu/*.h) $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(filter-out -fsanitize% -fno-sanitize%,$(ALL_CFLAGS)) -fPIC -shared \
		-fvisibility=hidden -Wl,-z,nodelete -o $@ $(INJECTED) -lunwind -lpthread

# preloaded into programs; its own functions leave no frame below theirs, so always optimized
TIMER := $(sort $(wildcard sampler/inject_timer*.c)) sampler/timer_memory.c sampler/base/why.c
$(BUILD)/libstoke-timer.so: $(TIMER) $(wildcard sampler/*.h sampler/base/*.h) $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(PLAIN_CFLAGS) -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,nodelete -o $@ $(TIMER) -lpthread

# The CUDA kernels: code for sm_80 and sm_90, and PTX for what comes after; the runtime is inside.
# Compiled once for all modes. And the same sources by a C++ compiler, for tests without a GPU.
CUDA_SOURCES := $(sort $(wildcard kernels/cuda/*.cu))
CUDA_HEADERS := $(wildcard kernels/cuda/*.cuh kernels/cuda/*.h) kernels/support/gemm_task.h \
	kernels/support/rows_task.h kernels/support/gemv_weights.h kernels/support/tensor_tasks.h
NVCC_FLAGS := -std=c++17 -O3 -lineinfo -I. -gencode arch=compute_80,code=sm_80 \
	-Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra $(if $(CI),-Werror all-warnings)
NVCC_LAST := -gencode arch=compute_90,code=[sm_90,compute_90]
# instructions that only sm_90a has
build/cuda/kernels/cuda/ceiling_hopper.o: NVCC_LAST := -gencode arch=compute_90a,code=sm_90a \
	-gencode arch=compute_90,code=compute_90
build/cuda/%.o: %.cu $(CUDA_HEADERS) build/features.mk
	$(call say,NVCC,$<)
	$(Q)mkdir -p $(@D) && $(filter ccache,$(CC)) $(NVCC) $(NVCC_FLAGS) $(NVCC_LAST) -c -o $@ $<
$(BUILD)/libstoke-cuda.so: $(CUDA_SOURCES:%.cu=build/cuda/%.o)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(NVCC) -shared -o $@ $^
EMULATED := $(CUDA_SOURCES:%.cu=$(BUILD)/emulated/%.o) $(BUILD)/emulated/tests/cuda_emulation.o
EMULATED_FLAGS = -std=c++17 -I. -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-strict-aliasing -Wall -Wextra \
	-Wno-unknown-pragmas $(if $(CI),-Werror) $(filter-out %=thread,$(MODE_FLAGS_$(MODE)))
$(BUILD)/emulated/%.o: %.cu $(CUDA_HEADERS) tests/cuda_emulation.hpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(CXX) -x c++ -include tests/cuda_emulation.hpp $(EMULATED_FLAGS) -c -o $@ $<
$(BUILD)/emulated/%.o: %.cpp tests/cuda_emulation.hpp tests/mock_script.h $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(CXX) $(EMULATED_FLAGS) -c -o $@ $<
$(BUILD)/tests/libstoke-cuda-emulated.so: $(EMULATED)
	$(Q)mkdir -p $(@D) && $(CXX) -shared -o $@ $^

# The cache model: the run-time library that code compiled with -fsanitize=thread calls, which is
# itself compiled without, and must not call itself (no builtins); one object without names that
# could meet the program's. Then the workloads again, so compiled and linked with it.
MODEL_SOURCES := $(sort $(wildcard counters/inject_model*.c)) counters/cache_geometry.c \
	counters/cache_machine.c counters/cache_model.c counters/cache_model_open.c \
	counters/cache_plain.c counters/cache_sets.c counters/cache_tlb.c counters/model_memory.c \
	sampler/base/why.c sampler/base/text.c
MODEL_OBJECTS := $(MODEL_SOURCES:%.c=$(BUILD)/model-library/%.o)
MODEL_PROGRAM := $(patsubst %.c,$(BUILD)/model/%.o,$(foreach d,sampler/base kernels kernels/support \
	workloads workloads/support,$(sort $(wildcard $(d)/*.c))) tui/inject_main.c) \
	$(BUILD)/model/registry.o
MODEL_CFLAGS := -O2 -g -fsanitize=thread -Icounters/model
$(BUILD)/model-library/%.o: %.c $(BUILD)/flags
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(PLAIN_CFLAGS) -O2 -fPIC -fno-builtin -fvisibility=hidden \
		-fno-tree-loop-distribute-patterns -fno-tree-slp-vectorize -MMD -MP -c -o $@ $<
$(BUILD)/libstoke-model.a: $(MODEL_OBJECTS)
	$(call say,LINK,$@)
	$(Q)ld -r -o $(BUILD)/model-library/whole.o $^ && objcopy --localize-hidden \
		$(BUILD)/model-library/whole.o && rm -f $@ && ar rcs $@ $(BUILD)/model-library/whole.o
$(BUILD)/libstoke-model.so: $(MODEL_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -o $@ $^ -lm -lpthread
$(BUILD)/model/registry.o: $(BUILD)/model/registry.c
	$(Q)$(CC) $(PLAIN_CFLAGS) -c -o $@ $<
$(BUILD)/model/registry.c: FORCE
	$(Q)mkdir -p $(@D); tests/registry.sh $(foreach k,$(filter workload:% kernel:%,$(REGISTRY_KINDS)),'$(k)') \
		> $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(BUILD)/model/%.o: %.c $(BUILD)/flags
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(PLAIN_CFLAGS) $(MODEL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/stoke-model: $(MODEL_PROGRAM) $(BUILD)/libstoke-model.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm -lpthread

$(BUILD)/%.o: %.c $(BUILD)/flags | $(GENERATED)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Under every sample of a built-in workload lies its whole stack, and 16 KiB of that are copied.
$(BUILD)/kernels/%.o $(BUILD)/workloads/%.o: private ALL_CFLAGS += $(if $(filter release,$(MODE)),-Wframe-larger-than=8192)
# BULK_CFLAGS: for what tests/fuzz.sh hardly enters.
$(BUILD)/kernels/%.o $(BUILD)/workloads/%.o $(BUILD)/tui/%.o: private ALL_CFLAGS += $(BULK_CFLAGS)

$(BUILD)/registry.o $(BUILD)/groups.o $(BUILD)/explanations.o $(BUILD)/lessons.o $(GENERATED:.c=.o): %.o: %.c $(BUILD)/flags
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(GENERATED): $(BUILD)/%.pb-c.c: %.proto
	$(call say,PROTOC,$<)
	$(Q)mkdir -p $(@D) && protoc-c --c_out=$(BUILD) $<

$(BUILD)/groups.c: FORCE
	$(Q)mkdir -p $(@D); tests/embed.sh counters/groups.h group_text group_texts \
		$(sort $(wildcard counters/groups/*.txt)) > $@.new; \
		if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/explanations.c: FORCE
	$(Q)mkdir -p $(@D); tests/embed.sh tui/explain.h explain_text explain_texts \
		$(sort $(wildcard tui/explain/*.txt)) > $@.new; \
		if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/lessons.c: FORCE
	$(Q)mkdir -p $(@D); tests/embed.sh tui/lesson.h lesson_text lesson_texts \
		$(sort $(wildcard tui/lessons/*.txt)) > $@.new; \
		if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/registry.c: FORCE
	$(Q)mkdir -p $(@D); tests/registry.sh $(foreach k,$(REGISTRY_KINDS),'$(k)') > $@.new; \
		if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/flags: FORCE
	$(Q)mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

build/features.mk: tests/features.sh
	$(Q)mkdir -p build && tests/features.sh '$(CC) $(CPPFLAGS)' '$(LDFLAGS)' > $@.new && mv $@.new $@

# one job a CPU where nobody has said how many
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- tests; json-c reads back what is written
TEST_LIBS := -lcmocka -ljson-c
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(FIXTURES) $(LIBRARY_OBJECTS)
	$(Q)$(CC) $(TEST_LDFLAGS) -o $@ $^ $(LIBS) $(TEST_LIBS)

$(addprefix $(BUILD)/tests/test_,attach_gpu attach_peers cupti cupti_records nvtx stalls): $(patsubst %.c,$(BUILD)/%.o,$(wildcard gpu/inject_*.c))
$(BUILD)/tests/bench_%: $(BUILD)/tests/bench_%.o $(FIXTURES) $(LIBRARY_OBJECTS)
	$(Q)$(CC) $(TEST_LDFLAGS) -o $@ $^ $(LIBS) $(TEST_LIBS)

$(BUILD)/tests/test_timer: | $(BUILD)/libstoke-timer.so

# libraries that stand in for the driver's; a soname is what they are found by
SONAME_mock_nvml := libnvidia-ml.so.1
SONAME_mock_cupti := libcupti.so.13
SONAME_mock_cupti_pm := libcupti.so.13
SONAME_mock_cuda := libcuda.so.1
MOCKS := $(patsubst tests/%.c,$(BUILD)/tests/%.so,$(sort $(wildcard tests/mock_*.c)))
$(BUILD)/tests/mock_%.so: tests/mock_%.c tests/mock_script.h $(wildcard gpu/cupti*.h) $(BUILD)/flags
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -fsanitize% -fno-sanitize%,$(ALL_CFLAGS)) -fPIC -shared \
		-fvisibility=hidden -Wl,-soname,$(SONAME_mock_$*) -o $@ $< -lpthread
$(TESTS:%=$(BUILD)/tests/%): | $(MOCKS)
$(patsubst %,$(BUILD)/tests/%,$(filter test_cuda%,$(TESTS))): | $(BUILD)/tests/libstoke-cuda-emulated.so

# one unit test: make test_tree
$(TESTS): test_%: $(BUILD)/tests/test_%
	$(Q)$<

unit: $(TESTS:%=$(BUILD)/tests/%)  ## build and run the unit tests only
	$(Q)tests/unit.sh $^

run:  ## show a built-in workload live (installs what is missing, builds, goes)
	$(Q)tests/setup.sh >&2 && $(MAKE) --no-print-directory $(JOBS) all >&2 && $(BUILD)/stoke run

test:  ## run all tests (installs what is missing, builds, goes)
	$(Q)tests/setup.sh >&2 && $(MAKE) --no-print-directory $(JOBS) all && tests/all.sh $(BUILD)

setup:  ## install what is missing with the system's package manager
	$(Q)tests/setup.sh

layers:  ## check that includes go one way
	$(Q)tests/layers.sh

lint: compile_commands.json  ## formatting, clang-tidy, sizes, shell scripts
	$(Q)tests/lint.sh

format:  ## format all sources
	$(Q)clang-format -i $$(git ls-files '*.[ch]')

fuzz:  ## run every fuzz target for SECONDS seconds (20)
	$(Q)tests/fuzz.sh $(or $(SECONDS),20) $(FUZZERS)

test-pmu: all  ## count and sample in guests with a PMU (emulated; needs QEMU and the network)
	$(Q)STOKE_SETUP=pmu tests/setup.sh && $(MAKE) --no-print-directory build/features.mk && \
		tests/pmu/test.sh $(BUILD)/stoke

bench: all $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench_*.c))  ## measure beside perf
	$(Q)for b in $(wildcard tests/bench/*.sh); do $$b $(BUILD)/stoke || exit 1; done
	$(Q)for b in $(filter $(BUILD)/tests/%,$^); do $$b || exit 1; done

pictures: all  ## draw the README's pictures anew, from recordings made here
	$(Q)tests/pictures.sh $(BUILD)/stoke

compile_commands.json compdb: build/features.mk $(GENERATED) FORCE
	$(Q)tests/compdb.sh '$(CC) $(ALL_CFLAGS)' $(SOURCES) $(wildcard */inject_*.c) > compile_commands.json

libs: build/features.mk # what programs are linked with; for tests/fuzz.sh
	@echo $(LIBS)

features: build/features.mk  ## show the optional libraries found
	$(Q)cat build/features.mk

install: all  ## install to $(DESTDIR)$(PREFIX)
	$(Q)install -D $(BUILD)/stoke $(DESTDIR)$(PREFIX)/bin/stoke
	$(Q)install -D $(BUILD)/libstoke-cupti.so $(DESTDIR)$(PREFIX)/lib/stoke/libstoke-cupti.so
	$(Q)install -D $(BUILD)/libstoke-timer.so $(DESTDIR)$(PREFIX)/lib/stoke/libstoke-timer.so
	$(Q)[ -z "$(CUDA)" ] || install -D $(CUDA) $(DESTDIR)$(PREFIX)/lib/stoke/libstoke-cuda.so
	$(Q)install -D -m 644 sampler/base/probe.h $(DESTDIR)$(PREFIX)/include/stoke/sampler/base/probe.h
	$(Q)install -m 644 sampler/base/shared_ring.h $(DESTDIR)$(PREFIX)/include/stoke/sampler/base/
	$(Q)[ -z "$(MODEL)" ] || { install $(BUILD)/stoke-model $(DESTDIR)$(PREFIX)/bin/stoke-model && \
		install -m 644 $(filter %.a %.so,$(MODEL)) $(DESTDIR)$(PREFIX)/lib/stoke/ && \
		install -d $(DESTDIR)$(PREFIX)/lib/stoke/model && \
		install -m 644 counters/model/*.h $(DESTDIR)$(PREFIX)/lib/stoke/model/; }
	$(Q)mkdir -p $(DESTDIR)$(PREFIX)/share/man/man1
	$(Q)$(BUILD)/stoke help --man > $(DESTDIR)$(PREFIX)/share/man/man1/stoke.1

uninstall:  ## remove what install put there
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/bin/stoke $(DESTDIR)$(PREFIX)/bin/stoke-model \
		$(DESTDIR)$(PREFIX)/lib/stoke $(DESTDIR)$(PREFIX)/include/stoke \
		$(DESTDIR)$(PREFIX)/share/man/man1/stoke.1

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n",$$1,$$2}' Makefile

clean:  ## remove what was built
	$(Q)rm -rf build compile_commands.json

FORCE:
.PHONY: all objects unit run test test-pmu setup layers lint format fuzz bench compdb libs features install \
	uninstall help clean FORCE $(TESTS)
-include $(OBJECTS:.o=.d) $(FIXTURES:.o=.d) $(MODEL_OBJECTS:.o=.d) $(MODEL_PROGRAM:.o=.d) $(wildcard $(BUILD)/tests/*.d)
