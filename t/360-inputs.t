#!/usr/bin/perl

# Where the values of parameters come from, and what is said of wrong ones: each
# request of t/input-answers.json, which a real FastAPI has answered.  A row with
# "ours" is answered differently on purpose, and "why" says so; one with
# "unknown" is a request that FastAPI has no way to take.

use strict;
use warnings;

use Encode qw(encode_utf8);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Test::More;

use TaskServer;

my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum->canonical;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $server = <<'END';
        client_max_body_size 4m;
        large_client_header_buffers 4 32k;

        location ~ ^/items/([^/]*)$ { task inputs.item id=$1; }
        location ~ ^/all/(?<p_id>[^/]+)/(?<p_x>[^/]+)/(?<p_flag>[^/]+)/(?<p_name>[^/]+)/(?<p_color>[^/]+)$ {
            task inputs.item id=$p_id x=$p_x flag=$p_flag name=$p_name
                color=$p_color;
        }
        location ~ ^/page(?:/(?<p_ratio>[^/]+))?$ {
            task inputs.item id=7 x=$p_ratio;
        }
        location ~ ^/maybe(?:/([^/]+))?$ { task inputs.maybe n=$1; }
        location ~ ^/below/(.*)$ { task inputs.maybe text=$1; }

        location = /headers {
            task inputs.item id=$http_x_id x=$http_x_x flag=$http_x_flag
                name=$http_x_name color=$http_x_color;
        }
        location = /headers/maybe {
            task inputs.maybe n=$http_x_n x=$http_x_x flag=$http_x_flag
                text=$http_user_agent color=$http_x_color;
        }
        location = /headers/lists {
            task inputs.lists ids=$http_x_id tags=$http_x_tag;
        }
        location = /headers/any { task inputs.any v=$http_x_v o=$http_x_o; }

        location = /cookies {
            task inputs.item id=$cookie_id x=$cookie_x flag=$cookie_flag
                name=$cookie_name color=$cookie_color;
        }
        location = /cookies/maybe {
            task inputs.maybe n=$cookie_n x=$cookie_x flag=$cookie_flag
                text=$cookie_text color=$cookie_color;
        }

        location = /search {
            task inputs.item id=$arg_search x=$arg_ratio flag=$arg_verbose
                name=$arg_who color=$arg_colour;
        }
        location = /search/maybe {
            task inputs.maybe n=$arg_limit x=$arg_ratio flag=$arg_verbose
                text=$arg_q color=$arg_colour;
        }

        location ~ ^/mixed/(?<m_id>[^/]+)$ {
            task inputs.item id=$m_id x=$arg_ratio name=$http_x_name
                color=$cookie_tint;
        }
        location ~ ^/turned/(?<m_name>[^/]+)$ {
            task inputs.item id=$cookie_tint x=$http_x_x name=$m_name
                color=$arg_colour;
        }

        location = /lists { task inputs.lists; }
        location = /many { task inputs.many; }
        location = /order { task inputs.order; }
        location = /batch { task inputs.batch; }
        location = /login { task inputs.login; }
        location = /login/form { task inputs.login; }
        location = /any { task inputs.any; }
        location = /any/v { task inputs.any; }
        location = /form { task inputs.form; }
        location = /post { task inputs.post; }
        location = /upload { task inputs.upload; }
        location = /album { task inputs.album; }
END

my $s = TaskServer->start(main => "task_load $tasks/inputs.so;",
                          server => $server);

open my $in, '<', 't/input-answers.json' or die $!;
my $table = $json->decode(do { local $/; <$in> });
close $in;

my @kinds = qw(path header cookie query-alias list nested json form multipart);
my %count = map { $_ => { agree => 0, differ => 0, unknown => 0, wrong => 0 } }
            @kinds;

my @seen;

for my $row (@{ $table->{rows} }) {
    my $r = ask($s, $row);
    my $count = $count{$row->{kind}} or die "no such kind: $row->{kind}\n";
    my $said = said($r);

    push @seen, $said;

    my ($ok, $expected) = compare($r, $row);
    my $name = name($row);

    if (!ok($ok, $name)) {
        diag("$row->{why}") if $row->{why};
        diag("expected $expected\n     got ", substr($said, 0, 2000));
        $count->{wrong}++;

    } else {
        $count->{ $row->{unknown} ? 'unknown' : $row->{ours} ? 'differ'
                                                             : 'agree' }++;
    }
}

my %sum;

for my $kind (@kinds) {
    my $c = $count{$kind};

    $sum{$_} += $c->{$_} for keys %$c;
    diag("$kind: $c->{agree} agree, $c->{differ} differ on purpose, "
         . "$c->{unknown} unknown" . ($c->{wrong} ? ", $c->{wrong} wrong" : ''));
}

diag("FastAPI's inputs: $sum{agree} agree, $sum{differ} differ on purpose, "
     . "$sum{unknown} unknown, of " . @{ $table->{rows} });

stop($s);

# the async form, on the event loop, is given the same

my $a = TaskServer->start(main => "task_load $tasks/inputs.so;",
                          server => "        task_mode async;\n$server");

my @other = grep said(ask($a, $table->{rows}[$_])) ne $seen[$_],
            0 .. $#{ $table->{rows} };

is(join("\n", map name($table->{rows}[$_]), @other), '',
   'the async form answers alike');

stop($a);

# and so is a job that waits, and is made of what its store has: each that is
# not wrong waits until the only thread is free; but for a long body, which only
# a thread would read

