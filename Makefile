# make          builds build/ngx_http_task_module.so
# make run      serves conf/nginx.conf on 127.0.0.1:8081; CONF=async, sync,
#               thread or workers serves another one
# make lab      the four arrangements side by side, as a page to look at
# make demo     runs the four arrangements and prints what they do
# make test     runs the tests
# make test-lab the lab in a real browser
# make lint     compilers' warnings, cppcheck, nginx's style
# make sanitize runs the tests with ASan and UBSan in the module
# make sanitize-nginx KIND=address or thread: in an nginx that has them, too
# make stress   mixed load, aborts, reloads, kills: nothing may get lost; SECONDS=60
# make fuzz     libFuzzer on all that reads input; SECONDS=60 each
# make matrix   the tests in minimal roots of Debian 12, 13 and forky; as root
# make install  copies the module to where Debian's nginx looks for it
# make bench    against the peers that Debian has; FULL=1 takes longer
# make clean
#
# NGX_SRC=DIR   builds against that nginx source tree, with the arguments
#               NGX_CONFIGURE of its configure, instead of Debian's nginx-dev

SHELL         = /bin/bash
.SHELLFLAGS   = -eu -o pipefail -c

DEBIAN_SRC    = /usr/share/nginx/src
NGX_SRC       = $(DEBIAN_SRC)
NGX_CONFIGURE = --with-compat --with-threads --with-debug

# on Debian it may be installed only while make runs

NGINX        := $(if $(shell command -v dpkg-query),/usr/sbin/nginx,nginx)
CONF          = nginx
JOBS          = 1

