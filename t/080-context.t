use strict;
use warnings;

# Tasks among nginx's own: subrequests, redirects, filters.

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('no_error_log', "[alert]\n[emerg]\nSanitizer");
    $block->set_value('request', 'GET /t') unless defined $block->request;
    $block->set_value('http_config', ($block->http_config // '') . <<'END');
    log_format task 'logged: $uri $status $task_function $task_mode '
                    '$task_state $task_queue_time $task_run_time';
    access_log logs/access.log task;
END
});

no_long_string();

# Debian's nginx has both, a default build has neither

my $configured = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;

for my $need (qw(auth_request addition)) {
    plan(skip_all => "nginx is built without --with-http_${need}_module")
        unless $configured =~ /--with-http_${need}_module\b/;
}

plan('no_plan');
run_tests();

__DATA__

=== TEST 1: SSI, three modes in one page
--- config
    location = /t { default_type text/html; ssi on; root html; try_files /page.html =404; }
    location = /a { task sleep duration=80ms status=a; }
    location = /b { task sleep duration=20ms status=b; task_mode thread; }
    location = /c { task sleep duration=20ms status=c; task_mode sync; }
    location = /q { quick; }
--- user_files
>>> page.html
1<!--#include virtual="/a" -->2<!--#include virtual="/b" -->3<!--#include virtual="/c" -->4<!--#include virtual="/q" -->5
--- response_body
1{"status":"a"}2{"status":"b"}3{"status":"c"}4{"status":"quick response"}5


=== TEST 2: SSI, an error in a subrequest
--- config
    location = /t { default_type text/html; ssi on; root html; try_files /page.html =404; }
    location = /a { task sleep; }
--- user_files
>>> page.html
1<!--#include virtual="/a?duration=x" -->2
--- response_body_like
^1\{"detail":\[\{"type":"time_delta_parsing".*\}\]\}2$


=== TEST 3: auth_request
--- config
    location = /t { auth_request /auth; quick '"welcome"'; }
    location = /auth { internal; task sleep duration=50ms; }
--- response_body chomp
"welcome"


=== TEST 4: auth_request under a POST
--- config
    location = /t { auth_request /auth; task sleep duration=50ms; }
    location = /auth { internal; task sleep duration=50ms; task_mode thread; }
--- request
POST /t
{"status":"posted"}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"status":"posted"}


=== TEST 5: auth_request that is refused
--- config
    location = /t { auth_request /auth; quick; }
    location = /auth { internal; task sleep duration=$http_x_d; error_page 422 =403 /no; }
    location = /no { return 403; }
--- request
GET /t
--- more_headers
X-D: x
--- error_code: 403
--- response_body_like: 403 Forbidden


=== TEST 6: mirror
--- config
    location = /t { mirror /m; quick '"seen"'; }
    location = /m { internal; task sleep duration=50ms; task_mode thread; log_subrequest on; }
--- response_body chomp
"seen"
--- wait: 0.2
--- access_log
logged: /m 200 sleep thread done


=== TEST 7: mirror of a POST
--- config
    location = /t { mirror /m; task sleep duration=10ms; }
    location = /m { internal; task sleep duration=50ms; log_subrequest on; }
--- request
POST /t
{"status":"both"}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"status":"both"}
--- wait: 0.2
--- access_log
logged: /m 200 sleep async done


=== TEST 8: mirror without its body
--- config
    location = /t { mirror /m; mirror_request_body off; task sleep duration=10ms; }
    location = /m { internal; task sleep duration=50ms; log_subrequest on; }
--- request
POST /t
{"status":"one"}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"status":"one"}
--- wait: 0.2
--- access_log
logged: /m 200 sleep async done


=== TEST 9: add_before_body, add_after_body
--- config
    location = /t {
        default_type text/html;
        addition_types application/json;
        add_before_body /a; add_after_body /b;
        quick '"between"';
    }
    location = /a { task sleep duration=50ms status=a; }
    location = /b { task sleep duration=50ms status=b; task_mode thread; }
--- response_body chomp
{"status":"a"}"between"{"status":"b"}


=== TEST 10: error_page to a task
--- config
    location = /t { return 404; error_page 404 =200 /task; }
    location = /task { internal; task sleep duration=50ms status=saved; }
--- response_body chomp
{"status":"saved"}
--- access_log eval
qr{logged: /task 200 sleep async done \d+\.\d{3} \d+\.\d{3}$}


