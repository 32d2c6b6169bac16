
/* see fail.h */


#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cjson/cJSON.h>


int fail_now(void);


static int    count, at;
static pid_t  master;


/* nothing fails while the configuration is read, in the master */

int
fail_now(void)
{
    if (getpid() == master || __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST)
                              != at)
    {
        return 0;
    }

    fprintf(stderr, "allocation %d fails\n", at);

    return 1;
}


static void *
fail_malloc(size_t size)
{
    return fail_now() ? NULL : malloc(size);
}


__attribute__((constructor))
static void
fail_init(void)
{
    const char   *env;
    cJSON_Hooks   hooks;

    hooks.malloc_fn = fail_malloc;
    hooks.free_fn = free;

    cJSON_InitHooks(&hooks);

    env = getenv("FAIL_AT");
    at = env ? atoi(env) : 0;
    master = getpid();
}
