
/*
 * A crash in code of a library: before the process ends, the log tells whose
 * it was, and where.  The handler uses nothing that a signal may have
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


static void ngx_http_task_crash_handler(int signo, siginfo_t *info, void *data);
static void ngx_http_task_crash_log(int signo, siginfo_t *info);
static void ngx_http_task_crash_frames(void *pc);
static ngx_uint_t ngx_http_task_crash_frame(void *frame, ngx_uint_t n);
static void *ngx_http_task_crash_pc(void *data);


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


/* the stack is the thread's for as long as it lives, and is not given back */

void
ngx_http_task_crash_thread(void)
{
    stack_t  stack;

    if (ngx_http_task_crash_file == NULL) {
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
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TASK_CRASH_SIGNALS; i++) {
        if (ngx_http_task_crash_signals[i].signo == signo) {
            (void) sigaction(signo, &ngx_http_task_crash_before[i], NULL);
        }
    }

    /* what crashes in nginx itself, or in a child of a function, is not ours */

    if (ngx_http_task_guarded()->name && getpid() == ngx_pid) {
        ngx_http_task_crash_log(signo, info);
        ngx_http_task_crash_frames(ngx_http_task_crash_pc(data));
    }

    /* an instruction that faults does so again; what was sent is sent again */

    if (info->si_code <= 0) {
        (void) raise(signo);
    }
}


static void
ngx_http_task_crash_log(int signo, siginfo_t *info)
{
    u_char                  text[NGX_HTTP_TASK_LOG_TEXT], *p, *last;
    ngx_uint_t              i, null;
    ngx_http_task_guard_t  *guard;

    guard = ngx_http_task_guarded();
    last = text + sizeof(text);

    p = ngx_http_task_who(text, last, guard);
    p = ngx_slprintf(p, last, " crashed, signal %d", signo);

    for (i = 0; i < NGX_HTTP_TASK_CRASH_SIGNALS; i++) {
        if (ngx_http_task_crash_signals[i].signo == signo) {
            p = ngx_slprintf(p, last, " (%s)",
                             ngx_http_task_crash_signals[i].name);
        }
    }

    null = 0;

    if ((signo == SIGSEGV || signo == SIGBUS) && info->si_code > 0) {
        p = ngx_slprintf(p, last, " at address 0x%xL",
                         (int64_t) (intptr_t) info->si_addr);

        null = ((uintptr_t) info->si_addr < ngx_pagesize);
    }

    p = ngx_http_task_who_details(p, last, guard, null);

    ngx_http_task_note(NGX_LOG_ALERT, text, p - text);
}


/* from where it crashed down to the call of the function */

static void
ngx_http_task_crash_frames(void *pc)
{
#if (NGX_HTTP_TASK_CRASH_BACKTRACE)

    int          n;
    void        *frames[NGX_HTTP_TASK_CRASH_FRAMES];
    Dl_info      info, self;
    ngx_int_t    i, first;

    n = backtrace(frames, NGX_HTTP_TASK_CRASH_FRAMES);

    if (dladdr((void *) ngx_http_task_crash_init, &self) == 0) {
        return;
    }

    /* the first ones are the handler's; there may be none but those */

    for (first = 0; first < n && frames[first] != pc; first++) { /* void */ }

    if (first == n) {
        (void) ngx_http_task_crash_frame(pc, 0);
        return;
    }

    for (i = first; i < n; i++) {

        if (dladdr(frames[i], &info) && info.dli_fbase == self.dli_fbase
            && i > first)
        {
            break;
        }

        if (!ngx_http_task_crash_frame(frames[i], i - first)) {
            break;
        }
    }

#else
    (void) ngx_http_task_crash_frame(pc, 0);
#endif
}


/* as addr2line takes it: the file of the object, and the place in it */

static ngx_uint_t
ngx_http_task_crash_frame(void *frame, ngx_uint_t n)
{
    u_char      text[NGX_HTTP_TASK_LOG_TEXT], *p, *last;
    Dl_info     info;

    last = text + sizeof(text);

    if (dladdr(frame, &info) == 0) {
        p = ngx_slprintf(text, last, "#%ui 0x%xL", n,
                         (int64_t) (intptr_t) frame);
        ngx_http_task_note(NGX_LOG_ALERT, text, p - text);
        return 0;
    }

    p = ngx_slprintf(text, last, "#%ui %s+0x%xL", n,
                     ngx_http_task_crash_file(info.dli_fname),
                     (int64_t) ((u_char *) frame - (u_char *) info.dli_fbase));

    if (info.dli_sname) {
        p = ngx_slprintf(p, last, " (%s+0x%xL)", info.dli_sname,
                     (int64_t) ((u_char *) frame - (u_char *) info.dli_saddr));
    }

    ngx_http_task_note(NGX_LOG_ALERT, text, p - text);

    return 1;
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