=== TEST 11: error_page of a task, to a named location
--- config
    location = /t { task sleep; error_page 422 = @wrong; }
    location @wrong { quick '"wrong"'; }
--- request
GET /t?duration=x
--- response_body chomp
"wrong"
--- access_log
logged: /t 200 - - - - -


=== TEST 12: error_page for 405 keeps Allow
--- config
    location = /t { task sleep; error_page 405 /wrong; }
    location = /wrong { quick '"wrong"'; }
--- request
DELETE /t
--- error_code: 405
--- response_headers
Allow: GET, HEAD, POST
--- response_body chomp
"wrong"


=== TEST 13: internal, from outside
--- config
    location = /t { internal; task sleep; }
--- error_code: 404
--- response_body_like: 404 Not Found


=== TEST 14: try_files, named location
--- config
    location = /t { try_files /nothing @task; }
    location @task { task sleep duration=50ms; task_mode thread; }
--- response_body chomp
{"status":"long_running task completed"}
--- access_log
logged: /t 200 sleep thread done


=== TEST 15: rewrite
--- config
    location = /t { rewrite ^ /task?status=rewritten last; }
    location = /task { task sleep duration=50ms; }
--- response_body chomp
{"status":"rewritten"}


=== TEST 16: limit_req delays, then the task runs
--- http_config
    limit_req_zone $server_port zone=one:1m rate=10r/s;
--- config
    location = /t { limit_req zone=one burst=5; task sleep duration=20ms; }
--- request eval
[ "GET /t", "GET /t" ]
--- response_body eval
[ ("{\"status\":\"long_running task completed\"}") x 2 ]


=== TEST 17: limit_req rejects as on any content
--- http_config
    limit_req_zone $server_port zone=two:1m rate=1r/m;
--- config
    location = /t { limit_req zone=two; task sleep duration=20ms; }
--- request eval
[ "GET /t", "GET /t" ]
--- error_code eval
[ 200, 503 ]
--- response_body_like eval
[ "completed", "<h1>503 Service " ]


=== TEST 18: gzip
--- config
    location = /t {
        task sleep duration=20ms;
        gzip on; gzip_min_length 1; gzip_types application/json;
    }
--- more_headers
Accept-Encoding: gzip
--- response_headers
Content-Encoding: gzip
!Content-Length
--- response_body_like: ^\x1f\x8b


=== TEST 19: add_header, expires, charset
--- config
    location = /t {
        task sleep duration=20ms;
        add_header X-State $task_state;
        expires 1h;
        charset utf-8; charset_types application/json;
    }
--- response_headers
X-State: done
Cache-Control: max-age=3600
Content-Type: application/json; charset=utf-8
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 20: a range is not honoured, as nobody offered it
--- config
    location = /t { task sleep duration=20ms; }
--- more_headers
Range: bytes=0-3
--- error_code: 200
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 21: If-None-Match and the like do not matter
--- config
    location = /t { task sleep duration=20ms; }
--- more_headers
If-None-Match: "x"
If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT
--- error_code: 200
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 22: proxied
--- config
    location = /t { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/task; }
    location = /task { task sleep duration=50ms; task_mode thread; }
--- response_body chomp
{"status":"long_running task completed"}
--- response_headers
Content-Type: application/json


=== TEST 23: error_page from task to task: one Allow
--- config
    location = /t { task sleep; error_page 405 @e; }
    location @e { task sleep duration=0 status=x; }
--- request
DELETE /t
--- error_code: 405
--- raw_response_headers_like
Allow: GET, HEAD\s*$
--- raw_response_headers_unlike
Allow: GET, HEAD, POST
--- response_body chomp
{"detail":"Method Not Allowed"}


=== TEST 24: what is on its way slowly has its body behind it
--- config
    location = /t { quick; limit_rate 100; postpone_output 0; }
--- timeout: 15
--- response_body chomp
{"status":"quick response"}


=== TEST 25: so has a task
--- config
    location = /t { task sleep duration=1ms; limit_rate 100; postpone_output 0; }
--- timeout: 15
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 26: so has a status
--- http_config
    task_zone numbers:64k;
--- config
    location = /t { task_status json; limit_rate 600; postpone_output 0; }
--- timeout: 15
--- response_body_like: "tasks":\[\]\}\],"jobs":\[\],"libraries":\[\]\}$
