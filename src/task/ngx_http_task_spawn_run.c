
/*
 * A program that runs for a task: what goes in, what comes out, its end.
 *
 *                    cancelled, or           its time of grace
 *                   too much output              is over
 *     it runs ------------------------> SIGTERM -----------> SIGKILL
 *        |                                 |                    |
 *        +--------------+------------------+--------------------+
 *                       v
 *               it has ended: what it has left in its pipes is read, and for
 *               a short time what others write that hold them open; then what
 *               is left of its group is killed
 */


#include "task/ngx_http_task.h"
#include "task/ngx_http_task_program.h"

#include <poll.h>
#include <sys/ioctl.h>


/* how often the task is asked whether it is cancelled, milliseconds */

#define NGX_HTTP_TASK_SPAWN_LOOK    50

/* milliseconds: how long pipes that others hold open are read; the time from
   SIGTERM to SIGKILL while nginx is stopped, and if grace is 0 */

#define NGX_HTTP_TASK_SPAWN_LINGER  500
#define NGX_HTTP_TASK_SPAWN_STOP    300
#define NGX_HTTP_TASK_SPAWN_GRACE   1000

/* how much of a stream is read at once, bytes */

#define NGX_HTTP_TASK_SPAWN_PIECE   32768

/* how often its messages are read when all else is over, 4 KB at least */

#define NGX_HTTP_TASK_SPAWN_LAST    16


static void ngx_http_task_spawn_look(ngx_http_task_spawn_t *s, int64_t now);
static void ngx_http_task_spawn_end(ngx_http_task_spawn_t *s, int64_t now);
static void ngx_http_task_spawn_write(ngx_http_task_spawn_t *s);
static void ngx_http_task_spawn_read(ngx_http_task_spawn_t *s);
static ngx_err_t ngx_http_task_spawn_keep(ngx_http_task_spawn_t *s,
    ssize_t *n);
static ngx_err_t ngx_http_task_spawn_pass(ngx_http_task_spawn_t *s,
    ssize_t *n);
static ngx_err_t ngx_http_task_spawn_grow(ngx_http_task_spawn_t *s);
static void ngx_http_task_spawn_read_errors(ngx_http_task_spawn_t *s);


void
ngx_http_task_spawn_run(ngx_http_task_spawn_t *s)
{
    int            n;
    int64_t        now;
    struct pollfd  fds[4];

    for ( ;; ) {

        /* poll() ignores those that are -1 */

        fds[0].fd = s->in;
        fds[0].events = POLLOUT;
        fds[1].fd = s->out;
        fds[1].events = POLLIN;
        fds[2].fd = s->err;
        fds[2].events = POLLIN;
        fds[3].fd = s->pidfd;
        fds[3].events = POLLIN;

        n = poll(fds, 4, NGX_HTTP_TASK_SPAWN_LOOK);

        if (n > 0) {

            if (fds[0].revents) {
                ngx_http_task_spawn_write(s);
            }

            if (fds[1].revents) {
                ngx_http_task_spawn_read(s);
            }

            if (fds[2].revents) {
                ngx_http_task_spawn_read_errors(s);
            }
        }

        /* another process may have read it */

        if (n >= 0 && !fds[1].revents) {
            s->behind = 0;
        }

        now = ngx_http_task_now();

        ngx_http_task_spawn_look(s, now);

        if (s->ended
            && ((now >= s->until && s->behind == 0)
                || (s->out == -1 && s->err == -1)))
        {
            break;
        }
    }

    for (n = 0; s->err != -1 && n < NGX_HTTP_TASK_SPAWN_LAST; n++) {
        ngx_http_task_spawn_read_errors(s);
    }
}


/* looks whether the program has ended, or has to end */

static void
ngx_http_task_spawn_look(ngx_http_task_spawn_t *s, int64_t now)
{
    int64_t    until;
    siginfo_t  info;

    if (s->ended) {
        return;
    }

    info.si_pid = 0;

    if (waitid(P_PID, s->child.pid, &info, WEXITED|WNOHANG|WNOWAIT) == -1) {
        s->lost = (ngx_errno == ECHILD);
    }

    /* noted now: another wait() for any child may reap it before ours does */

    if (info.si_pid && info.si_code == CLD_EXITED) {
        s->program->exit_code = info.si_status;

    } else if (info.si_pid) {
        s->program->signal = info.si_status;
    }

    if (info.si_pid || s->lost) {
        s->ended = 1;
        s->until = now + NGX_HTTP_TASK_SPAWN_LINGER * 1000000LL;

        /* a slow client may need more time for what the program has written */

        if (s->out == -1 || ioctl(s->out, FIONREAD, &s->behind) == -1) {
            s->behind = 0;
        }

        ngx_http_task_program_close(&s->in);
        ngx_http_task_program_close(&s->pidfd);

        return;
    }

    if (s->state == NGX_HTTP_TASK_SPAWN_RUNS && ngx_task_cancelled(s->task)) {
        s->cancelled = 1;
        ngx_http_task_spawn_end(s, now);
    }

    if (s->state != NGX_HTTP_TASK_SPAWN_TERMINATED) {
        return;
    }

    until = now + NGX_HTTP_TASK_SPAWN_STOP * 1000000LL;

    if (ngx_http_task_loop_stops() && s->until > until) {
        s->until = until;
    }

    if (now >= s->until) {
        s->state = NGX_HTTP_TASK_SPAWN_KILLED;
        (void) kill(-s->child.pid, SIGKILL);
    }
}


