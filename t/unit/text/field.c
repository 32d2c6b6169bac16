
/* Header fields that are lists: their members, "Accept" and "Prefer". */


#include "text/ngx_http_task_field.h"

#include "check.h"


#define FIELDS  3


/* "name=value" of each member, and ";name=value" of its parameters */

static const struct {
    const char  *field;
    const char  *right;
} members[] = {
    { "", "" },
    { " \t", "" },
    { ",, ,", "" },
    { "a", "a=," },
    { "a, b", "a=,b=," },
    { " a\t,\tb ", "a=,b=," },
    { ", ,a,,b,", "a=,b=," },
    { "a=1", "a=1," },
    { "a \t=\t 1", "a=1," },
    { "a=", "a=," },
    { "a=\"b, c\"", "a=\"b, c\"," },
    { "a=\"\\\", b\", c", "a=\"\\\", b\",c=," },
    { "a;b=1;c", "a=;b=1;c=," },
    { "a ; b = 1 ;; c ;", "a=;b=1;c=," },
    { "text/plain;q=0.5", "text/plain=;q=0.5," },
    { "a;b=\"x;y,z\", c", "a=;b=\"x;y,z\",c=," },

    /* what is no member goes up to its comma */

    { "a b, c", "c=," },
    { "a/b c", "" },
    { "=1, c", "c=," },
    { ";a, c", "c=," },
    { "a=b=c, d", "d=," },
    { "a;=1, c", "c=," },
    { "a(b), c", "c=," },
    { "a=\"b, c", "" },
    { "a=\"b\\", "" },
    { "a=\"b\x01\", c", "c=," },
    { "a x=\"b, c\", d", "d=," },
    { "\xc3\xa9, c", "c=," }
};


static const char *const  types[] = { "application/json", "text/plain", NULL };


/* which type a client gets, and the weights of both */

static const struct {
    const char  *fields[FIELDS];
    unsigned     type;
    unsigned     q[2];
} accepts[] = {
    { { NULL }, 0, { 0, 0 } },
    { { "" }, 0, { 0, 0 } },
    { { "image/png" }, 0, { 0, 0 } },
    { { "*/*" }, 0, { 1000, 1000 } },
    { { "application/json, text/plain, */*" }, 0, { 1000, 1000 } },
    { { "text/html,application/xml;q=0.9,*/*;q=0.8" }, 0, { 800, 800 } },
    { { "text/plain" }, 1, { 0, 1000 } },
    { { "Text/PLAIN" }, 1, { 0, 1000 } },
    { { "text/plain, application/json" }, 1, { 1000, 1000 } },
    { { "application/json;q=0.5, text/plain;q=0.4" }, 0, { 500, 400 } },
    { { "application/json;q=0.5, text/plain ; q=0.501" }, 1, { 500, 501 } },
    { { "text/plain;q=0, */*" }, 0, { 1000, 0 } },
    { { "application/json;q=0, */*;q=0.1" }, 1, { 0, 100 } },
    { { "text/*" }, 1, { 0, 1000 } },
    { { "TEXT/*;q=0.2" }, 1, { 0, 200 } },
    { { "text*" }, 0, { 0, 0 } },
    { { "*" }, 0, { 0, 0 } },
    { { "*/plain" }, 0, { 0, 0 } },
    { { "*/*;q=0.9, text/*;q=0.1" }, 0, { 900, 100 } },
    { { "text/plain;q=0.2, text/*, application/json;q=0.3" }, 0, { 300, 200 } },
    { { "text/plain;q=0.2, text/plain;a=1;q=0.7" }, 1, { 0, 700 } },
    { { "text/plain;q=0.7;a=1, text/plain;q=0.2" }, 1, { 0, 700 } },
    { { "application/json;q=0.1", "text/plain;q=0.2" }, 1, { 100, 200 } },
    { { "x-text/plain, text/plain-not, application/json" }, 0, { 1000, 0 } },
    { { "image/png;a=\"text/plain\", application/json;q=0.1" }, 0, { 100, 0 } },
    { { "image/png;a=\"\\\", text/plain\", application/json;q=0.1" }, 0,
      { 100, 0 } },
    { { "image/png;a=\"text/plain, application/json;q=0.1" }, 0, { 0, 0 } },
    { { "text/plain text/plain, application/json;q=0.1" }, 0, { 100, 0 } },
    { { ", ,text/plain;;q=1;," }, 1, { 0, 1000 } },
    { { "text/plain\t;\tq=1 ,application/json;q=0.9" }, 1, { 900, 1000 } },
    { { "text/plain;Q=0.1, application/json;q=0.2" }, 0, { 200, 100 } },
    { { "application/json;charset=utf-8, text/plain;q=0.9" }, 0,
      { 1000, 900 } },

    /* what is no weight makes no range */

    { { "text/plain;q=high" }, 0, { 0, 0 } },
    { { "text/plain;q=" }, 0, { 0, 0 } },
    { { "text/plain;q" }, 0, { 0, 0 } },
    { { "text/plain;q=1.001" }, 0, { 0, 0 } },
    { { "text/plain;q=2" }, 0, { 0, 0 } },
    { { "text/plain;q=-1" }, 0, { 0, 0 } },
    { { "text/plain;q=.5" }, 0, { 0, 0 } },
    { { "text/plain;q=05" }, 0, { 0, 0 } },
    { { "text/plain;q=0.0001" }, 0, { 0, 0 } },
    { { "text/plain;q=0.5001" }, 0, { 0, 0 } },
    { { "text/plain;q=0.1x" }, 0, { 0, 0 } },
    { { "text/plain;q=\"0.1\"" }, 0, { 0, 0 } },
    { { "text/plain;q=1.000" }, 1, { 0, 1000 } },
    { { "text/plain;q=0." }, 0, { 0, 0 } },
    { { "text/plain;q=0.001" }, 1, { 0, 1 } }
};


