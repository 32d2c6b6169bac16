# What is built to be served, and served in the foreground.

NAME          = first
CONF          = nginx
override CONF := $(patsubst %.conf,%,$(notdir $(CONF)))

TASK_NEEDS    = libgd-dev libsqlite3-dev sqlite3
SERVER_NEEDS  = postgresql libpq-dev redis-server libhiredis-dev
RUN_NEEDS     = $(BUILD_NEEDS) nginx curl \
                $(if $(filter functions jobs,$(CONF)),$(TASK_NEEDS)) \
                $(if $(filter cluster-jobs,$(CONF)),libhiredis-dev) \
                $(if $(filter io,$(CONF)),$(SERVER_NEEDS))

TASKS        := $(patsubst conf/tasks/%.c,$(BUILD)/tasks/%.so,\
                $(wildcard conf/tasks/*.c)) \
                $(patsubst conf/tasks/%.sql,$(BUILD)/tasks/%.db,\
                $(wildcard conf/tasks/*.sql))
IO_TASKS      = $(BUILD)/tasks/pg.so $(BUILD)/tasks/kv.so


.PHONY: tasks ready new run cluster lab demo

# a library of task functions needs the header, and nothing of nginx

TASK_CC       = gcc -O2 -g -Wall -Wextra -Wno-missing-field-initializers \
                -shared -fPIC -Wl,-Bsymbolic -Isrc

$(BUILD)/tasks/thumbnail.so: TASK_LIBS = -lgd
$(BUILD)/tasks/rows.so: TASK_LIBS = -lsqlite3 -lcjson
$(BUILD)/tasks/pg.so: TASK_LIBS = -I/usr/include/postgresql -lpq
$(BUILD)/tasks/kv.so: TASK_LIBS = -lhiredis

# one without its library is left out, and this says what to install

$(BUILD)/tasks/thumbnail.so: TASK_NEED = gd.h libgd-dev
$(BUILD)/tasks/rows.so: TASK_NEED = sqlite3.h libsqlite3-dev
$(BUILD)/tasks/pg.so: TASK_NEED = libpq-fe.h libpq-dev
$(BUILD)/tasks/kv.so: TASK_NEED = hiredis/async.h libhiredis-dev

TASK_HEADER   = $(if $(TASK_NEED),echo '\#include <$(word 1,$(TASK_NEED))>' | \
                gcc -E $(TASK_LIBS) - > /dev/null 2>&1,:)

$(BUILD)/tasks/%.so: conf/tasks/%.c src/ngx_task.h
	@mkdir -p $(@D)
	@if $(TASK_HEADER); then \
	    echo "building tasks/$(notdir $@)"; \
	    $(TASK_CC) -o $@.new $< $(TASK_LIBS) && mv $@.new $@; \
	else \
	    echo "tasks/$(notdir $@) is not built: there is no" \
	        "$(word 1,$(TASK_NEED)), of the package $(word 2,$(TASK_NEED))"; \
	fi

$(BUILD)/tasks/%.db: conf/tasks/%.sql
	@mkdir -p $(@D)
	@if command -v sqlite3 > /dev/null; then \
	    echo "making tasks/$(notdir $@)"; \
	    rm -f $@.new && sqlite3 -batch -bail $@.new < $< && mv $@.new $@; \
	else \
	    echo "tasks/$(notdir $@) is not made: there is no sqlite3, a package"; \
	fi

tasks: $(TASKS)
	@:

# a name that is wrong is told before anything is installed

ready:
	@sh util/confs.sh $(CONF)
	@$(PACKAGES) install $(RUN_NEEDS)
	@$(MAKE) -s build $(if $(filter functions jobs,$(CONF)),\
	    $(filter-out $(IO_TASKS),$(TASKS))) \
	    $(if $(filter cluster-jobs,$(CONF)),$(BUILD)/tasks/countdown.so) \
	    $(if $(filter io,$(CONF)),$(IO_TASKS))

new: ready
	@TASK_NGINX=$(NGINX) PORT=$(PORT) exec sh util/nginx-task new "$(NAME)"

# conf/io.conf has the ports of the servers beside it

run: ready
	@exec $(if $(filter io,$(CONF)),sh util/servers.sh with 8151 8152 \
	    sh util/io.sh) sh util/run.sh $(NGINX) $(CONF):$(PORT)

cluster: ready
	@exec sh util/run.sh $(NGINX) cluster:$(PORT) node:8141 node:8142 node:8143

lab: ready
	@exec sh conf/lab/start.sh $(NGINX) "$$(sh util/user.sh conf/html/lab.js)"

# its last row waits for a database

demo: RUN_NEEDS += perl $(SERVER_NEEDS)
demo: ready
	@$(MAKE) -s build $(IO_TASKS)
	@TASK_NGINX=$(NGINX) exec sh util/servers.sh with 8151 8152 \
	    perl util/demo.pl
