
/*
 * Clients that leave: what shows it is handled once, in order, and for no
 * longer than a turn of the loop may take; not if the connection is closed
 * meanwhile, and as the request has it if it is answered meanwhile.
 */


#include "base/ngx_http_task_base.h"

#include "check.h"
#include "loop.h"

#include "base/ngx_http_task_work.c"
#include "base/ngx_http_task_watch.c"


#define CLIENTS  20


typedef struct {
    ngx_http_request_t  request;        /* the first member */
    ngx_connection_t    connection;
    ngx_event_t         read, write;
} client_t;


static client_t     clients[CLIENTS];
static char         seen[128];           /* who was looked at, letters */
static int64_t      takes;               /* how long that takes */

static ngx_event_t  *closes;             /* what is closed by it */


/* --- symbols of the rest of nginx and the module -------------------------- */

ngx_event_actions_t  ngx_event_actions;
ngx_uint_t           ngx_event_flags = NGX_USE_CLEAR_EVENT;

int64_t ngx_http_task_now(void) { return loop_clock; }
void ngx_http_request_empty_handler(ngx_http_request_t *r) { }
void ngx_http_finalize_request(ngx_http_request_t *r, ngx_int_t rc) { }


ngx_int_t
ngx_handle_read_event(ngx_event_t *rev, ngx_uint_t flags)
{
    return NGX_OK;
}


static void
note(ngx_http_request_t *r, char first)
{
    char  name[2] = { first + ((client_t *) r - clients), '\0' };

    strcat(seen, name);
    loop_clock += takes;
}


void
ngx_http_test_reading(ngx_http_request_t *r)
{
    note(r, 'a');

    if (closes && closes->posted) {
        ngx_delete_posted_event(closes);
    }
}


/* -------------------------------------------------------------------------- */

static void
answered(ngx_http_request_t *r)
{
    note(r, 'A');
}


static void
request_handler(ngx_event_t *ev)
{
    ngx_connection_t    *c = ev->data;
    ngx_http_request_t  *r = c->data;

    r->read_event_handler(r);
}


static void
make(void)
{
    ngx_uint_t  i;
    client_t   *client;

    memset(clients, 0, sizeof(clients));
    takes = 0;
    closes = NULL;

    for (i = 0; i < CLIENTS; i++) {
        client = &clients[i];

        client->request.connection = &client->connection;
        client->connection.data = &client->request;
        client->connection.read = &client->read;
        client->connection.write = &client->write;
        client->connection.log = &loop_log;
        client->read.data = &client->connection;
        client->read.handler = request_handler;
        client->read.log = &loop_log;
        client->write.log = &loop_log;

        ngx_http_task_watch(&client->request);
    }
}


/* nginx has an event of the client */

static void
event(ngx_uint_t i)
{
    clients[i].read.handler(&clients[i].read);
}


static void
saw(const char *names, const char *what)
{
    check_same(seen, strlen(seen), names, strlen(names), "seen", what,
               strlen(what));

    seen[0] = '\0';
}


static void
test_events(void)
{
    make();

    event(1);
    event(0);
    event(1);
    saw("", "not at once");
    loop_posted();
    saw("ba", "in this turn, in order, and once");

    event(1);
    loop_posted();
    saw("b", "again");

    event(2);
    event(3);
    event(4);
    ngx_delete_posted_event(&clients[3].read);
    clients[4].request.read_event_handler = answered;
    loop_posted();
    saw("cE", "not what is closed, and as it is when it is answered");

    event(5);
    event(6);
    event(7);
    closes = &clients[6].read;
    loop_posted();
    saw("fh", "not what another one closes");

    event(8);
    ngx_delete_posted_event(&clients[8].read);
    loop_posted();
    saw("", "not the only one that is closed");

    clients[9].request.http_version = NGX_HTTP_VERSION_20;
    event(9);
    saw("j", "a stream at once");
}


static void
test_ready(void)
{
    make();

    clients[0].read.ready = 1;
    ngx_http_task_watch(&clients[0].request);
    saw("", "ready: not at once");
    loop_posted();
    saw("a", "ready: in this turn");
}


static void
test_many(void)
{
    ngx_uint_t  i, turns;

    make();
    takes = NGX_HTTP_TASK_TURN / 4;

    for (i = 0; i < 20; i++) {
        event(i);
    }

    for (turns = 0; turns < 4 && loop_posted(); turns++) {
        check(strlen(seen) == 5 * (turns + 1), "watch", "many: five a turn",
              17);
        loop_turn();
    }

    check(turns == 4 && loop_posted() == 0, "watch", "many: four turns", 16);
    saw("abcdefghijklmnopqrst", "many: in order");
}


int
main(void)
{
    loop_init();

    test_events();
    test_ready();
    test_many();

    return 0;
}