static const struct {
    const char  *fields[FIELDS];
    unsigned     respond_async;
    unsigned     waits;
    unsigned     wait;
} prefers[] = {
    { { NULL }, 0, 0, 0 },
    { { "" }, 0, 0, 0 },
    { { "respond-async" }, 1, 0, 0 },
    { { "Respond-ASYNC" }, 1, 0, 0 },
    { { "respond-async, wait=5" }, 1, 1, 5 },
    { { "wait=5", "respond-async" }, 1, 1, 5 },
    { { "respond-async; a=\"b, c\"; d , wait=5" }, 1, 1, 5 },
    { { "respond-async, wait=\"5\"" }, 1, 1, 5 },
    { { "respond-async, wait=\"\\5\"" }, 1, 1, 5 },
    { { "respond-async, wait\t=  5" }, 1, 1, 5 },
    { { "respond-async, Wait=5;x=1" }, 1, 1, 5 },
    { { "wait=007" }, 0, 1, 7 },
    { { "wait=86400" }, 0, 1, 86400 },
    { { "wait=86401" }, 0, 1, 86400 },
    { { "wait=99999999999999999999" }, 0, 1, 86400 },

    /* the first one counts */

    { { "wait=5", "wait=0" }, 0, 2, 5 },
    { { "wait=0", "wait=5" }, 0, 2, 0 },
    { { "wait=x, wait=5" }, 0, 2, 0 },

    /* no number is none at all */

    { { "wait" }, 0, 1, 0 },
    { { "wait=" }, 0, 1, 0 },
    { { "wait=\"\"" }, 0, 1, 0 },
    { { "wait=5x" }, 0, 1, 0 },
    { { "wait=+5" }, 0, 1, 0 },
    { { "wait=\"5" }, 0, 0, 0 },

    { { "await=5" }, 0, 0, 0 },
    { { "foo=\"wait=5\"" }, 0, 0, 0 },
    { { "foo; wait=5" }, 0, 0, 0 },
    { { "x-respond-async-not" }, 0, 0, 0 },
    { { "foo=\"respond-async\"" }, 0, 0, 0 },
    { { "foo; respond-async" }, 0, 0, 0 },
    { { "foo=\"\\\", respond-async" }, 0, 0, 0 },
    { { "respond async" }, 0, 0, 0 },
    { { "foo bar, respond-async" }, 1, 0, 0 }
};