static void
ngx_http_task_spawn_end(ngx_http_task_spawn_t *s, int64_t now)
{
    int64_t  grace;

    grace = s->program->grace ? s->program->grace : NGX_HTTP_TASK_SPAWN_GRACE;
    grace = ngx_max(ngx_min(grace, NGX_HTTP_TASK_MAX_MS), 0);

    s->state = NGX_HTTP_TASK_SPAWN_TERMINATED;
    s->until = now + grace * 1000000;

    (void) kill(-s->child.pid, SIGTERM);

    /* a process that is stopped would not notice SIGTERM */

    (void) kill(-s->child.pid, SIGCONT);
}


static void
ngx_http_task_spawn_write(ngx_http_task_spawn_t *s)
{
    ssize_t  n;

    n = write(s->in, s->input, s->left);

    if (n >= 0) {
        s->input += n;
        s->left -= n;

    } else if (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EINTR) {
        return;

    } else {

        /* a program need not read all of it */

        s->left = 0;
    }

    if (s->left == 0) {
        ngx_http_task_program_close(&s->in);
    }
}


static void
ngx_http_task_spawn_read(ngx_http_task_spawn_t *s)
{
    ssize_t    n;
    ngx_err_t  err;

    err = s->program->stream ? ngx_http_task_spawn_pass(s, &n)
                             : ngx_http_task_spawn_keep(s, &n);

    if (err == 0 && n > 0) {
        s->behind = ngx_max(s->behind - (int) n, 0);
        return;
    }

    if (err == 0 && n == -1
        && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EINTR))
    {
        return;
    }

    ngx_http_task_program_close(&s->out);
    s->behind = 0;

    if (err) {
        s->program->error = err;

        if (s->state == NGX_HTTP_TASK_SPAWN_RUNS && !s->ended) {
            ngx_http_task_spawn_end(s, ngx_http_task_now());
        }
    }
}


/* sets n to what read() has returned, with its errno */

static ngx_err_t
ngx_http_task_spawn_keep(ngx_http_task_spawn_t *s, ssize_t *n)
{
    ngx_err_t  err;

    err = (s->len == s->size) ? ngx_http_task_spawn_grow(s) : 0;

    if (err) {
        return err;
    }

    *n = read(s->out, s->output + s->len, s->size - s->len);

    if (*n > 0) {
        s->len += *n;
    }

    if (s->len > s->max) {
        s->len = s->max;
        return EFBIG;
    }

    return 0;
}


/* the same for a stream, of which nothing is kept */

static ngx_err_t
ngx_http_task_spawn_pass(ngx_http_task_spawn_t *s, ssize_t *n)
{
    size_t         len;
    ngx_task_rc_t  rc;

    if (s->output == NULL) {
        s->output = malloc(NGX_HTTP_TASK_SPAWN_PIECE);

        if (s->output == NULL) {
            return ENOMEM;
        }
    }

    *n = read(s->out, s->output, NGX_HTTP_TASK_SPAWN_PIECE);

    if (*n <= 0) {
        return 0;
    }

    len = ngx_min((size_t) *n, s->max - s->len);

    rc = ngx_task_send(s->task, s->output, len);

    if (rc == NGX_TASK_FAILED) {
        return ngx_http_task_lacked_memory(s->task) ? ENOMEM : EINVAL;
    }

    /* what is written after the task was cancelled is read, and lost */

    if (rc == NGX_TASK_CANCELLED) {
        s->cancelled = 1;
        return 0;
    }

    s->len += len;

    return (len < (size_t) *n) ? EFBIG : 0;
}


/* one byte above max tells that there is more; another one is for a null */

static ngx_err_t
ngx_http_task_spawn_grow(ngx_http_task_spawn_t *s)
{
    size_t   size;
    u_char  *p;

    size = s->size ? 2 * s->size : 16384;
    size = ngx_min(size, s->max + 1);

    p = realloc(s->output, size + 1);

    if (p == NULL) {
        return ENOMEM;
    }

    s->output = p;
    s->size = size;

    return 0;
}


/* when there is no room for more, the first half is dropped */

static void
ngx_http_task_spawn_read_errors(ngx_http_task_spawn_t *s)
{
    ssize_t  n;

    if (s->errors_len == sizeof(s->errors)) {
        s->errors_len = NGX_HTTP_TASK_SPAWN_ERRORS;
        ngx_memcpy(s->errors, s->errors + NGX_HTTP_TASK_SPAWN_ERRORS,
                   NGX_HTTP_TASK_SPAWN_ERRORS);
    }

    n = read(s->err, s->errors + s->errors_len,
             sizeof(s->errors) - s->errors_len);

    if (n > 0) {
        s->errors_len += n;

    } else if (n == 0
               || (ngx_errno != NGX_EAGAIN && ngx_errno != NGX_EINTR))
    {
        ngx_http_task_program_close(&s->err);
    }
}
