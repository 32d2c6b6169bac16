
/*
 * Forms of the type multipart/form-data: what of them is told.  Each one is
 * fed whole, and in pieces of several sizes, with the content of its parts
 * wanted or not: that makes no difference.
 */


#include "form.h"


#define LONG(s)   s, sizeof(s) - 1

/* a header, and a part whose content is next */

#define A         "Content-Disposition: form-data; name=\"a\"\r\n"
#define PART      "--b\r\n" A "\r\n"


/*
 * What is told, as "name<filename>(type)=content;" of each part; the filename
 * and the type are there only if the part has one.
 */

static const struct {
    const char  *body;
    size_t       len;
    const char  *right;
} forms[] = {
    { LONG("--b--"), "" },
    { LONG("--b--\r\n"), "" },
    { LONG("\r\n--b--\r\n"), "" },
    { LONG(PART "x\r\n--b--\r\n"), "a=x;" },
    { LONG(PART "x\r\n--b--"), "a=x;" },
    { LONG("\r\n" PART "x\r\n--b--\r\n"), "a=x;" },
    { LONG(PART "x\r\n" PART "y\r\n" PART "z\r\n--b--\r\n"), "a=x;a=y;a=z;" },

    /* content that is empty, or not there at all */

    { LONG(PART "\r\n--b--\r\n"), "a=;" },
    { LONG(PART "--b--\r\n"), "a=;" },
    { LONG(PART PART "--b--"), "a=;a=;" },
    { LONG(PART "\r\n" PART "\r\n--b--"), "a=;a=;" },

    /* a preamble and an epilogue */

    { LONG("pre\r\n" PART "x\r\n--b--\r\n"), "a=x;" },
    { LONG("--bpre\n--b\r\n\r\r\n--\r\n" PART "x\r\n--b--"), "a=x;" },
    { LONG("x--b\r\n" A "\r\n\r\n" PART "x\r\n--b--"), "a=x;" },
    { LONG(PART "x\r\n--b--\r\n" PART "y\r\n--b--"), "a=x;" },
    { LONG(PART "x\r\n--b--\r\n\r\n--b\r\nepilogue\0"), "a=x;" },
    { LONG("--b--\r\n--b\r\n"), "" },
    { LONG("\n--b--\r\n" PART "x\r\n--b--"), "a=x;" },

    /* white space behind a boundary */

    { LONG("--b \r\n" A "\r\nx\r\n--b-- \t"), "a=x;" },
    { LONG("--b \t \r\n" A "\r\nx\r\n--b-- \t\r\n"), "a=x;" },
    { LONG("--b                                                             "
           "   \r\n" A "\r\nx\r\n--b--\r\n"), "a=x;" },
    { LONG("--b--                                                           "
           "   \r\n" PART), "" },

    /* what is no delimiter is content */

    { LONG(PART "--\r\n--b--"), "a=--;" },
    { LONG(PART "--x\r\n--b--"), "a=--x;" },
    { LONG(PART "--bc\r\n--b--"), "a=--bc;" },
    { LONG(PART "-\r\n--b--"), "a=-;" },
    { LONG(PART "x--b\r\n\r\n--b--"), "a=x--b\r\n;" },
    { LONG(PART "x\n--b\r\n\r\n--b--"), "a=x\n--b\r\n;" },
    { LONG(PART "x\r--b\r\n\r\n--b--"), "a=x\r--b\r\n;" },
    { LONG(PART "x\r\n-b\r\n\r\n--b--"), "a=x\r\n-b\r\n;" },
    { LONG(PART "x\r\n--c\r\n\r\n--b--"), "a=x\r\n--c\r\n;" },
    { LONG(PART "x\r\n--B\r\n\r\n--b--"), "a=x\r\n--B\r\n;" },
    { LONG(PART "x\r\n --b\r\n\r\n--b--"), "a=x\r\n --b\r\n;" },
    { LONG(PART "x\r\n---b\r\n\r\n--b--"), "a=x\r\n---b\r\n;" },
    { LONG(PART "x\r\n--bc\r\n\r\n--b--"), "a=x\r\n--bc\r\n;" },
    { LONG(PART "x\r\n--b--c\r\n\r\n--b--"), "a=x\r\n--b--c\r\n;" },
    { LONG(PART "x\r\n--b c\r\n\r\n--b--"), "a=x\r\n--b c\r\n;" },
    { LONG(PART "x\r\n--b \t-\r\n--b--"), "a=x\r\n--b \t-;" },
    { LONG(PART "x\r\n--b-\r\n--b--"), "a=x\r\n--b-;" },
    { LONG(PART "x\r\n--b- -\r\n--b--"), "a=x\r\n--b- -;" },
    { LONG(PART "x\r\n--b---\r\n--b--"), "a=x\r\n--b---;" },
    { LONG(PART "x\r\n--b-- x\r\n--b--"), "a=x\r\n--b-- x;" },
    { LONG(PART "x\r\n--b\n\r\n--b--"), "a=x\r\n--b\n;" },
    { LONG(PART "x\r\n--b\rx\r\n--b--"), "a=x\r\n--b\rx;" },
    { LONG(PART "x\r\n--b \r\r\n--b--"), "a=x\r\n--b \r;" },
    { LONG(PART "x\r\n--b\r\r\n--b--"), "a=x\r\n--b\r;" },
    { LONG(PART "x\r\n--b--\r\r\n--b--"), "a=x\r\n--b--\r;" },
    { LONG(PART "x\r\n--b--\n\r\n--b--"), "a=x\r\n--b--\n;" },
    { LONG(PART "\r\r\n--b--"), "a=\r;" },
    { LONG(PART "\n\r\n--b--"), "a=\n;" },
    { LONG(PART "\r\n\r\n--b--"), "a=\r\n;" },
    { LONG(PART "\r\n\r\n\r\n--b--"), "a=\r\n\r\n;" },
    { LONG(PART "\r\r\r\r\r\r\r\r\r\r\r\r\r\n--b--"),
      "a=\r\r\r\r\r\r\r\r\r\r\r\r;" },
    { LONG(PART "\r\n-\r\n--\r\n\r\n--b--"), "a=\r\n-\r\n--\r\n;" },
    { LONG(PART "\r\n--\r\n--\r\n--\r\n--\r\n--b--"),
      "a=\r\n--\r\n--\r\n--\r\n--;" },
    { LONG(PART "\xff\xfe\x01\r\n--b--"), "a=\xff\xfe\x01;" },

    /* another form in a part is content */

    { LONG("--b\r\n" A "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
           "--c\r\nContent-Disposition: file\r\n\r\nx\r\n--c--\r\n\r\n--b--"),
      "a(multipart/mixed; boundary=c)=--c\r\n"
      "Content-Disposition: file\r\n\r\nx\r\n--c--\r\n;" },

    /* headers */

    { LONG("--b\r\ncontent-DISPOSITION:Form-Data;NAME=a\r\n\r\nx\r\n--b--"),
      "a=x;" },
    { LONG("--b\r\nContent-Disposition: \t form-data ;\t name=a \t\r\n\r\n"
           "x\r\n--b--"), "a=x;" },
    { LONG("--b\r\nX-Any: \xc3\xa9\xff(,\r\nEmpty:\r\n" A "!#$%&'*+-.^_`|~09: a"
           "\r\n\r\nx\r\n--b--"), "a=x;" },
    { LONG("--b\r\nContent-Type:  text/plain;\tcharset=x \r\n" A "\r\nx\r\n"
           "--b--"), "a(text/plain;\tcharset=x)=x;" },
    { LONG("--b\r\n" A "Content-Type:\r\n\r\nx\r\n--b--"), "a()=x;" },
    { LONG("--b\r\n" A "Content-Type: \xff\r\n\r\nx\r\n--b--"),
      "a(\xef\xbf\xbd)=x;" },
    { LONG("--b\r\n" A "Content-Transfer-Encoding: BINARY\r\n\r\nx\r\n--b--"),
      "a=x;" },
    { LONG("--b\r\n" A "Content-Transfer-Encoding: 7bit\r\n\r\nx\r\n--b--"),
      "a=x;" },
    { LONG("--b\r\n" A "content-transfer-encoding:8Bit \r\n\r\nx\r\n--b--"),
      "a=x;" },
    { LONG("--b\r\n" A "Content-Length: 7\r\n\r\nx\r\n--b--"), "a=x;" },

    /* that of one part is not that of the next one */

    { LONG("--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n"
           "Content-Type: t\r\n\r\nx\r\n" PART "y\r\n--b--"),
      "a<f>(t)=x;a=y;" }
};


