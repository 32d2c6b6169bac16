
/*
 * What a driver of t/unit/ looks at, as lines for t/lib/TaskUnit.pm: "ok N
 * name", or "not ok N name" and what was there instead.  Plain C.
 */


#ifndef _CHECK_H_INCLUDED_
#define _CHECK_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define COUNT(table)  (sizeof(table) / sizeof(table[0]))


/* a literal, and its length; a null may stand in it */

#define TEXT(s)  (const unsigned char *) s, sizeof(s) - 1


/* a name or a value may be anything: a line has only what can be printed */

static inline void
check_print(const void *text, size_t len)
{
    size_t                i;
    const unsigned char  *p;

    p = text;

    for (i = 0; i < len && i < 60; i++) {
        printf(p[i] < 0x20 || p[i] > 0x7e ? "\\x%02x" : "%c", p[i]);
    }

    printf(i < len ? "... of %zu\n" : "\n", len);
}


static inline int
check(int right, const char *what, const void *of, size_t len)
{
    static unsigned  n;

    printf("%s %u %s: ", right ? "ok" : "not ok", ++n, what);
    check_print(of, len);

    return right;
}


/* that two texts are the same, byte for byte */

static inline void
check_same(const void *got, size_t got_len, const void *right,
    size_t right_len, const char *what, const void *of, size_t len)
{
    int  same;

    same = (got_len == right_len && memcmp(got, right, got_len) == 0);

    if (!check(same, what, of, len)) {
        printf("# got ");
        check_print(got, got_len);
        printf("# not ");
        check_print(right, right_len);
    }
}


/* in as many bytes as it has, so that a sanitizer finds one too far */

static inline unsigned char *
check_copy(const void *text, size_t len)
{
    unsigned char  *p;

    p = calloc(len ? len : 1, 1);

    if (p == NULL) {
        printf("no memory\n");
        exit(1);
    }

    if (len) {
        memcpy(p, text, len);
    }

    return p;
}


#endif /* _CHECK_H_INCLUDED_ */
