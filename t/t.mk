# For work on the module itself:
#
# make lint     compilers' warnings, cppcheck, nginx's style, the order of rooms,
#               and that docs/ has each directive and each message
# make sanitize runs the tests with ASan and UBSan in the module
# make sanitize-nginx KIND=address or thread: in an nginx that has them, too
# make stalls   what holds the event loop, and for how long; BOUND=ms
# make stress   mixed load, aborts, reloads, kills: nothing is lost; TIME=60
# make slow-reader  memory while a client reads 10 MB of a stream a second;
#               SIZE=1024 RATE=10, in MB
# make fuzz     libFuzzer on all that reads input; TIME=60 each
# make test-first  a bare root, and an account that is not root, has an own
#               function answering within a minute; RELEASE=trixie; as root
# make dist     the release, as a tar in build/
# make deb      Debian packages, built and tried in bare roots, into build/deb/;
#               RELEASES="bookworm trixie forky"; as root
# make matrix   the tests in minimal roots of Debian 12, 13 and forky; as root
# make bench    against the peers that Debian has; FULL=1 takes longer;
#               NAMES=jobs some parts of it, NAMES=streams with the FastAPI of
#               Debian forky, as root
# make instructions that a request takes, as valgrind counts them
# make test-lab the pages in a real browser: status, jobs, streams, the lab,
#               docs, who operates jobs

KIND          = address
TIME          = 60
SIZE          = 1024
RATE          = 10

TEST_NEEDS    = $(RUN_NEEDS) g++ perl libtest-base-perl libtest-longstring-perl \
                liblist-moreutils-perl libhttp-message-perl libipc-run-perl \
                nghttp2-client openssl procps iproute2 strace pkgconf vim \
                $(TASK_NEEDS) \
                $(SERVER_NEEDS) python3-prometheus-client prometheus
LINT_NEEDS    = $(BUILD_NEEDS) g++ clang cppcheck perl
BENCH_NEEDS   = $(SERVER_NEEDS) python3-asyncpg perl valgrind wrk \
                nghttp2-client util-linux python3 python3-matplotlib \
                libnginx-mod-http-echo libnginx-mod-http-lua \
                libnginx-mod-http-js python3-fastapi uvicorn python3-uvloop \
                python3-httptools python3-multipart python3-celery python3-rq \
                python3-hiredis

# when the recipe runs: nginx's Makefile is made by then

NGX_INCLUDES  = $$(sh util/includes.sh $(NGX_SRC) $(OBJ))

# the room that is plain C: linked as it is

TEXT_C       := $(wildcard src/text/*.c)
TEXT_LIBS     = -lcjson -lm -lpthread

# t/120-library.t compiles broken.c itself, in many ways

TEST_TASKS   := $(patsubst t/tasks/%.c,$(BUILD)/tasks/test/%.so,\
                $(filter-out %/broken.c,$(wildcard t/tasks/*.c)))
UNITS        := $(patsubst t/unit/%.c,$(BUILD)/unit/%,\
                $(wildcard t/unit/*/*.c t/unit/*/*/*.c))
TEST_BUILDS   = tasks $(TEST_TASKS) $(UNITS)


.PHONY: lint sanitize sanitize-nginx stalls stress slow-reader fuzz matrix bench \
        instructions test-lab test-first dist deb

$(BUILD)/tasks/test/%.so: t/tasks/%.c src/ngx_task.h
	@mkdir -p $(@D)
	@$(TASK_CC) -o $@.new $< -lcjson && mv $@.new $@

# drivers of a few files of the module, which they include; t/unit/ has the
# rooms of src/.  Those of the room that is plain C see no header of nginx.
# Where no process is killed, a sanitizer looks on.

UNIT_SANE     = -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(BUILD)/unit/%: UNIT_FLAGS = -D_GNU_SOURCE $(NGX_INCLUDES)
$(BUILD)/unit/base/% $(BUILD)/unit/run/% $(BUILD)/unit/jobs/store/job_room \
    $(BUILD)/unit/jobs/store/journal $(BUILD)/unit/jobs/store/journal_disk: \
    UNIT_FLAGS = -D_GNU_SOURCE $(NGX_INCLUDES) $(UNIT_SANE)