/* what stands behind "form-data", and what is told of it */

static const struct {
    const char  *params;
    const char  *right;
} params[] = {
    { "; name=a", "a" },
    { "; name=\"\"", "" },
    { ";name=a;", "a" },
    { "; ; name=a ;; ", "a" },
    { "; other=1; name=a; x=\"y;name=z\"; empty=", "a" },
    { "; name*=UTF-8''b; name=a", "a" },
    { "; name=\"a b\"", "a b" },
    { "; name=\"a;b,c=\"", "a;b,c=" },
    { "; name=\"a\\\"b\"", "a\"b" },
    { "; name=\"a\\\\\"", "a\\" },
    { "; name=\"\\\\\\\"\"", "\\\"" },
    { "; name=\"a\\b\"", "a\\b" },
    { "; name=\"a%22b%0D%0A%\"", "a%22b%0D%0A%" },
    { "; name=\"a+b\tc\"", "a+b\tc" },
    { "; name=\"\xc3\xa9\xe2\x82\xac\"", "\xc3\xa9\xe2\x82\xac" },
    { "; name=\"\xe9\"", "\xef\xbf\xbd" },
    { "; name=\"\xe2\x82z\xff\xff\"",
      "\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd" },

    { "; name=a; filename=f", "a<f>" },
    { "; filename=f.txt; NAME=a", "a<f.txt>" },
    { "; name=a; filename=\"\"", "a<>" },
    { "; name=a; FileName=\"f.txt\"", "a<f.txt>" },
    { "; name=a; filename=\"C:\\dir\\new.txt\"", "a<C:\\dir\\new.txt>" },
    { "; name=a; filename=\"\\\\server\\x\"", "a<\\server\\x>" },
    { "; name=a; filename=\"a\\\"b\\\\c.txt\"", "a<a\"b\\c.txt>" },
    { "; name=a; filename=\"100%22.txt\"", "a<100%22.txt>" },
    { "; name=a; filename=\"../x/\xc3\xa9\"", "a<../x/\xc3\xa9>" },
    { "; name=a; filename=\"\xe9.txt\"", "a<\xef\xbf\xbd.txt>" },

    { "; name=a; filename*=UTF-8''f", "a<f>" },
    { "; name=a; filename*=utf-8'en'%e2%82%AC%20rates",
      "a<\xe2\x82\xac rates>" },
    { "; name=a; filename*=UTF-8''", "a<>" },
    { "; name=a; filename*=iso-8859-1''%E9%ff%80%7E!#$&+-.^_`|~",
      "a<\xc3\xa9\xc3\xbf\xc2\x80~!#$&+-.^_`|~>" },
    { "; name=a; filename*=UTF-8''%0D%0A%22", "a<\r\n\">" },
    { "; name=a; filename=f; filename*=UTF-8''g", "a<g>" },
    { "; name=a; filename*=UTF-8''g; filename=f", "a<g>" },
    { "; name=a; filename*=UTF-8''g; filename=\"\"", "a<g>" }
};



