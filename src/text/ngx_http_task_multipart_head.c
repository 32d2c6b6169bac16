
/*
 * The headers of a part of a form.
 *
 *     header = name ":" OWS value OWS
 *
 * A line is read as a whole into the state.  It ends with CRLF only, and does
 * not go on in the next one.  A byte that no line can have is found as it
 * arrives, all else when the line is complete.
 */


#include "text/ngx_http_task_multipart_state.h"

#include "text/ngx_http_task_field.h"

#include <string.h>


static int head_byte(ngx_http_task_multipart_t *s, unsigned char c);
static int head_line(ngx_http_task_multipart_t *s);
static int head_disposition(ngx_http_task_multipart_t *s,
    const ngx_http_task_span_t *value);
static int head_param(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param,
    ngx_http_task_span_t *extended, const char **error);
static int head_text(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param, ngx_http_task_span_t *text,
    const char **error);
static int head_extended(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param, ngx_http_task_span_t *text,
    const char **error);
static void head_keep(ngx_http_task_multipart_t *s, ngx_http_task_span_t *text,
    const ngx_http_task_span_t *value);
static int head_error(ngx_http_task_multipart_t *s, const unsigned char *p,
    const char *error);


const unsigned char *
ngx_http_task_multipart_head(ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *last)
{
    while (p < last) {

        if (!head_byte(s, *p++)) {
            break;
        }
    }

    return p;
}


/* returns 0 if this byte was the last one, or is wrong */

static int
head_byte(ngx_http_task_multipart_t *s, unsigned char c)
{
    uint64_t  at;

    at = s->line_at + s->len + s->cr;

    if (s->head == s->limits.max_head) {
        return ngx_http_task_multipart_error(s, at,
                                         "The headers of a part are too long");
    }

    s->head++;

    if (s->cr) {

        if (c != '\n') {
            return ngx_http_task_multipart_error(s, at - 1,
                               "A header has a carriage return in its line");
        }

        if (s->len) {
            s->cr = 0;
            return head_line(s);
        }

        if (!s->disposed) {
            return ngx_http_task_multipart_error(s, s->line_at,
                                         "A part has no Content-Disposition");
        }

        s->state = MULTIPART_CONTENT;

        return 0;
    }

    if (c == '\r') {
        s->cr = 1;
        return 1;
    }

    if (c == '\n') {
        return ngx_http_task_multipart_error(s, at,
                       "The line of a header does not end with CRLF, but LF");
    }

    if ((c < 0x20 && c != '\t') || c == 0x7f) {
        return ngx_http_task_multipart_error(s, at,
                                       "A header has a control character");
    }

    s->line[s->len++] = c;

    return 1;
}


/* a header that is not known is allowed, but has to be of the right form */

static int
head_line(ngx_http_task_multipart_t *s)
{
    const unsigned char   *p, *end;
    ngx_http_task_span_t   name, value;

    p = s->line;
    end = p + s->len;

    if (*p == ' ' || *p == '\t') {
        return head_error(s, p, "A header goes on in a second line");
    }

    name.data = p;
    ngx_http_task_multipart_token(&p, end);
    name.len = p - name.data;

    if (name.len == 0 || p == end || *p != ':') {
        return head_error(s, p, "A header has no valid name with a colon");
    }

    p++;
    ngx_http_task_multipart_space(&p, end);

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    value.data = p;
    value.len = end - p;

    if (ngx_http_task_field_is(&name, "content-disposition")) {

        if (!head_disposition(s, &value)) {
            return 0;
        }

    } else if (ngx_http_task_field_is(&name, "content-type")) {

        if (s->part.type.data) {
            return head_error(s, name.data, "A part has Content-Type twice");
        }

        head_keep(s, &s->part.type, &value);

    } else if (ngx_http_task_field_is(&name, "content-transfer-encoding")
               && !ngx_http_task_field_is(&value, "binary")
               && !ngx_http_task_field_is(&value, "8bit")
               && !ngx_http_task_field_is(&value, "7bit"))
    {
        return head_error(s, value.data, "A Content-Transfer-Encoding, such as "
                          "base64, is not taken: content has to be sent as "
                          "it is");
    }

    s->line_at += s->len + 2;
    s->len = 0;

    return 1;
}


