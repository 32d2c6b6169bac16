
/*
 * Forms of the type multipart/form-data that are wrong: what is said, and where
 * that is, however they are cut into pieces; and handlers that stop.
 */


#include "form.h"


#define LONG(s)   s, sizeof(s) - 1

/* a header, what stands behind it, and a part whose content is next */

#define A         "Content-Disposition: form-data; name=\"a\"\r\n"
#define NAMED     "Content-Disposition: form-data; name=a"
#define PART      "--b\r\n" A "\r\n"


/*
 * What is wrong, behind what is right up to there: its length is the place of
 * the error.
 */

static const struct {
    const char  *right;
    size_t       right_len;
    const char  *wrong;
    size_t       wrong_len;
    const char  *error;
} errors[] = {
    { LONG(""), LONG(""), "The form is empty" },
    { LONG("x"), LONG(""), "The boundary of the form is nowhere in it" },
    { LONG("--b"), LONG(""), "The boundary of the form is nowhere in it" },
    { LONG("--b-"), LONG(""), "The boundary of the form is nowhere in it" },
    { LONG("--b--\n"), LONG(""), "The boundary of the form is nowhere in it" },
    { LONG("--b--\r"), LONG(""), "The boundary of the form is nowhere in it" },
    { LONG("--bc--\r\n"), LONG(""),
      "The boundary of the form is nowhere in it" },
    { LONG("--b\r\n"), LONG(""), "The form ends within the headers of a part" },
    { LONG("--b  \r\n" A "\r"), LONG(""),
      "The form ends within the headers of a part" },
    { LONG(PART), LONG(""), "The form ends without its last boundary" },
    { LONG(PART "x\r\n"), LONG(""), "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b"), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b-"), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b--\r"), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b  "), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b--x"), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x--b--"), LONG(""),
      "The form ends without its last boundary" },
    { LONG(PART "x\r\n--b\r\n" A), LONG(""),
      "The form ends within the headers of a part" },

    { LONG("--b                                                             "
           "   "), LONG(" \r\n" A "\r\nx\r\n--b--"),
      "Too much white space after a boundary" },
    { LONG(PART "\r\n--b--                                                  "
           "            "), LONG("\t"),
      "Too much white space after a boundary" },

    /* lines */

    { LONG("--b\r\nA: b"), LONG("\n" A "\r\nx\r\n--b--"),
      "The line of a header does not end with CRLF, but LF" },
    { LONG("--b\r\n"), LONG("\n"),
      "The line of a header does not end with CRLF, but LF" },
    { LONG("--b\r\nA: b"), LONG("\rc\r\n"),
      "A header has a carriage return in its line" },
    { LONG("--b\r\n"), LONG("\r\r\n"),
      "A header has a carriage return in its line" },
    { LONG("--b\r\n" NAMED "; filename=\"x"), LONG("\ry\"\r\n"),
      "A header has a carriage return in its line" },
    { LONG("--b\r\n" NAMED "; filename=\"x"), LONG("\ny\"\r\n"),
      "The line of a header does not end with CRLF, but LF" },
    { LONG("--b\r\n" NAMED "; filename="), LONG("\"x\r\ny\"\r\n"),
      "A quote in a header has no end" },
    { LONG("--b\r\nA: b"), LONG("\0\r\n"), "A header has a control character" },
    { LONG("--b\r\nA: b"), LONG("\x1f"), "A header has a control character" },
    { LONG("--b\r\nA"), LONG("\x7f"), "A header has a control character" },
    { LONG("--b\r\n" NAMED "; filename=\"x"), LONG("\0y\"\r\n"),
      "A header has a control character" },
    { LONG("--b\r\nA: b\r\n"), LONG(" c\r\n"),
      "A header goes on in a second line" },
    { LONG("--b\r\n" NAMED ";\r\n"), LONG("\tfilename=x\r\n"),
      "A header goes on in a second line" },
    { LONG("--b\r\nA b"), LONG("\0"), "A header has a control character" },

    /* names of headers */

    { LONG("--b\r\nA"), LONG(" : b\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\nA"), LONG("\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\n"), LONG(": b\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\nA"), LONG("\xc3\xa9: b\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\nA"), LONG("=b: c\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\nA"), LONG("/b: c\r\n"),
      "A header has no valid name with a colon" },
    { LONG("--b\r\n--b"), LONG("\r\n"),
      "A header has no valid name with a colon" },

    /* what has to be there, and once */

    { LONG(PART "--b\r\n"), LONG("\r\n--b--"),
      "A part has no Content-Disposition" },
    { LONG("--b\r\n"), LONG("\r\nx\r\n--b--"),
      "A part has no Content-Disposition" },
    { LONG("--b\r\nContent-Type: x\r\n"), LONG("\r\n"),
      "A part has no Content-Disposition" },
    { LONG("--b\r\n" A), LONG(A "\r\n"),
      "A part has Content-Disposition twice" },
    { LONG(PART "x\r\n--b\r\n"), LONG("\r\n"),
      "A part has no Content-Disposition" },
    { LONG("--b\r\nContent-Type: x\r\n"), LONG("Content-Type: x\r\n"),
      "A part has Content-Type twice" },
    { LONG("--b\r\nContent-Disposition: "), LONG("attachment; name=a\r\n"),
      "The Content-Disposition of a part is not form-data" },
    { LONG("--b\r\nContent-Disposition: "), LONG("form-datas; name=a\r\n"),
      "The Content-Disposition of a part is not form-data" },
    { LONG("--b\r\nContent-Disposition:"), LONG("\r\n"),
      "The Content-Disposition of a part is not form-data" },
    { LONG("--b\r\nContent-Disposition: "), LONG("form-data\r\n"),
      "The Content-Disposition of a part has no name" },
    { LONG("--b\r\nContent-Disposition: "),
      LONG("form-data; filename=\"x; name=y\"; names=a; name*=UTF-8''a\r\n"),
      "The Content-Disposition of a part has no name" },

    /* parameters */

    { LONG("--b\r\nContent-Disposition: form-data "), LONG("name=a\r\n"),
      "A header has no semicolon in front of a parameter" },
    { LONG("--b\r\n" NAMED), LONG("\"b\"\r\n"),
      "A header has no semicolon in front of a parameter" },
    { LONG("--b\r\n" NAMED " "), LONG("b\r\n"),
      "A header has no semicolon in front of a parameter" },
    { LONG("--b\r\n" NAMED "; x=\"\""), LONG("b\r\n"),
      "A header has no semicolon in front of a parameter" },
    { LONG("--b\r\n" NAMED "; "), LONG("=b\r\n"),
      "A parameter of a header has no valid name with an \"=\"" },
    { LONG("--b\r\n" NAMED "; x"), LONG("/y=b\r\n"),
      "A parameter of a header has no valid name with an \"=\"" },
    { LONG("--b\r\n" NAMED "; x"), LONG("\r\n"),
      "A parameter of a header has no valid name with an \"=\"" },
    { LONG("--b\r\n" NAMED "; x"), LONG(" = b\r\n"),
      "A parameter of a header has no valid name with an \"=\"" },
    { LONG("--b\r\n" NAMED "; x="), LONG("\"b\r\n"),
      "A quote in a header has no end" },
    { LONG("--b\r\n" NAMED "; x="), LONG("\"b\\\"\r\n"),
      "A quote in a header has no end" },
    { LONG("--b\r\n" NAMED "; x="), LONG("\"\r\n"),
      "A quote in a header has no end" },
    { LONG("--b\r\n" NAMED "; "), LONG("name=a\r\n"), "A part has two names" },
    { LONG("--b\r\n" NAMED "; "), LONG("Name=\"\"\r\n"),
      "A part has two names" },
    { LONG("--b\r\n" NAMED "; filename=\"\"; "), LONG("filename=x\r\n"),
      "A part has two filenames" },
    { LONG("--b\r\n" NAMED "; filename*=UTF-8''x; "),
      LONG("filename*=UTF-8''y\r\n"), "A part has filename* twice" },
    { LONG("--b\r\nContent-Disposition: form-data; "), LONG("name=\r\n"),
      "A name without quotes is not a token" },
    { LONG("--b\r\nContent-Disposition: form-data; "),
      LONG("name=\xc3\xa9\r\n"),
      "A name without quotes is not a token" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename=a/b\r\n"),
      "A name without quotes is not a token" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename=;x=y\r\n"),
      "A name without quotes is not a token" },

    { LONG("--b\r\n" NAMED "; "), LONG("filename*=\"UTF-8''x\"\r\n"),
      "A filename* is in quotes" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=x\r\n"),
      "A filename* is not of the form UTF-8''text" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=\r\n"),
      "A filename* is not of the form UTF-8''text" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8'x\r\n"),
      "A filename* is not of the form UTF-8''text" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=''x\r\n"),
      "A filename* is not of the form UTF-8''text" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-16''x\r\n"),
      "A filename* is not of the form UTF-8''text" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''%4\r\n"),
      "A filename* has a \"%\" without two digits" },
    { LONG("--b\r\nA: 0000000000000000000000000000000000000000000000000000000"
           "00000000000000000\r\n" NAMED "; "), LONG("filename*=UTF-8''%4\r\n"),
      "A filename* has a \"%\" without two digits" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''%4gx\r\n"),
      "A filename* has a \"%\" without two digits" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''%g4x\r\n"),
      "A filename* has a \"%\" without two digits" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''a%00\r\n"),
      "A filename* has a null" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''a/b\r\n"),
      "A filename* has a character that is not percent-encoded" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''a'b\r\n"),
      "A filename* has a character that is not percent-encoded" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''\xc3\xa9\r\n"),
      "A filename* has a character that is not percent-encoded" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''%e9\r\n"),
      "A filename* is not UTF-8" },
    { LONG("--b\r\n" NAMED "; "), LONG("filename*=UTF-8''%ed%a0%80\r\n"),
      "A filename* is not UTF-8" },

    { LONG("--b\r\n" A "Content-Transfer-Encoding: "), LONG("base64\r\n"),
      "A Content-Transfer-Encoding, such as base64, is not taken: content has "
      "to be sent as it is" },
    { LONG("--b\r\nContent-Transfer-Encoding: "), LONG("quoted-printable\r\n"),
      "A Content-Transfer-Encoding, such as base64, is not taken: content has "
      "to be sent as it is" },
    { LONG("--b\r\nContent-Transfer-Encoding:"), LONG("\r\n"),
      "A Content-Transfer-Encoding, such as base64, is not taken: content has "
      "to be sent as it is" },

    /* limits */

    { LONG(PART PART PART "--b\r\n"), LONG(A "\r\n--b--"), "Too many parts" },
    { LONG(PART "x\r\n" PART "x\r\n" PART "x\r\n--b\r\n"), LONG("x"),
      "Too many parts" }
};


