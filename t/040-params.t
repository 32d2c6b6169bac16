use strict;
use warnings;

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my $block = shift;

    # Test::Nginx writes "http2 on", which came with 1.25.1

    $Test::Nginx::Util::NginxVersion = 1.019008
        if $Test::Nginx::Util::NginxVersion < 1.025001;

    $block->set_value('no_error_log', "[alert]\n[emerg]\nSanitizer");
    $block->set_value('config', <<'END') unless defined $block->config;
    location = /t { task sleep duration=0; }
    location = /d { task sleep; task_param duration max=2s default=10ms; }
END
});

no_long_string();
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: query
--- request
GET /t?status=hello
--- response_body chomp
{"status":"hello"}


=== TEST 2: percent-encoding and plus
--- request
GET /t?st%61tus=a+b%20c%22%5C
--- response_body chomp
{"status":"a b c\"\\"}


=== TEST 3: what is no escape stays
--- request
GET /t?status=%zz%2
--- response_body chomp
{"status":"%zz%2"}


=== TEST 4: of a repeated name the last one counts
--- request
GET /t?status=a&x=y&status=b&&
--- response_body chomp
{"status":"b"}


=== TEST 5: names differ in case, unknown names are ignored
--- request
GET /t?STATUS=a&other=1&status
--- response_body chomp
{"status":""}


=== TEST 6: invalid UTF-8 is replaced
--- request
GET /t?status=a%ff%C3%A9%E2%82b
--- response_body eval
"{\"status\":\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbdb\"}"


=== TEST 7: a null cannot be in a C string
--- request
GET /t?status=a%00b
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"value_error","loc":["query","status"],"msg":"Value error, null character not allowed","input":"a�b","ctx":{"error":"null character not allowed"}}]}


=== TEST 8: a fixed one is ignored in the request
--- request
GET /t?duration=1h
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 9: a fixed one is ignored in the body
--- request
POST /t
{"duration":"nonsense","status":"x"}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"status":"x"}


=== TEST 10: what is no time
--- request
GET /d?duration=soon
--- error_code: 422
--- raw_response_headers_like: HTTP/(?:1.1 422 Unprocessable Content|2 422)
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":[{"type":"time_delta_parsing","loc":["query","duration"],"msg":"Input should be a valid timedelta, expected a time as 1500ms, 20s or 1m30s","input":"soon","ctx":{"error":"expected a time as 1500ms, 20s or 1m30s"}}]}


=== TEST 11: over a narrowed bound
--- request
GET /d?duration=2001ms
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["query","duration"],"msg":"Input should be less than or equal to 2s","input":"2001ms","ctx":{"le":2}}]}


=== TEST 12: over the function's own bound
--- config
    location = /t { task sleep; }
--- request
GET /t?duration=61m
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["query","duration"],"msg":"Input should be less than or equal to 1h","input":"61m","ctx":{"le":3600}}]}


=== TEST 13: under a narrowed bound
--- config
    location = /t { task sleep; task_param duration min=100ms; }
--- request
GET /t?duration=99ms
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"greater_than_equal","loc":["query","duration"],"msg":"Input should be greater than or equal to 100ms","input":"99ms","ctx":{"ge":0.1}}]}


=== TEST 14: all errors at once
--- config
    location = /t { task sleep; task_param status max=3 default=abc; }
--- request
POST /t?duration=
{"status":5}
--- more_headers
Content-Type: application/json
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"time_delta_parsing","loc":["query","duration"],"msg":"Input should be a valid timedelta, expected a time as 1500ms, 20s or 1m30s","input":"","ctx":{"error":"expected a time as 1500ms, 20s or 1m30s"}},{"type":"string_type","loc":["body","status"],"msg":"Input should be a valid string","input":5}]}


=== TEST 15: bounds of a string are characters
--- config
    location = /t { task sleep duration=0; task_param status min=2 max=3 default=abc; }
--- request
GET /t?status=%C3%A9%C3%A9%C3%A9
--- response_body eval
"{\"status\":\"\xc3\xa9\xc3\xa9\xc3\xa9\"}"


=== TEST 16: too long
--- config
    location = /t { task sleep duration=0; task_param status min=2 max=3 default=abc; }
--- request
GET /t?status=abcd
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_too_long","loc":["query","status"],"msg":"String should have at most 3 characters","input":"abcd","ctx":{"max_length":3}}]}


=== TEST 17: too short
--- config
    location = /t { task sleep duration=0; task_param status min=1; }
--- request
GET /t?status=
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_too_short","loc":["query","status"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}]}


=== TEST 18: the query wins over the body
--- request
POST /t?status=query
{"status":"body"}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"status":"query"}


