
/* Server-sent events: where they end in a text that comes in parts; ids. */


#include "text/ngx_http_task_event.h"

#include "check.h"


#define LONG(s)  s, sizeof(s) - 1


/* the text, and its events, each behind a "|" */

static const struct {
    const char  *text;
    const char  *right;
} texts[] = {
    { "", "" },
    { "data: a\n\n", "data: a\n\n|" },
    { "data: a\r\rb", "data: a\r\r|" },
    { "data: a\r\n\r\n", "data: a\r\n\r|" },
    { "a\n\nb\n\n", "a\n\n|b\n\n|" },
    { "a\r\n\r\nb\r\n\r\n", "a\r\n\r|\nb\r\n\r|" },
    { "a\r\n\nb", "a\r\n\n|" },
    { "a\n\r\nb\n\n", "a\n\r|\nb\n\n|" },
    { "a\rb\nc\r\nd\n\n", "a\rb\nc\r\nd\n\n|" },
    { "\n", "\n|" },
    { "\n\na", "\n|\n|" },
    { "a\n", "" },
    { "a\r\n", "" },
    { ": a\n\n", ": a\n\n|" }
};


static const struct {
    const char  *text;
    size_t       len;
    const char  *right;              /* NULL: none */
} ids[] = {
    { LONG("data: a\n\n"), NULL },
    { LONG("id: 7\ndata: a\n\n"), "7" },
    { LONG("id:7\n\n"), "7" },
    { LONG("id:  7\n\n"), " 7" },
    { LONG("id:\n\n"), "" },
    { LONG("data: a\rid: x y\r\r"), "x y" },
    { LONG("data: a\r\nid: x\r\n\r\n"), "x" },
    { LONG("id: 1\nid: 2\n\n"), "2" },
    { LONG("id: 1\nid: a\0b\n\n"), "1" },
    { LONG("id: a\0b\n\n"), NULL },
    { LONG("idle: 1\n\n"), NULL },
    { LONG(" id: 1\n\n"), NULL },
    { LONG("data: id: 1\n\n"), NULL },
    { LONG("id: 1"), "1" }
};


/* in parts of so many bytes */

static void
check_ends(unsigned n, size_t part)
{
    char                         found[64], *p, *ended;
    size_t                       left, len;
    const char                  *text;
    unsigned char               *from, *end, *last;
    ngx_http_task_event_scan_t   scan;

    memset(&scan, 0, sizeof(scan));

    p = found;
    ended = p;
    text = texts[n].text;

    for (left = strlen(text); left; left -= len, text += len) {
        len = left < part ? left : part;
        from = (unsigned char *) text;
        last = from + len;

        while (from < last) {
            end = ngx_http_task_event_end(&scan, from, last);

            memcpy(p, from, (end ? end : last) - from);
            p += (end ? end : last) - from;

            if (end) {
                *p++ = '|';
                ended = p;
            }

            from = end ? end : last;
        }
    }

    check(ended - found == (long) strlen(texts[n].right)
          && memcmp(found, texts[n].right, ended - found) == 0,
          "ends", texts[n].text, strlen(texts[n].text));
}


int
main(void)
{
    size_t                len, part;
    unsigned              i;
    const unsigned char  *id;

    for (i = 0; i < COUNT(texts); i++) {
        for (part = 1; part <= 8; part++) {
            check_ends(i, part);
        }
    }

    for (i = 0; i < COUNT(ids); i++) {
        id = ngx_http_task_event_id((const unsigned char *) ids[i].text,
                                    ids[i].len, &len);

        check(ids[i].right ? id && len == strlen(ids[i].right)
                             && memcmp(id, ids[i].right, len) == 0
                           : id == NULL,
              "id", ids[i].text, ids[i].len);
    }

    return 0;
}