$(BUILD)/unit/text/%: UNIT_FLAGS = -Isrc $(UNIT_SANE)

$(UNITS): $(BUILD)/unit/%: t/unit/%.c $(wildcard t/lib/*.h) $(C_FILES) \
    $(H_FILES) $(OBJ)/Makefile
	@mkdir -p $(@D)
	@gcc -g -O2 -Wall $(UNIT_FLAGS) -I t/lib -o $@ $< $(TEXT_C) $(TEXT_LIBS)

# the module with other flags: with ASan and UBSan, in Debian's nginx as it is;
# the same, with a store of jobs that answers late; and with allocations that
# fail, for t/170-alloc.t

ASAN_MODULE  := $(BUILD)/asan/ngx_http_task_module.so
LATE_MODULE  := $(BUILD)/late/ngx_http_task_module.so
FAIL_MODULE  := $(BUILD)/fail/ngx_http_task_module.so

ASAN_FLAGS    = -fno-omit-frame-pointer -fsanitize=address,undefined \
                -fno-sanitize-recover=undefined

$(ASAN_MODULE): FLAGS = $(ASAN_FLAGS)
$(LATE_MODULE): FLAGS = $(ASAN_FLAGS) t/lib/late.c \
                        -Wl,--wrap=ngx_http_task_job_store
$(FAIL_MODULE): FLAGS = -include t/lib/fail.h t/lib/fail.c
$(LATE_MODULE): t/lib/late.c
$(FAIL_MODULE): t/lib/fail.h t/lib/fail.c

$(ASAN_MODULE) $(LATE_MODULE) $(FAIL_MODULE): $(MODULE)
	@echo "building $(@:$(BUILD)/%=%)"
	@sh util/module.sh $(NGX_SRC) $(OBJ) $@ $(FLAGS)

# the module for Redis, likewise; in one of them its own allocations fail

ASAN_REDIS   := $(BUILD)/asan/ngx_http_task_redis_module.so
FAIL_REDIS   := $(BUILD)/fail/ngx_http_task_redis_module.so

$(ASAN_REDIS): FLAGS = $(ASAN_FLAGS)
$(FAIL_REDIS): FLAGS = -include t/lib/fail.h -include t/lib/fail_malloc.h \
                       t/lib/fail.c -lcjson
$(FAIL_REDIS): t/lib/fail.h t/lib/fail_malloc.h t/lib/fail.c

$(ASAN_REDIS) $(FAIL_REDIS): $(MODULE)
	@[ ! -f $(REDIS_MODULE) ] || { echo "building $(@:$(BUILD)/%=%)"; \
	    sh util/module.sh $(NGX_SRC) $(OBJ) $@ $(FLAGS); }

LINT_FLAGS    = -fsyntax-only -W -Wall -Wpointer-arith -Wno-unused-parameter \
                -Werror $(WARNINGS)

lint:
	@$(PACKAGES) check $(LINT_NEEDS)
	@$(MAKE) -s build
	@for cc in gcc clang; do echo "$$cc"; \
	    for f in $(C_FILES); do $$cc $(LINT_FLAGS) $(NGX_INCLUDES) $$f; done; \
	done
	@echo "ngx_task.h, gcc and clang, C99 and C++"
	@for cc in "gcc -std=c99 -x c" "clang -std=c99 -x c" "g++ -x c++" \
	    "clang++ -x c++"; do $$cc -fsyntax-only -Wall -Wextra -pedantic \
	    -Werror src/ngx_task.h -include stddef.h 2>&1 | \
	    { ! grep -v 'pragma once'; }; done
	@echo "cppcheck"
	@cppcheck --quiet --std=c99 --error-exitcode=1 --inline-suppr \
	    --enable=warning,portability,performance \
	    --suppress=normalCheckLevelMaxBranches src
	@echo "style"
	@perl util/style.pl $(C_FILES) $(H_FILES) conf/tasks/*.c util/first/first.c
	@echo "perl"
	@for f in util/*.pl t/*.pl t/*/*.pl; do \
	    perl -It/lib -c $$f > /dev/null 2>&1 || perl -It/lib -c $$f; done
	@echo "layers"
	@perl util/layers.pl $(OBJ) $(C_FILES) $(H_FILES)
	@echo "docs"
	@perl util/docs.pl
	@perl util/messages.pl

sanitize:
	@$(PACKAGES) install $(TEST_NEEDS)
	@sh util/test-nginx.sh $(BUILD)/perl
	@$(MAKE) -s build $(TEST_BUILDS) $(ASAN_MODULE) $(LATE_MODULE) $(ASAN_REDIS)
	@sh util/sanitize.sh $(NGINX) $(BUILD) $(ASAN_MODULE) $(LATE_MODULE) \
	    $(TESTS)

# nginx itself, of Debian's source, with a sanitizer

NGX_SOURCE   := $(BUILD)/nginx-src

sanitize-nginx:
	@$(PACKAGES) install $(TEST_NEEDS) libssl-dev libpcre2-dev zlib1g-dev
	@sh util/test-nginx.sh $(BUILD)/perl
	@sh util/nginx-source.sh $(NGX_SOURCE)
	@$(MAKE) -s build $(TEST_BUILDS)
	@sh util/sanitize-nginx.sh $(BUILD) $(KIND) $(TESTS)

$(BUILD)/turns.so: t/lib/turns.c
	@gcc -O2 -g -Wall -Wextra -shared -fPIC -o $@ $< -ldl

stalls:
	@$(PACKAGES) install $(TEST_NEEDS) util-linux
	@$(MAKE) -s build $(TEST_TASKS) $(BUILD)/turns.so
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    sh util/prove.sh $(BUILD) stalls $(BUILD)/turns.so $(BOUND)

stress:
	@$(PACKAGES) install $(TEST_NEEDS)
	@$(MAKE) -s build $(TEST_TASKS)
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    sh util/prove.sh $(BUILD) stress $(TIME)

slow-reader:
	@$(PACKAGES) install $(TEST_NEEDS)
	@$(MAKE) -s build $(TEST_TASKS)
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    sh util/prove.sh $(BUILD) slow-reader $(SIZE) $(RATE)

# plain C is linked as it is; values, with nginx's own parsers and pools

FUZZ_TEXT     = json text number field
FUZZERS       = $(FUZZ_TEXT:%=$(BUILD)/fuzz/%) $(BUILD)/fuzz/multipart \
                $(BUILD)/fuzz/value $(BUILD)/fuzz/input $(BUILD)/fuzz/journal
FUZZ_CC       = clang -g -O1 -fsanitize=fuzzer,address,undefined \
                -fno-sanitize-recover=undefined

$(FUZZ_TEXT:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: t/fuzz/text.c $(TEXT_C) \
    $(H_FILES)
	@$(FUZZ_CC) -Isrc -DFUZZ=fuzz_$* -o $@ $< $(TEXT_C) $(TEXT_LIBS)

$(BUILD)/fuzz/multipart: t/fuzz/multipart.c $(TEXT_C) $(H_FILES)
	@$(FUZZ_CC) -Isrc -o $@ $< $(TEXT_C) $(TEXT_LIBS)

$(BUILD)/fuzz/value $(BUILD)/fuzz/input: $(BUILD)/fuzz/%: t/fuzz/%.c \
    $(C_FILES) $(H_FILES) $(OBJ)/Makefile
	@$(FUZZ_CC) -fno-sanitize=pointer-overflow -DNGX_DEBUG_PALLOC=1 \
	    $$(sh util/includes.sh $(NGX_SOURCE) $(OBJ)) -o $@ $< $(TEXT_C) \
	    $(addprefix $(NGX_SOURCE)/src/,core/ngx_parse.c core/ngx_string.c \
	    core/ngx_palloc.c os/unix/ngx_alloc.c) $(TEXT_LIBS)

$(BUILD)/fuzz/journal: t/fuzz/journal.c $(wildcard t/lib/*.h) $(C_FILES) \
    $(H_FILES) $(OBJ)/Makefile
	@$(FUZZ_CC) -I t/lib $$(sh util/includes.sh $(NGX_SOURCE) $(OBJ)) -o $@ $<

fuzz:
	@$(PACKAGES) install clang libclang-rt-dev perl $(BUILD_NEEDS)
	@perl t/fuzz/corpus.pl $(BUILD)/fuzz/corpus
	@sh util/nginx-source.sh $(NGX_SOURCE)
	@$(MAKE) -s build $(FUZZERS)
	@cd $(BUILD)/fuzz && for f in $(notdir $(FUZZERS)); do \
	    echo "fuzzing $$f for $(TIME) s"; \
	    ./$$f -max_total_time=$(TIME) -max_len=1024 -print_final_stats=1 \
	        corpus/$$f > $$f.log 2>&1 || { tail -n 40 $$f.log; exit 1; }; \
	    grep number_of_executed_units $$f.log; \
	done

matrix:
	@$(PACKAGES) install debootstrap
	@sh util/matrix.sh $(BUILD) $(RELEASES)

dist:
	@sh util/dist.sh $(BUILD)

# where no root can be made it says so and passes

deb:
	@$(PACKAGES) install debootstrap iproute2 util-linux || :
	@sh util/deb.sh $(BUILD) $(RELEASES)

test-first:
	@$(PACKAGES) install debootstrap iproute2 util-linux || :
	@sh util/first-hour.sh $(BUILD) $(RELEASE)

# the limit: the least that a content handler can do

EMPTY_OBJ    := $(BUILD)/empty
EMPTY_MODULE := $(EMPTY_OBJ)/ngx_http_empty_module.so

$(EMPTY_MODULE): $(wildcard t/bench/empty/*) $(OBJ)/stamp
	@echo "building $(notdir $@)"
	@bash util/configure.sh $(NGX_SRC) $(CURDIR)/t/bench/empty $(EMPTY_OBJ) \
	    "-O2" $(NGX_CONFIGURE)
	@cd $(NGX_SRC) && $(MAKE) -s -f $(EMPTY_OBJ)/Makefile modules

$(BUILD)/bench/%: t/bench/%.c
	@mkdir -p $(@D)
	@gcc -O2 -g -Wall -Wextra -o $@ $<

bench:
	@$(PACKAGES) install $(RUN_NEEDS) $(TASK_NEEDS) $(BENCH_NEEDS)
	@$(MAKE) -s build tasks $(BUILD)/tasks/test/seccomp.so $(EMPTY_MODULE) \
	    $(BUILD)/tasks/test/stream.so $(BUILD)/tasks/test/fetch.so \
	    $(BUILD)/tasks/test/upload.so $(BUILD)/tasks/test/stamp.so \
	    $(BUILD)/bench/sink $(BUILD)/bench/source
	@TASK_NGINX=$(NGINX) TASK_MODULE=$(MODULE) TASK_EMPTY=$(EMPTY_MODULE) \
	    /usr/bin/python3 t/bench/bench.py $(NAMES)

instructions:
	@$(PACKAGES) install $(RUN_NEEDS) perl valgrind
	@$(MAKE) -s build $(EMPTY_MODULE)
	@TASK_NGINX=$(NGINX) TASK_MODULE=$(MODULE) TASK_EMPTY=$(EMPTY_MODULE) \
	    perl t/bench/instructions.pl $(NAMES)

# without a browser it says so and passes

test-lab:
	@$(PACKAGES) install $(RUN_NEEDS) $(TASK_NEEDS) perl
	@$(PACKAGES) install chromium chromium-driver || \
	    echo "no browser can be had here: the pages are not tested"
	@$(MAKE) -s build tasks
	@prove -It/lib t/lab/*.pl :: $(NGINX) "$$(sh util/user.sh conf/html/lab.js)"
