
/*
 * A client that reads as fast as it can, and only counts:
 *
 *     sink PORT URI CLIENTS [events]
 *
 * CLIENTS connections are made to 127.0.0.1:PORT; then all of them ask for URI,
 * and it counts until all answers have ended.  Chunks are taken apart, so that
 * it counts the bytes of bodies, and no other.  With "events" it counts the
 * empty lines in them, too.
 *
 * Prints JSON: seconds from the first request; when the last answer began;
 * bytes; events; processor time of its own.  Exits with 1 if an answer is not
 * 200, or is not complete.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define BUFFER    (256 * 1024)
#define HEAD      4096
#define MOST      300       /* seconds; then something is wrong */


enum {
    IN_HEAD, IN_SIZE, IN_EXTENSION, IN_DATA, BEHIND_DATA, IN_TRAILER, ENDED
};


typedef struct {
    int       fd;
    int       state;
    int       chunked;
    uint64_t  left;             /* of the chunk, or of the body */
    uint64_t  bytes;
    uint64_t  events;
    char      last;             /* byte of the body */
    int       line;             /* bytes of a line of the trailer */
    size_t    len;
    char      head[HEAD];
} client_t;


static client_t  *clients;
static int        number, begun, ended, counts_events;
static char       buffer[BUFFER];


static void
fail(const char *why)
{
    fprintf(stderr, "sink: %s\n", why);
    exit(1);
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static double
cpu(void)
{
    struct rusage  u;

    getrusage(RUSAGE_SELF, &u);

    return u.ru_utime.tv_sec + u.ru_stime.tv_sec
           + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}


static void
open_to(client_t *c, int port)
{
    struct sockaddr_in  to;

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (c->fd == -1
        || connect(c->fd, (struct sockaddr *) &to, sizeof(to)) == -1)
    {
        fail("cannot connect");
    }
}


static void
ask(client_t *c, const char *uri)
{
    int   n;
    char  text[1024];

    n = snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", uri);

    if (send(c->fd, text, n, 0) != n) {
        fail("cannot send");
    }
}


static void
end(client_t *c)
{
    c->state = ENDED;
    ended++;
}


/* returns how much of it was the header's */

static size_t
head(client_t *c, const char *p, size_t len)
{
    char    *stop, *length;
    size_t   n, before;

    before = c->len;
    n = len < HEAD - 1 - before ? len : HEAD - 1 - before;

    memcpy(c->head + before, p, n);
    c->len += n;
    c->head[c->len] = '\0';

    stop = strstr(c->head, "\r\n\r\n");

    if (stop == NULL) {
        if (c->len == HEAD - 1) {
            fail("long header");
        }

        return n;
    }

    stop[2] = '\0';

    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0) {
        c->head[strcspn(c->head, "\r")] = '\0';
        fail(c->head);
    }

    length = strcasestr(c->head, "\r\ncontent-length:");
    c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked\r")
                 != NULL;

    if (!length && !c->chunked) {
        fail("an answer without a length");
    }

    begun++;

    c->left = c->chunked ? 0 : strtoull(length + 17, NULL, 10);
    c->state = c->chunked ? IN_SIZE : IN_DATA;

    if (c->state == IN_DATA && c->left == 0) {
        end(c);
    }

    return stop + 4 - c->head - before;
}


static void
count(client_t *c, const char *p, size_t n)
{
    const char  *end;

    c->bytes += n;

    if (!counts_events) {
        return;
    }

    for (end = p + n; p < end; p++) {
        c->events += (*p == '\n' && c->last == '\n');
        c->last = *p;
    }
}


static int
digit(char ch)
{
    return ch >= '0' && ch <= '9' ? ch - '0'
           : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f' ? (ch | 0x20) - 'a' + 10
           : -1;
}


static void
take(client_t *c, const char *p, size_t len)
{
    char         ch;
    size_t       n;
    const char  *stop;

    for (stop = p + len; p < stop; ) {

        switch (c->state) {

        case IN_HEAD:
            p += head(c, p, stop - p);
            break;

        case IN_SIZE:
            ch = *p++;

            if (digit(ch) >= 0) {
                c->left = c->left * 16 + digit(ch);
                break;
            }

            c->state = IN_EXTENSION;

            /* fall through */

        case IN_EXTENSION:
            p = memchr(p, '\n', stop - p);

            if (p == NULL) {
                return;
            }

            p++;
            c->line = 0;
            c->state = c->left ? IN_DATA : IN_TRAILER;
            break;

        case IN_DATA:
            n = (size_t) (stop - p) < c->left ? (size_t) (stop - p) : c->left;

            count(c, p, n);

            p += n;
            c->left -= n;

            if (c->left == 0) {
                c->state = BEHIND_DATA;

                if (!c->chunked) {
                    end(c);
                }
            }

            break;

        case BEHIND_DATA:
            c->state = (*p++ == '\n') ? IN_SIZE : BEHIND_DATA;
            break;

        case IN_TRAILER:
            ch = *p++;

            if (ch == '\n' && c->line == 0) {
                end(c);
            }

            c->line = (ch == '\n') ? 0 : c->line + (ch != '\r');
            break;

        case ENDED:
            fail("more than the body");
        }
    }
}


static void
step(int ep)
{
    int                  i, n;
    ssize_t              got;
    client_t            *c;
    struct epoll_event   events[256];

    n = epoll_wait(ep, events, 256, 100);

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;
        got = recv(c->fd, buffer, BUFFER, 0);

        if (got <= 0) {
            fail("an answer is not complete");
        }

        take(c, buffer, got);

        if (c->state == ENDED) {
            epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
        }
    }
}


int
main(int argc, char **argv)
{
    int                  i, ep;
    double               start, last, used;
    uint64_t             bytes, events;
    struct epoll_event   ee;

    if (argc < 4) {
        fail("sink PORT URI CLIENTS [events]");
    }

    number = atoi(argv[3]);
    counts_events = argc > 4;

    clients = calloc(number, sizeof(client_t));
    ep = epoll_create1(0);

    if (clients == NULL || ep == -1) {
        fail("no memory");
    }

    for (i = 0; i < number; i++) {
        open_to(&clients[i], atoi(argv[1]));

        ee.events = EPOLLIN;
        ee.data.ptr = &clients[i];

        if (epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &ee) == -1) {
            fail("no epoll");
        }
    }

    start = now();
    last = 0;
    used = cpu();

    for (i = 0; i < number; i++) {
        ask(&clients[i], argv[2]);
    }

    while (ended < number) {
        step(ep);

        if (last == 0 && begun == number) {
            last = now() - start;
        }

        if (now() - start > MOST) {
            fail("it takes too long");
        }
    }

    used = cpu() - used;
    start = now() - start;

    bytes = events = 0;

    for (i = 0; i < number; i++) {
        bytes += clients[i].bytes;
        events += clients[i].events;
    }

    printf("{\"seconds\": %.6f, \"begun\": %.6f, \"bytes\": %llu, "
           "\"events\": %llu, \"cpu\": %.6f}\n",
           start, last, (unsigned long long) bytes,
           (unsigned long long) events, used);

    return 0;
}