static form_t  form = {
    .boundary = "b",
    .limits = { 3, 300 }
};


static void
test_errors(void)
{
    size_t  i;
    char    body[400];

    for (i = 0; i < COUNT(errors); i++) {
        memcpy(body, errors[i].right, errors[i].right_len);
        memcpy(body + errors[i].right_len, errors[i].wrong,
               errors[i].wrong_len);

        form.body = (unsigned char *) body;
        form.len = errors[i].right_len + errors[i].wrong_len;

        form_check(&form, "", 0, errors[i].error, errors[i].right_len);
    }
}


/* headers that are just as long as they may be, and longer ones */

static void
test_head(void)
{
    size_t  i, len;
    char    body[2 * NGX_HTTP_TASK_MULTIPART_HEAD];

    static const char  long_ones[] = "The headers of a part are too long";

    static const size_t  limits[] = {
        0, 1, 60, NGX_HTTP_TASK_MULTIPART_HEAD,
        NGX_HTTP_TASK_MULTIPART_HEAD + 1
    };

    form.body = (unsigned char *) body;

    for (i = 0; i < COUNT(limits); i++) {
        form.limits.max_head = limits[i];
        len = limits[i] < NGX_HTTP_TASK_MULTIPART_HEAD
              ? limits[i] : NGX_HTTP_TASK_MULTIPART_HEAD;

        /* one line without an end, and short lines */

        memset(body, 'x', sizeof(body));
        memcpy(body, "--b\r\n", 5);
        form.len = sizeof(body);
        form_check(&form, "", 0, long_ones, 5 + len);

        for (form.len = 5; form.len + 6 < sizeof(body); form.len += 6) {
            memcpy(body + form.len, "a: b\r\n", 6);
        }

        form_check(&form, "", 0, long_ones, 5 + len);
    }

    form.limits.max_head = sizeof(A "\r\n") - 1;
    form.len = sprintf(body, "--b\r\n" A "\r\nx\r\n--b\r\n" A "\r\ny\r\n--b--");
    form_check(&form, "a=x;a=y;", 8, NULL, 0);

    form.limits.max_head--;
    form_check(&form, "", 0, long_ones, 5 + form.limits.max_head);

    form.limits.max_head = 300;
}