BUILD        := $(CURDIR)/build
OBJ          := $(BUILD)/obj
MODULE       := $(BUILD)/ngx_http_task_module.so
C_FILES      := $(wildcard src/*.c src/*/*.c src/*/*/*.c)
H_FILES      := $(wildcard src/*.h src/*/*.h src/*/*/*.h)
TASKS        := $(patsubst conf/tasks/%.c,$(BUILD)/tasks/%.so,\
                $(wildcard conf/tasks/*.c))
TEST_TASKS   := $(addprefix $(BUILD)/tasks/test/,probe.so text.so answers.so \
                process.so wrong.so long.so slot zone job-zone)

PACKAGES      = sh t/lib/packages.sh

BUILD_NEEDS   = gcc libc6-dev libcjson-dev \
                $(if $(filter $(DEBIAN_SRC),$(NGX_SRC)),nginx-dev)
RUN_NEEDS     = $(BUILD_NEEDS) nginx $(if $(filter functions jobs,$(CONF)),libgd-dev)
DEMO_NEEDS    = $(RUN_NEEDS) perl
LINT_NEEDS    = $(BUILD_NEEDS) g++ clang cppcheck perl
TEST_NEEDS    = $(RUN_NEEDS) perl libtest-base-perl libtest-longstring-perl \
                liblist-moreutils-perl libhttp-message-perl libipc-run-perl \
                curl nghttp2-client procps iproute2 libgd-dev \
                python3-prometheus-client

# when the recipe runs: nginx's Makefile is made by then

NGX_INCLUDES  = $$(sh t/lib/includes.sh $(NGX_SRC) $(OBJ))

WARNINGS      = -Wdeclaration-after-statement -Wshadow -Wvla
LINT_FLAGS    = -fsyntax-only -W -Wall -Wpointer-arith -Wno-unused-parameter \
                -Werror $(WARNINGS)

# nginx looks for inherited sockets in a variable NGINX of its environment

unexport NGINX


.PHONY: all build tasks run lab test-lab demo bench instructions test sanitize sanitize-nginx stress fuzz matrix lint install clean force

all:
	@$(PACKAGES) check $(BUILD_NEEDS)
	@$(MAKE) --no-print-directory build

build: $(MODULE)

# configured anew for another tree, another nginx, another config, another
# place of this checkout, other options

$(OBJ)/stamp: force
	@mkdir -p $(OBJ)
	@{ echo "$(CURDIR) $(NGX_SRC) $(NGX_CONFIGURE)"; \
	    echo "$(CC) $(CFLAGS) $(WARNINGS)"; cat config; \
	    cat $(NGX_SRC)/conf_flags $(NGX_SRC)/src/core/nginx.h 2>&1 || :; } \
	    > $(OBJ)/stamp.new
	@cmp -s $(OBJ)/stamp.new $@ || mv $(OBJ)/stamp.new $@

$(OBJ)/Makefile: $(OBJ)/stamp
	@echo "configuring for the nginx in $(NGX_SRC)"
	@cd $(NGX_SRC) && configure=./configure && \
	if [ -f conf_flags ]; then . ./conf_flags; \
	else NGX_CONF_FLAGS=( $(NGX_CONFIGURE) ); fi && \
	if [ ! -f configure ]; then configure=auto/configure; fi && \
	if [ -w Makefile ]; then cp -p Makefile $(OBJ)/Makefile.kept; \
	    trap 'cat $(OBJ)/Makefile.kept > Makefile' EXIT; \
	elif [ ! -e Makefile ]; then trap 'rm -f Makefile' EXIT; fi && \
	if ! $$configure "$${NGX_CONF_FLAGS[@]}" \
	    --with-cc-opt="-O2 $(WARNINGS)" \
	    --add-dynamic-module=$(CURDIR) --builddir=$(OBJ) \
	    > $(BUILD)/configure.log 2>&1; \
	then tail -n 5 $(BUILD)/configure.log; exit 1; fi
	@touch $@

$(MODULE): $(OBJ)/Makefile $(C_FILES) $(H_FILES)
	@echo "building $(notdir $@)"
	@cd $(NGX_SRC) && $(MAKE) -s -f $(OBJ)/Makefile modules
	@cp $(OBJ)/$(notdir $@) $@.new && mv $@.new $@

# a library of task functions needs the header, and nothing of nginx

TASK_CC       = gcc -O2 -g -Wall -Wextra -Wno-missing-field-initializers \
                -shared -fPIC -Wl,-Bsymbolic -Isrc

$(BUILD)/tasks/test/%.so: t/tasks/%.c src/ngx_task.h
	@mkdir -p $(@D)
	@$(TASK_CC) -o $@.new $< -lcjson && mv $@.new $@

# drivers of a few files of the module, which they include

$(addprefix $(BUILD)/tasks/test/,slot zone job-zone): \
    $(BUILD)/tasks/test/%: t/%.c t/lib/steps.h $(C_FILES) $(H_FILES) $(OBJ)/Makefile
	@mkdir -p $(@D)
	@gcc -g -O2 -Wall $(NGX_INCLUDES) -I t/lib -o $@ $< \
	    src/text/ngx_http_task_text.c -lpthread

$(BUILD)/tasks/thumbnail.so: TASK_LIBS = -lgd

$(BUILD)/tasks/%.so: conf/tasks/%.c src/ngx_task.h
	@mkdir -p $(@D)
	@echo "building tasks/$(notdir $@)"
	@$(TASK_CC) -o $@.new $< $(TASK_LIBS) && mv $@.new $@

tasks: $(TASKS)
	@:

run:
	@$(PACKAGES) install $(RUN_NEEDS)
	@$(MAKE) --no-print-directory build $(if $(filter functions jobs,$(CONF)),tasks)
	@if [ ! -f conf/$(CONF).conf ]; then \
	    echo "there is no conf/$(CONF).conf"; exit 1; fi
	@mkdir -p $(BUILD)/run
	@echo "serving conf/$(CONF).conf, until Ctrl-C; try, in another shell:"
	@sed -n 's|^ *location = \(/[^ ]*\) .*|    curl http://127.0.0.1:8081\1|p' \
	    conf/$(CONF).conf
	@! grep -q 'location / ' conf/$(CONF).conf || \
	    echo "and look at http://127.0.0.1:8081/"
	@user="$$(sh t/lib/user.sh conf/html/status.js)"; \
	exec $(NGINX) -p $(CURDIR)/ -c conf/$(CONF).conf -e stderr \
	    -g "daemon off; pid build/run/nginx.pid; $$user"

lab:
	@$(PACKAGES) install $(RUN_NEEDS)
	@$(MAKE) --no-print-directory build
	@exec sh conf/lab/start.sh $(NGINX) "$$(sh t/lib/user.sh conf/html/lab.js)"

# the same in a real browser; without one it says so and passes

test-lab:
	@$(PACKAGES) install $(RUN_NEEDS) perl
	@$(PACKAGES) install chromium chromium-driver || \
	    echo "no browser can be had here: the lab is not tested"
	@$(MAKE) --no-print-directory build
	@prove -v t/lab.pl :: $(NGINX) "$$(sh t/lib/user.sh conf/html/lab.js)"

demo:
	@$(PACKAGES) install $(DEMO_NEEDS)
	@$(MAKE) --no-print-directory build
	@TASK_NGINX=$(NGINX) perl t/demo.pl

# the limit: the least that a content handler can do

EMPTY_MODULE := $(BUILD)/empty/objs/ngx_http_empty_module.so

$(EMPTY_MODULE): $(wildcard t/bench/empty/*) $(OBJ)/stamp
	@echo "building $(notdir $@)"
	@mkdir -p $(BUILD)/empty
	@cd $(NGX_SRC) && configure=./configure && \
	if [ -f conf_flags ]; then . ./conf_flags; \
	else NGX_CONF_FLAGS=( $(NGX_CONFIGURE) ); fi && \
	$$configure "$${NGX_CONF_FLAGS[@]}" --with-cc-opt="-O2" \
	    --add-dynamic-module=$(CURDIR)/t/bench/empty \
	    --builddir=$(BUILD)/empty/objs > $(BUILD)/empty/log 2>&1 && \
	$(MAKE) -s -f $(BUILD)/empty/objs/Makefile modules

# against the peers that Debian has; FULL=1 takes longer

BENCH_NEEDS   = perl valgrind wrk util-linux python3 python3-matplotlib \
                libnginx-mod-http-echo libnginx-mod-http-lua \
                libnginx-mod-http-js python3-fastapi uvicorn python3-uvloop \
                python3-httptools

bench:
	@$(PACKAGES) install $(RUN_NEEDS) $(BENCH_NEEDS)
	@$(MAKE) --no-print-directory build tasks $(EMPTY_MODULE)
	@TASK_NGINX=$(NGINX) TASK_MODULE=$(MODULE) TASK_EMPTY=$(EMPTY_MODULE) \
	    /usr/bin/python3 t/bench/bench.py

# instructions of a request, see t/bench/

instructions:
	@$(PACKAGES) install $(RUN_NEEDS) perl valgrind
	@$(MAKE) --no-print-directory build $(EMPTY_MODULE)
	@TASK_NGINX=$(NGINX) TASK_MODULE=$(MODULE) TASK_EMPTY=$(EMPTY_MODULE) \
	    perl t/bench/instructions.pl $(NAMES)

test:
	@$(PACKAGES) install $(TEST_NEEDS)
	@sh t/lib/test-nginx.sh $(BUILD)/perl
	@$(MAKE) --no-print-directory build tasks $(TEST_TASKS) $(FAIL_MODULE)
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    TEST_NGINX_TASKS=$(BUILD)/tasks \
	    TEST_NGINX_FAIL_MODULE=$(FAIL_MODULE) \
	    sh t/lib/prove.sh $(BUILD) $(JOBS) $(TESTS)

# the module with ASan and UBSan, in Debian's nginx as it is

ASAN_MODULE  := $(BUILD)/asan/ngx_http_task_module.so

$(ASAN_MODULE): $(MODULE)
	@echo "building asan/$(notdir $@)"
	@mkdir -p $(@D)
	@gcc -shared -fPIC -O1 -g -fno-omit-frame-pointer \
	    -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	    $(NGX_INCLUDES) -o $@ $(C_FILES) $(OBJ)/ngx_http_task_module_modules.c -lcjson -lm

# and one whose allocations fail, for t/170-alloc.t, with the sanitizers, too

FAIL_MODULE  := $(BUILD)/fail/ngx_http_task_module.so

$(FAIL_MODULE): $(MODULE) t/lib/fail.c t/lib/fail.h
	@mkdir -p $(@D)
	@gcc -c -fPIC -O1 -g -o $(@D)/fail.o t/lib/fail.c
	@gcc -shared -fPIC -O1 -g -include t/lib/fail.h \
	    $(NGX_INCLUDES) -o $@ $(C_FILES) $(OBJ)/ngx_http_task_module_modules.c $(@D)/fail.o \
	    -lcjson -lm

sanitize:
	@$(PACKAGES) install $(TEST_NEEDS)
	@sh t/lib/test-nginx.sh $(BUILD)/perl
	@$(MAKE) --no-print-directory build tasks $(TEST_TASKS) $(ASAN_MODULE)
	@NGX=$(NGINX) sh t/lib/sanitize.sh $(BUILD) $(ASAN_MODULE) $(TESTS)

# nginx itself, from Debian's source, with a sanitizer: KIND=address, thread

KIND          = address

sanitize-nginx:
	@$(PACKAGES) install $(TEST_NEEDS) libssl-dev libpcre2-dev zlib1g-dev
	@sh t/lib/test-nginx.sh $(BUILD)/perl
	@sh t/lib/nginx-source.sh $(BUILD)/nginx-src
	@$(MAKE) --no-print-directory build tasks $(TEST_TASKS)
	@sh t/lib/sanitize-nginx.sh $(BUILD) $(KIND) $(TESTS)

SECONDS       = 60

stress:
	@$(PACKAGES) install $(TEST_NEEDS)
	@$(MAKE) --no-print-directory build $(TEST_TASKS)
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    TEST_NGINX_TASKS=$(BUILD)/tasks \
	    sh t/lib/prove.sh $(BUILD) stress $(SECONDS)

FUZZ_CC       = clang -g -O1 -fsanitize=fuzzer,address,undefined \
                -fno-sanitize-recover=undefined -Isrc

PLAIN_C       = $(addprefix src/text/ngx_http_task_,text.c number.c field.c json.c \
                json_text.c json_tree.c json_print.c)

# plain C is linked as it is; values, with nginx's own parsers and pools

fuzz:
	@$(PACKAGES) install clang libclang-rt-dev perl $(BUILD_NEEDS)
	@perl t/lib/corpus.pl $(BUILD)/fuzz/corpus
	@sh t/lib/nginx-source.sh $(BUILD)/nginx-src
	@$(MAKE) --no-print-directory build
	@for f in json text number field; do \
	    $(FUZZ_CC) -DFUZZ=fuzz_$$f -o $(BUILD)/fuzz/$$f t/fuzz.c \
	        $(PLAIN_C) -lcjson -lm; \
	done
	@$(FUZZ_CC) -fno-sanitize=pointer-overflow -DNGX_DEBUG_PALLOC=1 \
	    $$(sh t/lib/includes.sh $(BUILD)/nginx-src $(OBJ)) -o $(BUILD)/fuzz/value \
	    t/fuzz-value.c \
	    $(addprefix src/function/ngx_http_task_,value.c type.c) $(PLAIN_C) \
	    $(addprefix $(BUILD)/nginx-src/src/,core/ngx_parse.c \
	    core/ngx_string.c core/ngx_palloc.c os/unix/ngx_alloc.c) -lcjson -lm
	@for f in json text number field value; do \
	    echo "fuzzing $$f for $(SECONDS) s"; \
	    (cd $(BUILD)/fuzz && ./$$f -max_total_time=$(SECONDS) -max_len=1024 \
	        -print_final_stats=1 corpus/$$f > $$f.log 2>&1) || \
	        { tail -n 40 $(BUILD)/fuzz/$$f.log; exit 1; }; \
	    grep number_of_executed_units $(BUILD)/fuzz/$$f.log; \
	done

matrix:
	@$(PACKAGES) install debootstrap
	@sh t/lib/matrix.sh $(BUILD) $(RELEASES)

lint:
	@$(PACKAGES) check $(LINT_NEEDS)
	@$(MAKE) --no-print-directory build
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
	@perl t/lib/style.pl $(C_FILES) $(H_FILES) conf/tasks/*.c
	@echo "layers"
	@perl util/layers.pl $(OBJ) $(C_FILES)
	@echo "docs"
	@perl util/docs.pl

install: all
	@install -d "$(DESTDIR)/usr/include"
	@install -m 644 src/ngx_task.h "$(DESTDIR)/usr/include/"
	@echo "installed $(DESTDIR)/usr/include/ngx_task.h"
	@dir=$$($(NGINX) -V 2>&1 | sed -n 's|.*--modules-path=\([^ ]*\).*|\1|p'); \
	dir="$(DESTDIR)$${dir:?nginx has no modules path}"; \
	install -d "$$dir"; \
	install -m 644 $(MODULE) "$$dir/"; \
	echo "installed $$dir/$(notdir $(MODULE))"; \
	conf=$(DESTDIR)/usr/share/nginx/modules-available; \
	if [ -d /etc/nginx/modules-enabled ]; then \
	    install -d "$$conf"; \
	    echo "load_module modules/$(notdir $(MODULE));" \
	        > "$$conf/mod-http-task.conf"; \
	    echo "installed $$conf/mod-http-task.conf"; \
	fi

clean:
	rm -rf build