/* the boundary that a content type has; NULL: none */

static const struct {
    const char  *type;
    const char  *right;
} boundaries[] = {
    { "multipart/form-data; boundary=b", "b" },
    { "multipart/form-data;boundary=\"b\"", "b" },
    { "Multipart/Form-Data ; BOUNDARY=b ;", "b" },
    { "multipart/form-data; charset=\"a; boundary=c\"; boundary=b; x=y", "b" },
    { "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
      "----WebKitFormBoundary7MA4YWxkTrZu0gW" },
    { "multipart/form-data; boundary=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?" },
    { "multipart/form-data; boundary=----=_Part/1:2", "----=_Part/1:2" },
    { "multipart/form-data; boundary="
      "0123456789012345678901234567890123456789012345678901234567890123456789",
      "0123456789012345678901234567890123456789012345678901234567890123456789"
    },
    { "multipart/form-data; boundary="
      "01234567890123456789012345678901234567890123456789012345678901234567890",
      NULL },
    { "", NULL },
    { "multipart/form-data", NULL },
    { "multipart/form-data;", NULL },
    { "multipart/form-data; boundary", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary=\"\"", NULL },
    { "multipart/form-data; boundary=\"b ", NULL },
    { "multipart/form-data; boundary=\"b \"", NULL },
    { "multipart/form-data; boundary=\" b\"", " b" },
    { "multipart/form-data; boundary=b c", NULL },
    { "multipart/form-data; boundary=b,c", NULL },
    { "multipart/form-data; boundary=b, multipart/form-data; boundary=c",
      NULL },
    { "multipart/form-data; boundary=b; boundary=b", NULL },
    { "multipart/form-data; boundary=b; x", NULL },
    { "multipart/form-data; boundary=\"b\\\"\"", NULL },
    { "multipart/form-data; boundary=\"b\tc\"", NULL },
    { "multipart/form-data; boundary=b@", NULL },
    { "multipart/form-data; boundary=\xc3\xa9", NULL },
    { "multipart/form-data; xboundary=b", NULL },
    { "multipart/form-data, boundary=b", NULL },
    { "multipart/form-data; boundary =b", NULL }
};


