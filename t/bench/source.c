
/*
 * A client that sends one file as fast as it can, as a form does:
 *
 *     source PORT URI BYTES
 *
 * The body is multipart/form-data with one part, "file", of BYTES bytes: a
 * block of random ones, again and again, out of memory.
 *
 * Prints a line of JSON: seconds from the first byte to the end of the answer;
 * seconds until the last byte was taken by the kernel; processor time of its
 * own.  Then the body of the answer.  Exits with 1 if the answer is not 200.
 */


#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define BLOCK     (1024 * 1024)
#define ANSWER    65536
#define MOST      300       /* seconds; then something is wrong */

#define BOUNDARY  "----------------------------4a1f63c97d2e"


static unsigned char  block[BLOCK];
static char           answer[ANSWER];


static void
fail(const char *why)
{
    fprintf(stderr, "source: %s\n", why);
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


static int
open_to(int port)
{
    int                 fd;
    struct timeval      most;
    struct sockaddr_in  to;

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    memset(&most, 0, sizeof(most));
    most.tv_sec = MOST;

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == -1
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == -1
        || connect(fd, (struct sockaddr *) &to, sizeof(to)) == -1)
    {
        fail("cannot connect");
    }

    return fd;
}


/* who answers before all is sent does so for a reason: it is read */

static int
push(int fd, const void *data, size_t len)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < len; done += n) {
        n = send(fd, (const char *) data + done, len - done, MSG_NOSIGNAL);

        if (n <= 0) {
            return 0;
        }
    }

    return 1;
}


static int
request(int fd, const char *uri, uint64_t size)
{
    int       n, len;
    char      text[2048];
    char      head[512];
    size_t    piece;

    static const char  tail[] = "\r\n--" BOUNDARY "--\r\n";

    len = snprintf(head, sizeof(head),
                   "--" BOUNDARY "\r\n"
                   "Content-Disposition: form-data; name=\"file\"; "
                   "filename=\"random.bin\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\n");

    n = snprintf(text, sizeof(text),
                 "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                 "Connection: close\r\n"
                 "Content-Type: multipart/form-data; boundary=" BOUNDARY "\r\n"
                 "Content-Length: %llu\r\n\r\n%s",
                 uri, (unsigned long long) (len + size + sizeof(tail) - 1),
                 head);

    if (!push(fd, text, n)) {
        return 0;
    }

    for ( /* void */ ; size; size -= piece) {
        piece = size < BLOCK ? size : BLOCK;

        if (!push(fd, block, piece)) {
            return 0;
        }
    }

    return push(fd, tail, sizeof(tail) - 1);
}


static char *
response(int fd)
{
    char     *body;
    size_t    len;
    ssize_t   n;

    len = 0;

    do {
        n = recv(fd, answer + len, ANSWER - 1 - len, 0);
        len += n > 0 ? n : 0;
    } while (n > 0);

    answer[len] = '\0';

    body = strstr(answer, "\r\n\r\n");

    if (n < 0 || body == NULL || strncmp(answer, "HTTP/1.1 200 ", 13) != 0) {
        answer[strcspn(answer, "\r")] = '\0';
        fail(len ? answer : "no answer");
    }

    return body + 4;
}


int
main(int argc, char **argv)
{
    int       fd;
    char     *body;
    size_t    i;
    double    start, sent, used;
    uint64_t  x;

    if (argc < 4) {
        fail("source PORT URI BYTES");
    }

    x = 88172645463325252;

    for (i = 0; i < BLOCK; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        block[i] = x >> 32;
    }

    fd = open_to(atoi(argv[1]));

    start = now();
    used = cpu();

    (void) request(fd, argv[2], strtoull(argv[3], NULL, 10));

    sent = now() - start;
    body = response(fd);
    used = cpu() - used;

    printf("{\"seconds\": %.6f, \"sent\": %.6f, \"cpu\": %.6f}\n%s\n",
           now() - start, sent, used, body);

    return 0;
}
