
/*
 * A crash where there are libraries: before the process ends, the log tells
 * whose it was, and where.  The handler uses nothing that a signal may have
 * interrupted: it reads what runs in its thread, and writes to the log by
 * write().  Then the signal does what it did before, with a core dump of the
 * crash itself, if one is wanted.
 */


#include "base/ngx_http_task_base.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__GLIBC__)
#include <execinfo.h>
#define NGX_HTTP_TASK_CRASH_BACKTRACE  1
#endif


/* what a handler needs of a stack: the one that it interrupts may be full */

#define NGX_HTTP_TASK_CRASH_STACK   65536

#define NGX_HTTP_TASK_CRASH_FRAMES  20

/* processors of which it is known where a context has the place */

#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define NGX_HTTP_TASK_CRASH_PC  1
#else
#define NGX_HTTP_TASK_CRASH_PC  0
#endif


/* how long a worker stays whose hook has crashed, milliseconds */

#define NGX_HTTP_TASK_CRASH_PAUSE   1000


/* what a frame is of */

enum {
    NGX_HTTP_TASK_CRASH_OTHER = 0,
    NGX_HTTP_TASK_CRASH_LIBRARY,
    NGX_HTTP_TASK_CRASH_END            /* what has called the library */
};


static void ngx_http_task_crash_handler(int signo, siginfo_t *info,
    void *data);
static void ngx_http_task_crash_log(ngx_http_task_guard_t *guard, int signo,
    siginfo_t *info);
static void ngx_http_task_crash_details(ngx_http_task_guard_t *guard,
    siginfo_t *info);
static struct sigaction *ngx_http_task_crash_action(int signo);
static ngx_uint_t ngx_http_task_crash_has_address(siginfo_t *info);
static void ngx_http_task_crash_frames(void *context);
static ngx_uint_t ngx_http_task_crash_frame(void *frame, ngx_uint_t n,
    ngx_uint_t below);
static void *ngx_http_task_crash_pc(void *data);
static void *ngx_http_task_crash_caller(void *data);


static const struct {
    int          signo;
    const char  *name;
} ngx_http_task_crash_signals[] = {
    { SIGSEGV, "SIGSEGV" },
    { SIGBUS, "SIGBUS" },
    { SIGFPE, "SIGFPE" },
    { SIGILL, "SIGILL" },
    { SIGABRT, "SIGABRT" }
};

#define NGX_HTTP_TASK_CRASH_SIGNALS                                           \
    (sizeof(ngx_http_task_crash_signals)                                      \
     / sizeof(ngx_http_task_crash_signals[0]))


static struct sigaction
    ngx_http_task_crash_before[NGX_HTTP_TASK_CRASH_SIGNALS];


static const char *(*ngx_http_task_crash_file)(const char *path);

static ngx_uint_t  ngx_http_task_crash_users;
static int         ngx_http_task_crash_begun;                  /* [both] */


void
ngx_http_task_crash_init(const char *(*file)(const char *path))
{
    ngx_uint_t        i;
    struct sigaction  sa;

#if (NGX_HTTP_TASK_CRASH_BACKTRACE)
    void  *frame;

    /* the first call of it loads a library, which a handler must not */

    (void) backtrace(&frame, 1);
#endif

    ngx_http_task_crash_file = file;

    /* without a master process, a reload loads libraries in the worker */

    if (ngx_http_task_crash_users++) {
        return;
    }

    ngx_http_task_crash_thread();

    ngx_memzero(&sa, sizeof(struct sigaction));

    sa.sa_sigaction = ngx_http_task_crash_handler;
    sa.sa_flags = SA_SIGINFO|SA_ONSTACK;
    (void) sigemptyset(&sa.sa_mask);

    for (i = 0; i < NGX_HTTP_TASK_CRASH_SIGNALS; i++) {
        (void) sigaction(ngx_http_task_crash_signals[i].signo, &sa,
                         &ngx_http_task_crash_before[i]);
    }
}


void
ngx_http_task_crash_stop(void)
{
    ngx_uint_t  i;

    if (--ngx_http_task_crash_users) {
        return;
    }

    for (i = 0; i < NGX_HTTP_TASK_CRASH_SIGNALS; i++) {
        (void) sigaction(ngx_http_task_crash_signals[i].signo,
                         &ngx_http_task_crash_before[i], NULL);
    }
}


