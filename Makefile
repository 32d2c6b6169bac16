# make          builds build/ngx_http_task_module.so, and, where hiredis is,
#               build/ngx_http_task_redis_module.so
# make new      NAME=first: writes first/first.c, a function of one's own, and
#               serves it, again when it is saved; PORT=9000
# make run      serves conf/nginx.conf on 127.0.0.1:8081; CONF=async, sync,
#               thread or workers serves another one, PORT=9000 elsewhere
# make cluster  a front and three nodes
# make lab      the four arrangements side by side, as a page to look at
# make demo     runs the four arrangements and prints what they do
# make test     runs the tests; TESTS=t/010-async.t some of them, JOBS=2 at once
# make install  copies the module to where Debian's nginx looks for it, and
#               nginx-task, which is "make new" for any directory
# make uninstall removes what that has copied
# make clean    removes build/
# make help     prints this, and what there is in t/t.mk
#
# NGX=FILE      builds for that nginx, and runs it, instead of Debian's
# NGX_SRC=DIR   builds against that source tree, instead of Debian's nginx-dev;
#               without NGX with the arguments NGX_CONFIGURE of its configure

SHELL         = /bin/bash
.SHELLFLAGS   = -eu -o pipefail -c

# what make, a shell or nginx read as something else

ODD           = ' " $$ : ` ; & * ? \ | < > ( ) [ ] % \#

$(if $(strip $(word 2,$(CURDIR))$(foreach c,$(ODD),$(findstring $c,$(CURDIR)))),\
    $(error the path of this checkout has a space or one of $(ODD): move it))

DEBIAN_SRC    = /usr/share/nginx/src
NGX_SRC       = $(DEBIAN_SRC)

# on Debian it may be installed only while make runs

DEBIAN_NGINX := $(if $(shell command -v dpkg-query),/usr/sbin/nginx,nginx)
NGINX        := $(or $(NGX),$(DEBIAN_NGINX))

# another nginx tells what it was configured with

ifneq ($(NGINX),$(DEBIAN_NGINX))
OTHER        := yes
NGX_CONFIGURE := $(shell sh util/ngx.sh arguments $(NGINX) 2> /dev/null)
else
NGX_CONFIGURE = $(if $(filter $(DEBIAN_SRC),$(NGX_SRC)),,--with-compat \
                --with-threads --with-debug)
endif

JOBS          = 1

BUILD        := $(CURDIR)/build
OBJ          := $(BUILD)/obj
MODULE       := $(BUILD)/ngx_http_task_module.so
REDIS_MODULE := $(BUILD)/ngx_http_task_redis_module.so
C_FILES      := $(wildcard src/*.c src/*/*.c src/*/*/*.c)
H_FILES      := $(wildcard src/*.h src/*/*.h src/*/*/*.h)
LUA_FILES    := $(wildcard src/redis/*.lua)
WARNINGS      = -Wdeclaration-after-statement -Wshadow -Wvla

PACKAGES      = sh util/packages.sh

BUILD_NEEDS   = gcc libc6-dev libcjson-dev \
                $(if $(OTHER),,$(if $(filter $(DEBIAN_SRC),$(NGX_SRC)),nginx-dev))

# nginx looks for inherited sockets in a variable NGINX of its environment

unexport NGINX


.PHONY: all build test install uninstall clean help force

all:
	@$(PACKAGES) check $(BUILD_NEEDS)
	@$(MAKE) -s build

build: $(MODULE)

# configured anew for another tree, another nginx, another config, another
# place of this checkout, other options

$(OBJ)/stamp: force
	@mkdir -p $(OBJ)
	@{ echo "$(CURDIR) $(if $(OTHER),$(NGX)) $(NGX_SRC) $(NGX_CONFIGURE)"; \
	    echo "$(CC) $(CFLAGS) $(WARNINGS)"; \
	    cat config util/configure.sh; \
	    cat util/lua.sh $(LUA_FILES); \
	    ls /usr/include/hiredis/async.h 2>&1 || :; \
	    cat $(NGX_SRC)/conf_flags $(NGX_SRC)/src/core/{nginx,angie}.h 2> /dev/null || :; } \
	    > $(OBJ)/stamp.new
	@cmp -s $(OBJ)/stamp.new $@ || mv $(OBJ)/stamp.new $@

$(OBJ)/Makefile: $(OBJ)/stamp
	@[ -z "$(NGX)" ] || sh util/ngx.sh version $(NGX) $(NGX_SRC)
	@echo "configuring for the nginx in $(NGX_SRC)"
	@bash util/configure.sh $(NGX_SRC) $(CURDIR) $(OBJ) "-O2 $(WARNINGS)" \
	    $(NGX_CONFIGURE)
	@touch $@

$(MODULE): $(OBJ)/Makefile $(C_FILES) $(H_FILES)
	@echo "building $(notdir $@)"
	@cd $(NGX_SRC) && $(MAKE) -s -f $(OBJ)/Makefile modules
	@[ -z "$(NGX)" ] || sh util/ngx.sh compare $(NGX) $(OBJ)/$(notdir $@) \
	    $(NGX_SRC)
	@cp $(OBJ)/$(notdir $@) $@.new && mv $@.new $@
	@if [ -f $(OBJ)/$(notdir $(REDIS_MODULE)) ]; then \
	    cp $(OBJ)/$(notdir $(REDIS_MODULE)) $(REDIS_MODULE).new && \
	    mv $(REDIS_MODULE).new $(REDIS_MODULE); \
	else \
	    echo "$(notdir $(REDIS_MODULE)) is not built: there is no" \
	        "hiredis/async.h, of the package libhiredis-dev"; \
	fi

test:
	@$(PACKAGES) install $(TEST_NEEDS)
	@sh util/test-nginx.sh $(BUILD)/perl
	@sh util/openapi.sh $(BUILD)/openapi
	@$(MAKE) -s build $(TEST_BUILDS) $(FAIL_MODULE) $(FAIL_REDIS)
	@TEST_NGINX_BINARY=$(NGINX) TEST_NGINX_LOAD_MODULES=$(MODULE) \
	    TEST_NGINX_FAIL_MODULE=$(FAIL_MODULE) \
	    TEST_NGINX_FAIL_REDIS=$(FAIL_REDIS) \
	    sh util/prove.sh $(BUILD) $(JOBS) $(TESTS)

install: all
	@sh util/ngx.sh version $(NGINX) $(NGX_SRC)
	@sh util/ngx.sh compare $(NGINX) $(MODULE) $(NGX_SRC)
	@sh util/install.sh install $(NGINX) $(MODULE) "$(DESTDIR)"

uninstall:
	@sh util/install.sh uninstall $(NGINX) $(MODULE) "$(DESTDIR)"

clean:
	rm -rf build

# the comments at the top

help:
	@for file in Makefile t/t.mk; do sed '/^$$/q; s/^# \{0,1\}//' $$file; done

include util/run.mk t/t.mk