static form_t  form = {
    .boundary = "b",
    .limits = { 3, 300 }
};


static void
test_forms(void)
{
    size_t  i;

    for (i = 0; i < COUNT(forms); i++) {
        form.body = (const unsigned char *) forms[i].body;
        form.len = forms[i].len;

        form_check(&form, forms[i].right, strlen(forms[i].right), NULL, 0);
    }
}


static void
test_params(void)
{
    size_t  i;
    char    body[256], right[64];

    for (i = 0; i < COUNT(params); i++) {
        form.body = (unsigned char *) body;
        form.len = sprintf(body, "--b\r\nContent-Disposition: form-data%s"
                           "\r\n\r\nx\r\n--b--", params[i].params);

        form_check(&form, right, sprintf(right, "%s=x;", params[i].right),
                   NULL, 0);
    }
}


static void
test_boundaries(void)
{
    size_t          i, n, len, right_len;
    const char     *right;
    unsigned char  *type, *dst;

    for (i = 0; i < COUNT(boundaries); i++) {
        len = strlen(boundaries[i].type);
        type = check_copy(boundaries[i].type, len);
        right = boundaries[i].right ? boundaries[i].right : "";
        right_len = strlen(right);

        dst = check_copy("", 0);
        dst = realloc(dst, 70);
        n = ngx_http_task_multipart_boundary(type, len, dst, 70);
        check_same(dst, n, right, right_len, "boundary", type, len);

        /* it fits just so, or not at all */

        free(dst);
        dst = check_copy(type, right_len ? right_len : 1);

        check(ngx_http_task_multipart_boundary(type, len, dst, right_len)
              == right_len, "boundary that fits", type, len);
        check(right_len == 0
              || ngx_http_task_multipart_boundary(type, len, dst,
                                                  right_len - 1) == 0,
              "boundary that does not fit", type, len);

        free(dst);
        free(type);
    }
}


