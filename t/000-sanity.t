use strict;
use warnings;

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my $block = shift;

    # What is refused while its body is still on the way is marked no_http2: nginx
    # resets such a stream after its answer, which curl may take for an error.

    # Test::Nginx writes "http2 on", which came with 1.25.1

    $Test::Nginx::Util::NginxVersion = 1.019008
        if $Test::Nginx::Util::NginxVersion < 1.025001;

    $block->set_value('no_error_log', "[alert]\n[emerg]\nSanitizer")
        unless defined $block->no_error_log;
    $block->set_value('request', 'GET /t') unless defined $block->request
                                           || defined $block->raw_request;
});

no_long_string();
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: quick
--- config
    location = /t { quick; }
--- response_body chomp
{"status":"quick response"}
--- response_headers
Content-Type: application/json
Content-Length: 27


=== TEST 2: quick, a body of one's own
--- config
    location = /t { quick '[1, "two", {"three": null}]'; }
--- response_body chomp
[1, "two", {"three": null}]


=== TEST 3: quick, HEAD
--- config
    location = /t { quick; }
--- request
HEAD /t
--- response_body
--- response_headers
Content-Type: application/json
Content-Length: 27


=== TEST 4: quick, a method that is not allowed
--- no_http2
--- config
    location = /t { quick; }
--- request
POST /t
n=1
--- error_code: 405
--- response_headers
Allow: GET, HEAD
Content-Type: application/json
--- response_body chomp
{"detail":"Method Not Allowed"}


=== TEST 5: quick, with a body nobody needs
--- no_http2
--- config
    location = /t { quick; }
--- request
GET /t
hello
--- response_body chomp
{"status":"quick response"}


=== TEST 6: async
--- config
    location = /t { task sleep duration=50ms; }
--- response_body chomp
{"status":"long_running task completed"}
--- response_headers
Content-Type: application/json
Content-Length: 40


=== TEST 7: thread
--- config
    location = /t { task sleep duration=50ms; task_mode thread; }
--- response_body chomp
{"status":"long_running task completed"}
--- response_headers
Content-Type: application/json
Content-Length: 40


=== TEST 8: sync
--- config
    location = /t { task sleep duration=50ms; task_mode sync; }
--- response_body chomp
{"status":"long_running task completed"}
--- response_headers
Content-Type: application/json
Content-Length: 40


=== TEST 9: HEAD runs the task and has the same headers
--- http_config
    log_format task '$task_function $task_mode $task_state';
--- config
    location = /t {
        task sleep duration=50ms;
        access_log logs/access.log task;
    }
--- request
HEAD /t
--- response_body
--- response_headers
Content-Type: application/json
Content-Length: 40
--- access_log
sleep async done


=== TEST 10: all is fixed: no POST
--- no_http2
--- config
    location = /t { task sleep duration=50ms status=x; }
--- request
POST /t
{}
--- error_code: 405
--- response_headers
Allow: GET, HEAD
--- response_body chomp
{"detail":"Method Not Allowed"}


=== TEST 11: one parameter is left: POST
--- no_http2
--- config
    location = /t { task sleep duration=50ms; }
--- request
PUT /t
{}
--- error_code: 405
--- response_headers
Allow: GET, HEAD, POST
--- response_body chomp
{"detail":"Method Not Allowed"}


=== TEST 12: variables have no value without a task
--- http_config
    log_format task 'f=$task_function m=$task_mode s=$task_state '
                    'q=$task_queue_time r=$task_run_time';
--- config
    location = /t {
        quick;
        access_log logs/access.log task;
    }
--- response_body chomp
{"status":"quick response"}
--- access_log
f=- m=- s=- q=- r=-


=== TEST 13: nor after a 405
--- http_config
    log_format task 'f=$task_function m=$task_mode s=$task_state '
                    'q=$task_queue_time r=$task_run_time';
--- config
    location = /t {
        task sleep;
        access_log logs/access.log task;
    }
--- request
DELETE /t
--- error_code: 405
--- response_body chomp
{"detail":"Method Not Allowed"}
--- access_log
f=- m=- s=- q=- r=-


=== TEST 14: nor after a 422
--- http_config
    log_format task 'f=$task_function m=$task_mode s=$task_state '
                    'q=$task_queue_time r=$task_run_time';
--- config
    location = /t {
        task sleep;
        access_log logs/access.log task;
    }
--- request
GET /t?duration=x
--- error_code: 422
--- response_body_like: time_delta_parsing
--- access_log
f=- m=- s=- q=- r=-
