
/*
 * Functions that crash, or hold the event loop.
 */


#include <ngx_task.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


typedef struct {
    int      how;
    int64_t  ms;
} crash_args_t;


typedef enum {
    CRASH_NULL = 0,
    CRASH_ABORT,
    CRASH_STACK,
    CRASH_ZERO,
    CRASH_JUMP,
    CRASH_CHILD,
    CRASH_DEFER,
    CRASH_TEXT,
    CRASH_SPOIL
} crash_how_e;


static volatile int  crash_zero;
static char *volatile crash_text = (char *) 8;


__attribute__((noinline))
int
crash_deep(volatile char *above)
{
    volatile char  here[4096];

    here[0] = *above;

    return (*above == 1) ? 0 : crash_deep(here) + here[0];
}


__attribute__((noinline))
void
crash_write(int *p)
{
    *(volatile int *) p = 1;
}


static void
crash_late(void *data)
{
    crash_write(data);
}


static void
crash_now(ngx_task_t *t, int how)
{
    char  c;
    void  (*volatile nowhere)(void);

    switch (how) {

    case CRASH_NULL:
        crash_write(NULL);
        break;

    case CRASH_ABORT:
        abort();

    case CRASH_STACK:
        c = 0;
        (void) crash_deep(&c);
        break;

    case CRASH_ZERO:
        crash_zero = 7 / crash_zero;
        break;

    case CRASH_JUMP:
        nowhere = NULL;
        nowhere();
        break;

    case CRASH_CHILD:

        if (fork() == 0) {
            crash_write(NULL);
        }

        break;

    case CRASH_DEFER:
        ngx_task_defer(t, crash_late, NULL);
        break;

    case CRASH_TEXT:
        ngx_task_set_string(t, "text", crash_text);
        break;

    case CRASH_SPOIL:
        memset((void *) t, 0xee, 128);
        crash_write(NULL);
        break;
    }
}


static ngx_task_rc_t
crash(ngx_task_t *t)
{
    const crash_args_t  *args = ngx_task_args(t);

    crash_now(t, args->how);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
acrash(ngx_task_t *t, ngx_task_frame_t *f)
{
    const crash_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 10));

    crash_now(t, args->how);

    NGX_TASK_END(f);
}


/* its state_size is forgotten */

static ngx_task_rc_t
stateless(ngx_task_t *t, ngx_task_frame_t *f)
{
    int  *state = f->state;

    NGX_TASK_BEGIN(f);

    (void) t;
    (*state)++;

    NGX_TASK_END(f);
}


/* holds the event loop for a while, or for ever by sleeps of 0 */

static ngx_task_rc_t
hold(ngx_task_t *t, ngx_task_frame_t *f)
{
    const crash_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    if (args->ms) {
        (void) usleep((useconds_t) args->ms * 1000);
        return NGX_TASK_OK;
    }

    for ( ;; ) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 0));
    }

    NGX_TASK_END(f);
}


/* crashes when the function has ended, in a thread of its own */

static void *
crash_thread(void *data)
{
    (void) usleep(50000);
    crash_write(data);

    return NULL;
}


static ngx_task_rc_t
later(ngx_task_t *t)
{
    pthread_t  tid;

    (void) pthread_create(&tid, NULL, crash_thread, NULL);
    (void) pthread_detach(tid);

    ngx_task_set_int(t, "later", 1);

    return NGX_TASK_OK;
}


/* holds the event loop by calls that end at once */

static ngx_task_rc_t
nothing(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;
    (void) f;

    return NGX_TASK_OK;
}


static ngx_task_rc_t
calls(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;

    NGX_TASK_BEGIN(f);

    for ( ;; ) {
        NGX_TASK_AWAIT(f, ngx_task_call(f, nothing, NULL));
    }

    NGX_TASK_END(f);
}


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_AS(crash_args_t, how, NGX_TASK_ENUM, .def = "null",
                      .choices = "null|abort|stack|zero|jump|child|defer|"
                      "text|spoil"),
    NGX_TASK_PARAM_AS(crash_args_t, ms, NGX_TASK_TIME, .def = "0")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("crash", .block = crash,
                      .args = NGX_TASK_ARGS(crash_args_t, params)),
    NGX_TASK_FUNCTION("acrash", .async = acrash,
                      .args = NGX_TASK_ARGS(crash_args_t, params)),
    NGX_TASK_FUNCTION("stateless", .async = stateless),
    NGX_TASK_FUNCTION("later", .block = later),
    NGX_TASK_FUNCTION("calls", .async = calls),
    NGX_TASK_FUNCTION("hold", .async = hold,
                      .args = NGX_TASK_ARGS(crash_args_t, params))
};


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    if (getenv("CRASH_INIT")) {
        ngx_task_worker_log(worker, NGX_TASK_LOG_NOTICE, "is about to crash");
        (void) usleep(100000);
        crash_write(NULL);
    }

    return NGX_TASK_OK;
}


NGX_TASK_LIBRARY_INIT("crash", functions, init, NULL);