/* a delimiter behind so much content, at each place of a block and a piece */

static void
test_places(void)
{
    size_t       i, n, len;
    char         body[400], right[200], content[100];

    static const char *const  fills[] = {
        "x", "\r", "\n", "-", "\r\n", "\r\n-", "\r\n--", "\r\n--boundar",
        "\r\n--boundarX", "\r\n--boundary-x"
    };

    form.boundary = "boundary";

    for (i = 0; i < COUNT(fills); i++) {
        len = strlen(fills[i]);

        for (n = 1; n <= 80; n++) {
            content[n - 1] = fills[i][(n - 1) % len];
            content[n] = '\0';

            form.body = (unsigned char *) body;
            form.len = sprintf(body, "--boundary\r\n" A "\r\n%s\r\n"
                               "--boundary--\r\n", content);

            /* a boundary that is complete now is one */

            if (n >= 11 && memcmp(content + n - 11, "\n--boundary", 11) == 0) {
                continue;
            }

            form_check(&form, right, sprintf(right, "a=%s;", content), NULL, 0);
        }
    }

    form.boundary = "b";
}


/* as long a boundary as there may be, and others that begin likewise */

static void
test_boundary(void)
{
    char  body[600], told[300], b[71], content[250];

    memset(b, 'b', 70);
    b[70] = '\0';

    sprintf(content, "\r\n--%.69s\r\n--%sb\r\n--%.69sc", b, b, b);

    form.boundary = b;
    form.body = (unsigned char *) body;
    form.len = sprintf(body, "--%s\r\n" A "\r\n%s\r\n--%s--", b, content, b);

    form_check(&form, told, sprintf(told, "a=%s;", content), NULL, 0);

    form.boundary = "b";
}


/* thousands of parts, of hundreds of bytes */

static void
test_many(void)
{
    size_t   i, n, told_len;
    char    *body, *told;

    body = malloc(5000 * 600);
    told = malloc(5000 * 600);

    if (body == NULL || told == NULL) {
        printf("no memory\n");
        exit(1);
    }

    n = 0;
    told_len = 0;

    for (i = 0; i < 5000; i++) {
        n += sprintf(body + n, "--b\r\n" A "\r\n%0*zu\r\n",
                     (int) (i % 500), i);
        told_len += sprintf(told + told_len, "a=%0*zu;", (int) (i % 500), i);
    }

    n += sprintf(body + n, "--b--");

    form.body = (unsigned char *) body;
    form.len = n;
    form.limits.max_parts = 5000;

    form_check(&form, told, told_len, NULL, 0);

    form.limits.max_parts = 3;
    free(body);
    free(told);
}


/* texts that grow, as much as headers may have */

static void
test_growth(void)
{
    size_t  n, told_len, i;
    char    body[NGX_HTTP_TASK_MULTIPART_HEAD + 100];
    char    told[3 * NGX_HTTP_TASK_MULTIPART_HEAD];

    n = sprintf(body, "--b\r\nContent-Disposition: form-data; name=\"");
    told_len = 0;

    while (n < 5 + NGX_HTTP_TASK_MULTIPART_HEAD - 5) {
        body[n++] = '\xff';
        told_len += sprintf(told + told_len, "\xef\xbf\xbd");
    }

    n += sprintf(body + n, "\"\r\n\r\nx\r\n--b--");
    told_len += sprintf(told + told_len, "=x;");

    form.body = (unsigned char *) body;
    form.len = n;

    for (i = 0; i < 2; i++) {
        form.limits.max_head = NGX_HTTP_TASK_MULTIPART_HEAD + i;

        form_check(&form, told, told_len, NULL, 0);
    }

    form.limits.max_head = 300;
}


int
main(void)
{
    test_forms();
    test_params();
    test_boundaries();
    test_places();
    test_boundary();
    test_many();
    test_growth();

    return 0;
}