/* 0 parts may be all that there may be */

static void
test_no_parts(void)
{
    form.limits.max_parts = 0;

    form.body = (const unsigned char *) "--b--";
    form.len = 5;
    form_check(&form, "", 0, NULL, 0);

    form.body = (const unsigned char *) PART "x\r\n--b--";
    form.len = sizeof(PART "x\r\n--b--") - 1;
    form_check(&form, "", 0, "Too many parts", 5);

    form.limits.max_parts = 3;
}


/* each call of a handler may be the last one */

static void
test_stop(void)
{
    unsigned  stop, calls;

    static const char  body[] = PART "x\r\n--bx\r\n" PART "y\r\n--b--\r\n";

    form.body = (const unsigned char *) body;
    form.len = sizeof(body) - 1;

    for (form.piece = 1; form.piece < form.len; form.piece += 7) {
        for (form.want = 0; form.want < 2; form.want++) {
            form.stop = 0;
            form_read(&form);
            free(form.told);
            calls = form.calls;

            for (stop = 1; stop <= calls; stop++) {
                form.stop = stop;

                check(form_read(&form) && form.calls == stop
                      && form.multipart.error
                      && strcmp(form.multipart.error,
                                "The form is not read to its end") == 0,
                      "stops", body, form.len);

                free(form.told);
            }
        }
    }

    form.stop = 0;
}


static void
test_boundary(void)
{
    char  boundary[72];

    form.body = (const unsigned char *) "--b--";
    form.len = 5;

    form.boundary = "";
    form_check(&form, "", 0, "The boundary has no valid length", 0);

    memset(boundary, 'b', 71);
    boundary[71] = '\0';

    form.boundary = boundary;
    form_check(&form, "", 0, "The boundary has no valid length", 0);

    form.boundary = "b";
}


int
main(void)
{
    test_errors();
    test_head();
    test_no_parts();
    test_stop();
    test_boundary();

    return 0;
}