static ngx_http_task_span_t
span_of(const char *text)
{
    ngx_http_task_span_t  span;

    span.len = strlen(text);
    span.data = check_copy(text, span.len);

    return span;
}


static void
span_free(ngx_http_task_span_t *span)
{
    free((void *) span->data);
}


static size_t
pair(char *dst, const ngx_http_task_field_t *field)
{
    return sprintf(dst, "%.*s=%.*s",
                   (int) field->name.len, (const char *) field->name.data,
                   (int) field->value.len, (const char *) field->value.data);
}


static void
test_members(void)
{
    char                    got[128];
    size_t                  i, n;
    ngx_http_task_span_t    field, rest;
    ngx_http_task_field_t   member, param;

    for (i = 0; i < COUNT(members); i++) {
        field = span_of(members[i].field);
        rest = field;
        n = 0;

        while (ngx_http_task_field_member(&rest, &member)) {
            n += pair(got + n, &member);

            while (ngx_http_task_field_param(&member.params, &param)) {
                got[n++] = ';';
                n += pair(got + n, &param);
            }

            got[n++] = ',';
        }

        check_same(got, n, members[i].right, strlen(members[i].right),
                   "members", field.data, field.len);
        check(rest.len == 0, "all is read", field.data, field.len);
        span_free(&field);
    }
}


static void
test_is(void)
{
    ngx_http_task_span_t  span;

    span = span_of("Wait");

    check(ngx_http_task_field_is(&span, "wait"), "is", TEXT("wait"));
    check(!ngx_http_task_field_is(&span, "wai"), "is not", TEXT("wai"));
    check(!ngx_http_task_field_is(&span, "waits"), "is not", TEXT("waits"));
    check(!ngx_http_task_field_is(&span, "7ait"), "is not", TEXT("7ait"));

    span_free(&span);
}


static void
test_accepts(void)
{
    int                     right;
    char                    name[128];
    size_t                  i, n;
    unsigned                f;
    ngx_http_task_span_t    field;
    ngx_http_task_accept_t  accept;

    for (i = 0; i < COUNT(accepts); i++) {
        memset(&accept, 0, sizeof(accept));
        accept.types = types;
        n = 0;

        for (f = 0; f < FIELDS && accepts[i].fields[f]; f++) {
            field = span_of(accepts[i].fields[f]);
            ngx_http_task_field_accept(&accept, &field);
            span_free(&field);
            n += sprintf(name + n, "%s%s", f ? " + " : "",
                         accepts[i].fields[f]);
        }

        right = ngx_http_task_field_choose(&accept) == accepts[i].type
                && accept.liked[0].q == accepts[i].q[0]
                && accept.liked[1].q == accepts[i].q[1];

        if (!check(right, "Accept", name, n)) {
            printf("# got %u, of weights %u and %u\n",
                   ngx_http_task_field_choose(&accept), accept.liked[0].q,
                   accept.liked[1].q);
        }
    }
}


static void
test_prefers(void)
{
    int                     right;
    char                    name[128];
    size_t                  i, n;
    unsigned                f;
    ngx_http_task_span_t    field;
    ngx_http_task_prefer_t  prefer;

    for (i = 0; i < COUNT(prefers); i++) {
        memset(&prefer, 0, sizeof(prefer));
        n = 0;

        for (f = 0; f < FIELDS && prefers[i].fields[f]; f++) {
            field = span_of(prefers[i].fields[f]);
            ngx_http_task_field_prefer(&prefer, &field);
            span_free(&field);
            n += sprintf(name + n, "%s%s", f ? " + " : "",
                         prefers[i].fields[f]);
        }

        right = prefer.respond_async == prefers[i].respond_async
                && prefer.waits == prefers[i].waits
                && prefer.wait == prefers[i].wait;

        if (!check(right, "Prefer", name, n)) {
            printf("# got respond-async %u, waits %u, wait %u\n",
                   prefer.respond_async, prefer.waits, prefer.wait);
        }
    }
}


int
main(void)
{
    test_members();
    test_is();
    test_accepts();
    test_prefers();

    return 0;
}