static int
head_disposition(ngx_http_task_multipart_t *s,
    const ngx_http_task_span_t *value)
{
    const char                       *error;
    const unsigned char              *p, *end;
    ngx_http_task_span_t              form, extended;
    ngx_http_task_multipart_param_t   param;

    p = value->data;
    end = p + value->len;

    if (s->disposed++) {
        return head_error(s, s->line, "A part has Content-Disposition twice");
    }

    form.data = p;
    ngx_http_task_multipart_token(&p, end);
    form.len = p - form.data;

    if (!ngx_http_task_field_is(&form, "form-data")) {
        return head_error(s, form.data,
                          "The Content-Disposition of a part is not form-data");
    }

    memset(&extended, 0, sizeof(extended));

    while (ngx_http_task_multipart_param(&p, end, &param, &error)) {
        if (!head_param(s, &param, &extended, &error)) {
            return head_error(s, param.name.data, error);
        }
    }

    if (error) {
        return head_error(s, p, error);
    }

    if (s->part.name.data == NULL) {
        return head_error(s, value->data,
                          "The Content-Disposition of a part has no name");
    }

    /* it says the same as filename, but in all its characters */

    if (extended.data) {
        s->part.filename = extended;
    }

    s->part.has_filename = (s->part.filename.data != NULL);

    return 1;
}


/* those that are not known are allowed, and so is a name* */

static int
head_param(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param,
    ngx_http_task_span_t *extended, const char **error)
{
    if (ngx_http_task_field_is(&param->name, "name")) {
        *error = "A part has two names";

        return s->part.name.data == NULL
               && head_text(s, param, &s->part.name, error);
    }

    if (ngx_http_task_field_is(&param->name, "filename")) {
        *error = "A part has two filenames";

        return s->part.filename.data == NULL
               && head_text(s, param, &s->part.filename, error);
    }

    if (ngx_http_task_field_is(&param->name, "filename*")) {
        *error = "A part has filename* twice";

        return extended->data == NULL
               && head_extended(s, param, extended, error);
    }

    return 1;
}


static int
head_text(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param, ngx_http_task_span_t *text,
    const char **error)
{
    unsigned char         *p;
    ngx_http_task_span_t   value;
    const unsigned char   *end;

    value = param->value;

    if (param->quoted) {
        p = s->line + (value.data - s->line);
        value.len = ngx_http_task_multipart_unquote(p, value.len);

    } else {
        end = value.data;
        ngx_http_task_multipart_token(&end, value.data + value.len);

        if (value.len == 0 || end != value.data + value.len) {
            *error = "A name without quotes is not a token";
            return 0;
        }
    }

    head_keep(s, text, &value);

    return 1;
}


static int
head_extended(ngx_http_task_multipart_t *s,
    const ngx_http_task_multipart_param_t *param, ngx_http_task_span_t *text,
    const char **error)
{
    if (param->quoted) {
        *error = "A filename* is in quotes";
        return 0;
    }

    text->data = s->text + s->text_len;

    if (!ngx_http_task_multipart_extended(s->text + s->text_len, &text->len,
                                          &param->value, error))
    {
        return 0;
    }

    s->text_len += text->len;

    return 1;
}


/* there is room: each text comes from other bytes of the headers of a part */

static void
head_keep(ngx_http_task_multipart_t *s, ngx_http_task_span_t *text,
    const ngx_http_task_span_t *value)
{
    text->data = s->text + s->text_len;
    text->len = ngx_http_task_utf8_copy(s->text + s->text_len, value->data,
                                        value->len);

    s->text_len += text->len;
}


/* p is in the line */

static int
head_error(ngx_http_task_multipart_t *s, const unsigned char *p,
    const char *error)
{
    return ngx_http_task_multipart_error(s, s->line_at + (p - s->line), error);
}