=== TEST 19: a time as a number of seconds, or as text
--- config
    location = /t { task sleep; }
--- request eval
["POST /t\n{\"duration\":0.02}", "POST /t\n{\"duration\":\"20ms\"}"]
--- more_headers
Content-Type: application/json
--- response_body eval
[ ("{\"status\":\"long_running task completed\"}") x 2 ]


=== TEST 20: a number too large for any time
--- config
    location = /t { task sleep; }
--- request
POST /t
{"duration":1e400}
--- more_headers
Content-Type: application/json
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["body","duration"],"msg":"Input should be less than or equal to 1h","input":1e400,"ctx":{"le":3600}}]}


=== TEST 21: null is no value
--- config
    location = /t { task sleep; }
--- request
POST /t
{"duration":null}
--- more_headers
Content-Type: application/json
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"time_delta_type","loc":["body","duration"],"msg":"Input should be a valid timedelta","input":null}]}


=== TEST 22: no body at all
--- request
POST /t
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 23: a body of another type
--- request
POST /t
status=x
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code: 415
--- response_headers
Content-Type: application/json
Accept: application/json
--- response_body chomp
{"detail":"Unsupported Media Type, only application/json is taken"}


=== TEST 24: application/...+json, and parameters of the type
--- request
POST /t
{"status":"x"}
--- more_headers
Content-Type: Application/Problem+JSON ; charset=utf-8
--- response_body chomp
{"status":"x"}


=== TEST 25: not an object
--- request
POST /t
 [1, 2] 
--- more_headers
Content-Type: application/json
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[1, 2]}]}


=== TEST 26: not JSON
--- request eval
[ map "POST /t\n$_", '{"status":"x",}', "{'status':1}", '{"status":"a', '',
      '{"status":"x"} x', '{"status":.5}', '/**/{}' ]
--- more_headers
Content-Type: application/json
--- error_code eval
[ 422, 422, 422, 200, 422, 422, 422 ]
--- response_body eval
[ map $_ ? "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",$_->[0]],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":\"$_->[1]\"}}]}" : '{"status":"long_running task completed"}',
  [ 13, 'Illegal trailing comma before end of object' ],
  [ 1, 'Expecting property name enclosed in double quotes' ],
  [ 10, 'Unterminated string starting at' ],
  undef,
  [ 15, 'Extra data' ],
  [ 10, 'Expecting value' ],
  [ 0, 'Expecting value' ] ]


=== TEST 27: names with escapes, the last of two counts
--- request
POST /t
{"status":"a","st\u0061tus":"b \ud83d\ude00"}
--- more_headers
Content-Type: application/json
--- response_body eval
"{\"status\":\"b \xf0\x9f\x98\x80\"}"


=== TEST 28: a value with variables
--- config
    location = /t { task sleep duration=0 status=hi-$arg_who; }
--- request
GET /t?who=you&status=no
--- response_body chomp
{"status":"hi-you"}


=== TEST 29: that evaluates to nothing: its default
--- config
    location = /t { task sleep duration=0 status=$arg_who; }
--- request
GET /t?status=no
--- response_body chomp
{"status":"long_running task completed"}


=== TEST 30: that evaluates to an invalid value
--- config
    location = /t { task sleep duration=$arg_d; task_param duration max=1s default=1s; }
--- request
GET /t?d=2s
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["query","d"],"msg":"Input should be less than or equal to 1s","input":"2s","ctx":{"le":1}}]}


=== TEST 31: task_param is inherited, a fixed value is the operator's
--- http_config
    task_param duration default=10ms max=20ms;
--- config
    location = /t { task sleep; }
    location = /f { task sleep duration=30ms; }
--- request eval
[ "GET /t", "GET /t?duration=21ms", "GET /f" ]
--- error_code eval
[ 200, 422, 200 ]


=== TEST 32: task_param of a level replaces those above
--- http_config
    task_param duration max=20ms default=10ms;
--- config
    location = /t { task sleep; task_param status default=here; }
--- request
GET /t?duration=21ms
--- response_body chomp
{"status":"here"}


=== TEST 33: what is echoed is bounded
--- request eval
"GET /d?duration=" . ('x' x 3000)
--- error_code: 422
--- response_body eval
qr/"input":"x{1024}"/


=== TEST 34: "if" and limit_except keep the task of the location
--- config
    location = /t {
        task sleep duration=0;
        task_param status default=narrow;
        if ($arg_a) { set $b 1; }
        limit_except GET { deny 127.0.0.2; }
    }
--- request eval
[ "GET /t?a=1", "POST /t" ]
--- response_body eval
[ ("{\"status\":\"narrow\"}") x 2 ]