/* the stack is the thread's for as long as it lives, and is not given back */

void
ngx_http_task_crash_thread(void)
{
    stack_t  stack;

    /* without libraries there is no handler; a thread may have one already */

    if (ngx_http_task_crash_file == NULL
        || (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE)))
    {
        return;
    }

    stack.ss_sp = mmap(NULL, NGX_HTTP_TASK_CRASH_STACK, PROT_READ|PROT_WRITE,
                       MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (stack.ss_sp == MAP_FAILED) {
        return;
    }

    stack.ss_size = NGX_HTTP_TASK_CRASH_STACK;
    stack.ss_flags = 0;

    (void) sigaltstack(&stack, NULL);
}


static void
ngx_http_task_crash_handler(int signo, siginfo_t *info, void *data)
{
    struct sigaction       *before;
    ngx_http_task_guard_t  *guard;

    before = ngx_http_task_crash_action(signo);

    /* a runtime may handle it, and go on */

    if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(signo, info, data);
        return;
    }

    if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(signo);
        return;
    }

    /* another thread may crash meanwhile: it waits until all is written */

    if (__atomic_exchange_n(&ngx_http_task_crash_begun, 1, __ATOMIC_ACQ_REL)) {
        ngx_msleep(NGX_HTTP_TASK_CRASH_PAUSE);
        (void) sigaction(signo, before, NULL);
        return;
    }

    guard = ngx_http_task_guarded();

    /* a child of a function may crash as it likes */

    if (getpid() == ngx_pid) {
        ngx_http_task_crash_log(guard, signo, info);
        ngx_http_task_crash_details(guard, info);
        ngx_http_task_crash_frames(data);

        /* the next worker would crash in the same hook, too, without a pause */

        if (guard->name && guard->task == NULL && !ngx_quit && !ngx_exiting
            && !ngx_terminate && !ngx_test_config)
        {
            ngx_msleep(NGX_HTTP_TASK_CRASH_PAUSE);
        }
    }

    (void) sigaction(signo, before, NULL);

    /* an instruction that faults does so again; what was sent is sent again */

    if (info->si_code <= 0) {
        (void) raise(signo);
    }
}


static struct sigaction *
ngx_http_task_crash_action(int signo)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_task_crash_signals[i].signo != signo; i++) {
        /* void */
    }

    return &ngx_http_task_crash_before[i];
}


static void
ngx_http_task_crash_log(ngx_http_task_guard_t *guard, int signo,
    siginfo_t *info)
{
    u_char       text[NGX_HTTP_TASK_LOG_TEXT], *p, *last;
    ngx_str_t   *ran;
    ngx_uint_t   i;

    last = text + sizeof(text);

    p = guard->name ? ngx_http_task_who(text, last, guard)
                    : ngx_slprintf(text, last, "worker process");

    p = ngx_slprintf(p, last, info->si_code == SI_USER
                              && info->si_pid != ngx_pid
                              ? " was sent signal %d"
                              : " crashed, signal %d", signo);

    for (i = 0; i < NGX_HTTP_TASK_CRASH_SIGNALS; i++) {
        if (ngx_http_task_crash_signals[i].signo == signo) {
            p = ngx_slprintf(p, last, " (%s)",
                             ngx_http_task_crash_signals[i].name);
        }
    }

    if (info->si_code == SI_KERNEL) {
        p = ngx_slprintf(p, last, " at an address that there is not");

    } else if (ngx_http_task_crash_has_address(info)) {
        p = ngx_slprintf(p, last, " at address 0x%xL",
                         (int64_t) (intptr_t) info->si_addr);
    }

    ran = ngx_http_task_guard_last();

    if (guard->name == NULL && ran) {
        p = ngx_slprintf(p, last, ", in no task; the last one that ran was of "
                                  "\"%V\"", ran);
    }

    ngx_http_task_note(NGX_LOG_ALERT, text, p - text);
}


/* in a line of its own: the task, too, may be what the crash has spoilt */

static void
ngx_http_task_crash_details(ngx_http_task_guard_t *guard, siginfo_t *info)
{
    u_char      text[NGX_HTTP_TASK_LOG_TEXT], *p;
    ngx_uint_t  null;

    null = ngx_http_task_crash_has_address(info)
           && (uintptr_t) info->si_addr < ngx_pagesize;

    p = ngx_http_task_who_details(text, text + sizeof(text), guard, null);

    if (p > text) {
        ngx_http_task_note(NGX_LOG_ALERT, text, p - text);
    }
}


