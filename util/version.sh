#!/bin/sh
#
# version.sh    the version of the module, which src/base has

sed -n 's/^#define NGX_HTTP_TASK_VERSION  *"\(.*\)"$/\1/p' \
    src/base/ngx_http_task_base.h