my $j = TaskServer->start(
    main => "task_load $tasks/inputs.so; task_load $tasks/probe.so;
             thread_pool one threads=1;",
    http => 'task_job_zone jobs:64m max_body=8m max_result=8m;
             task_mode thread=one;',
    server => "
        task_background prefer zone=jobs;
        location = /hold { task stubborn; task_background off; }
        location /jobs/ { task_jobs zone=jobs; }
        $server");

my $hold = $j->open('/hold?ms=60s&' . $j->gate('hold'));
$j->wait_for(sub { $j->get('/jobs/')->{status} == 404 }, 'an answer');

my @jobs;

for my $i (grep $seen[$_] =~ /^200 / && $table->{rows}[$_]{method} ne 'HEAD'
                && length(body($table->{rows}[$_]) // '') < 65536,
           0 .. $#{ $table->{rows} }) {
    my $row = { %{ $table->{rows}[$i] } };

    $row->{headers} = [ @{ $row->{headers} || [] }, [ Prefer => 'respond-async' ] ];

    my $r = ask($j, $row);
    my ($href) = $r->{headers} =~ /^Location: (\S+)\r?$/m;

    push @jobs, [ $i, $r->{status} == 202 ? $href : undef ];
    diag(name($row), ": $r->{status}") if $r->{status} != 202;
}

is(scalar(grep !defined $_->[1], @jobs), 0, 'each is accepted as a job');
cmp_ok(scalar(@jobs), '>', 150, 'of many kinds');
$j->open_gate('hold');
is($j->read($hold)->{status}, 200, 'the thread is free');

@other = grep said($j->get("$_->[1]/result?wait=30s")) ne $seen[$_->[0]],
         grep defined $_->[1], @jobs;

is(join("\n", map name($table->{rows}[$_->[0]]), @other), '',
   'the job answers alike');

stop($j);

done_testing();

sub stop {
    my ($nginx) = @_;

    my ($code) = $nginx->stop('QUIT');
    is($code, 0, 'exit code');
    $nginx->check_log;
}

sub name {
    my ($row) = @_;

    my $name = join ' ', $row->{kind}, $row->{method}, $row->{path},
               (map "$_->[0]: $_->[1]", @{ $row->{headers} || [] }),
               body($row) // ();

    $name =~ s/\r\n/ /g;
    $name =~ s/[^ -~]/?/g;
    $name =~ s/#/?/g;

    return length $name > 150 ? substr($name, 0, 147) . '...' : $name;
}

# a body is text, or a list of [text, how often], or in base64

sub body {
    my ($row) = @_;

    return decode_base64($row->{base64}) if defined $row->{base64};
    return undef if !defined $row->{body};
    return encode_utf8(ref $row->{body}
                       ? join '', map $_->[0] x $_->[1], @{ $row->{body} }
                       : $row->{body});
}

sub ask {
    my ($nginx, $row) = @_;

    my $body = body($row);
    my $headers = join '', map "$_->[0]: $_->[1]\r\n",
                  @{ $row->{headers} || [] };

    $headers .= 'Content-Length: ' . length($body) . "\r\n" if defined $body;

    return $nginx->get(encode_utf8($row->{path}), method => $row->{method},
                       headers => encode_utf8($headers), body => $body);
}

sub said {
    my ($r) = @_;

    my $answer = eval { $json->decode($r->{body}) };

    # pages of nginx itself may have a date

    return "$r->{status} " . (defined $answer ? $json->encode(flat($answer))
                              : $r->{headers} =~ m{^Content-Type: text/html}mi ? 'a page'
                              : $r->{body});
}

# whether it is the answer, and what that is

sub compare {
    my ($r, $row) = @_;

    my $ours = $row->{ours} || { status => $row->{status},
                                 answer => $row->{answer} };
    my $answer = eval { $json->decode($r->{body}) };

    # the first errors of FastAPI's answer

    if ($ours->{first}) {
        my @errors = @{ $row->{answer}{detail} };

        $ours = {
            status => $row->{status},
            answer => { detail => [ @errors[0 .. $ours->{first} - 1] ] },
        };
    }

    # one of several, where nginx, or its version, decides

    if ($ours->{any}) {
        for my $one (@{ $ours->{any} }) {
            my ($ok) = compare($r, { ours => $one });
            return (1, '') if $ok;
        }

        return (0, 'one of ' . $json->encode($ours->{any}));
    }

    my $expected = $json->encode($ours);

    return (0, $expected) if $r->{status} != $ours->{status};

    # errors of which not all is told here

    if ($ours->{like}) {
        my @errors = ref $answer eq 'HASH' && ref $answer->{detail} eq 'ARRAY'
                     ? @{ $answer->{detail} } : ();

        return (0, $expected) if @errors != @{ $ours->{like} };

        for my $i (0 .. $#errors) {
            for my $key (keys %{ $ours->{like}[$i] }) {
                my ($got, $want) = ($errors[$i]{$key}, $ours->{like}[$i]{$key});

                $got = [ @$got[0 .. $#$want] ]
                    if $key eq 'loc' && ref $got eq 'ARRAY';

                return (0, $expected)
                    if $json->encode(flat($got)) ne $json->encode(flat($want));
            }
        }
    }

    return (1, '') if !exists $ours->{answer};
    return ($json->encode(flat($answer)) eq $json->encode(flat($ours->{answer})),
            $json->encode(flat($ours->{answer})));
}

# 0.0 is 0, and 1e0 is 1

sub flat {
    my ($v) = @_;

    return { map { $_ => flat($v->{$_}) } keys %$v } if ref $v eq 'HASH';
    return [ map flat($_), @$v ] if ref $v eq 'ARRAY';
    return $v if !defined $v || ref $v eq 'JSON::PP::Boolean';

    my $text = $json->encode($v);

    return $v if $text =~ /^"/ || $text !~ /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/ia;
    return length $text < 16 ? $text + 0 : "$v";
}