static ngx_uint_t
ngx_http_task_crash_has_address(siginfo_t *info)
{
    return info->si_code > 0 && info->si_code != SI_KERNEL
           && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS);
}


/* from where it crashed down to the call of the function */

static void
ngx_http_task_crash_frames(void *context)
{
    int          i, n, first;
    void        *pc, *frames[NGX_HTTP_TASK_CRASH_FRAMES] = { NULL };
    ngx_uint_t   seen, own;

    pc = ngx_http_task_crash_pc(context);
    n = 0;

#if (NGX_HTTP_TASK_CRASH_BACKTRACE)
    n = backtrace(frames, NGX_HTTP_TASK_CRASH_FRAMES);
#endif

    /* the first ones are the handler's; there may be none but those */

    for (first = n; first > 0 && frames[first - 1] != pc; first--) {
        /* void */
    }

    first = ngx_max(first - 1, 0);

    if (NGX_HTTP_TASK_CRASH_PC && (frames[first] != pc || n - first < 2)) {
        first = 0;
        n = 2;
        frames[0] = pc;
        frames[1] = ngx_http_task_crash_caller(context);
    }

    own = 0;

    for (i = first; i < n; i++) {
        seen = ngx_http_task_crash_frame(frames[i], i - first, own);

        if (seen == NGX_HTTP_TASK_CRASH_END) {
            break;
        }

        own |= (seen == NGX_HTTP_TASK_CRASH_LIBRARY);
    }
}


/*
 * As addr2line takes it: the file of the object, and the place in it.  below:
 * a frame of a library was before it, so that this module has called that.
 */

static ngx_uint_t
ngx_http_task_crash_frame(void *frame, ngx_uint_t n, ngx_uint_t below)
{
    u_char       text[NGX_HTTP_TASK_LOG_TEXT], *p, *last;
    Dl_info      info, self;
    const char  *file;

    last = text + sizeof(text);

    if (dladdr(frame, &info) == 0) {
        p = ngx_slprintf(text, last, "#%ui 0x%xL", n,
                         (int64_t) (intptr_t) frame);
        ngx_http_task_note(NGX_LOG_ALERT, text, p - text);

        return NGX_HTTP_TASK_CRASH_OTHER;
    }

    if (below && dladdr((void *) ngx_http_task_crash_init, &self)
        && info.dli_fbase == self.dli_fbase)
    {
        return NGX_HTTP_TASK_CRASH_END;
    }

    file = ngx_http_task_crash_file(info.dli_fname);

    p = ngx_slprintf(text, last, "#%ui %s+0x%xL", n, file,
                     (int64_t) ((u_char *) frame - (u_char *) info.dli_fbase));

    if (info.dli_sname) {
        p = ngx_slprintf(p, last, " (%s+0x%xL)", info.dli_sname,
                     (int64_t) ((u_char *) frame - (u_char *) info.dli_saddr));
    }

    ngx_http_task_note(NGX_LOG_ALERT, text, p - text);

    return (file != info.dli_fname) ? NGX_HTTP_TASK_CRASH_LIBRARY
                                    : NGX_HTTP_TASK_CRASH_OTHER;
}


static void *
ngx_http_task_crash_pc(void *data)
{
    ucontext_t  *context;

    context = data;

#if defined(__x86_64__)
    return (void *) context->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
    return (void *) context->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
    return (void *) context->uc_mcontext.pc;
#else
    (void) context;
    return NULL;
#endif
}


/* who called what is not there: the return address has just been stored */

static void *
ngx_http_task_crash_caller(void *data)
{
    ucontext_t  *context;

    context = data;

    if (ngx_http_task_crash_pc(data) != NULL) {
        return NULL;
    }

#if defined(__x86_64__)
    return *(void **) context->uc_mcontext.gregs[REG_RSP];
#elif defined(__i386__)
    return *(void **) context->uc_mcontext.gregs[REG_ESP];
#elif defined(__aarch64__)
    return (void *) context->uc_mcontext.regs[30];
#else
    (void) context;
    return NULL;
#endif
}
