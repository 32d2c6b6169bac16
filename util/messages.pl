#!/usr/bin/perl

# messages.pl
#
# Each message of the module at level warn and above stands in docs/wrong.md, by
# its words: in the first column of a table, with "<br>" between several.  What
# stands between the conversions of a format has to be there, in this order.
#
# A message is a string in src/ that
#
# - is given to a function that logs, or to one that has it logged: a format, or
#   what takes the place of its %s;
# - is returned as what is wrong, to nginx or to a function that logs it, or is
#   kept in a variable for that;
# - is a part of a line that is written without nginx's logging;
# - is what the compiler says of ngx_task.h.
#
# Any other string that reads as a sentence is in a file whose sentences are for
# clients: so none is overlooked.  And what a table tells whose first column is
# called "message" is one: so none stays that has gone.

use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

my $chapter = 'docs/wrong.md';

# other functions of src/ that have a text logged are found

my @loggers = qw(ngx_log_error ngx_conf_log_error ngx_http_task_conf_log
                 ngx_task_log);

# lines of crashes, exits and stalls are put together here

my %parts = files(qw(base/crash base/exit base/stall base/who task/describe));

# sentences are answers here, or stand in what Prometheus reads

my %clients = files(qw(answer/errors answer/response builtin command
                       function/type function/value input/media_type
                       input/params_json input/params_parts input/params_read
                       input/params_value jobs/job_answer jobs/job_key
                       jobs/job_requeue jobs/job_status jobs/job_stream
                       http/openapi/openapi_answer http/openapi/openapi_body
                       http/openapi/openapi_jobs http/openapi/openapi_task
                       stats/metrics stats/seen
                       stats/status_prometheus text/json text/json_scalar
                       text/multipart text/multipart_head text/multipart_param));

my $string  = qr/"(?:[^"\\\n]|\\.)*"/;
my $strings = qr/$string(?:[\s\\]*$string)*/;
my $char    = qr/'(?:[^'\\\n]|\\.)+'/;
my $args    = qr/(\((?:[^()"']++|$string|$char|(?-1))*+\))/;
my $value   = qr/((?:[^();"]++|$args)*$strings(?:[^;"]++|$string)*);/;

my $conversion = qr/%(?:zu|[0-9.*]*u?[xX]?[a-zA-Z])/;
my $sentence   = qr/[a-z]+[,:]? [a-z]+[,:]? [a-z]+/;
my $low        = qr/\bNGX_(?:TASK_)?LOG_(?:NOTICE|INFO|DEBUG)/;

my %source = map { $_ => source($_) } glob 'src/*.[ch] src/*/*.[ch] src/*/*/*.[ch]';

my $wrong = 0;

complain("util/messages.pl: there is no $_")
    for grep !exists $source{$_}, sort keys %parts, keys %clients;

my $loggers = loggers(values %source);
my ($told, $ours) = told($chapter);
my @known;

for my $file (sort keys %source) {
    my @messages = messages($file, $source{$file});

    for (@messages) {
        my ($place, $message, $low) = @$_;
        my $pattern = pattern($message);

        push @known, [$pattern, words($message) > 1];

        complain("$chapter does not tell: " . at($file, $place)
                 . ": \"$message\"")
            unless $low || grep /$pattern/, @$told;
    }

    overlooked($file, map $_->[0], @messages)
        unless $clients{$file} || $file =~ /\.h$/;
}

for my $row (@$ours) {
    complain("$chapter tells what nothing in src/ says: $row")
        unless grep $_->[1] && $row =~ /$_->[0]/, @known;
}

print scalar @known, " messages\n" if @ARGV;

exit($wrong ? 1 : 0);


sub files {
    return map { ("src/$_.c" => 1) } map s{([^/]+)$}{ngx_http_task_$1}r, @_;
}

sub complain {
    print "$_[0]\n";
    $wrong++;
}

sub at {
    my ($file, $place) = @_;

    return "$file:" . (1 + (substr($source{$file}, 0, $place) =~ tr/\n//));
}


# without comments, and with as many lines

sub source {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    my $text = <$in>;

    $text =~ s{($string|$char)|/\*.*?\*/}{ $1 // "\n" x ($& =~ tr/\n//) }gse;

    return $text;
}


# with the functions that give a "const char *" of theirs to one of these, and
# so on

sub loggers {
    my @functions;

    for (@_) {
        push @functions, [$1, $2, $3]
            while /^(ngx_\w+)$args\n\{\n(.*?)^\}/msg;
    }

    my %is = map { $_ => 1 } @loggers;
    my $before = 0;

    while (keys %is > $before) {
        $before = keys %is;
        my $calls = join '|', keys %is;

        for (@functions) {
            my ($name, $params, $body) = @$_;
            my $given = join '|', $params =~ /const char \*(\w+)/g or next;

            while ($body =~ /\b(?:$calls)$args/g) {
                $is{$name} = 1 if $1 =~ /[,(]\s*(?:$given)\b/;
            }
        }
    }

    return join '|', keys %is;
}


# [place, message, whether its level is low], each once

sub messages {
    my ($file, $text) = @_;

    my @patterns = (
        qr/\b(?:$loggers)$args/,
        qr/\breturn\b$value/,
        qr/\b(?:why|wrong) = $value/,
        qr/\bngx_str_set(\(&(?:job->)?end(?:->|\.)result, $strings\))/,
        qr/job_end_failed(\(t, \w+,\s*$strings\))/,
        qr/\b(?:NGX_TASK_ASSERT|static_assert)$args/
    );

    push @patterns, qr/\bngx_slprintf$args/ if $parts{$file};

    my %found;

    for my $pattern (@patterns) {
        while ($text =~ /$pattern/g) {
            my ($given, $from) = ($1, $-[1]);
            my $is_low = ($given =~ $low);

            while ($given =~ /$strings/g) {
                my ($place, $message) = ($from + $-[0], unquoted($&));

                $found{$place} //= [$place, $message, $is_low]
                    if is_message($message);
            }
        }
    }

    $found{$-[0]} = [$-[0], $&] while $text =~ /\bthe_member_\w+/g;

    return map $found{$_}, sort { $a <=> $b } keys %found;
}

sub unquoted {
    my ($strings) = @_;

    my $text = join '', $strings =~ /"((?:[^"\\]|\\.)*)"/g;

    return $text =~ s/\\(["\\])/$1/gr;
}

# not a name, or one of the words that may follow

sub is_message {
    my ($text) = @_;

    return words($text) > ($text =~ $conversion ? 0 : 1);
}

sub words {
    my ($text) = @_;

    $text =~ s/$conversion/ /g;

    return scalar(() = $text =~ /[a-zA-Z_]{2,}/g);
}


sub pattern {
    my ($message) = @_;

    my @pieces = grep /[a-zA-Z]{2}/, split $conversion, $message =~ s/\s+/ /gr;

    s/^ | $//g for @pieces;

    return join '.*', map quotemeta, @pieces;
}


# of the first columns, with single spaces; and of those called "message"

sub told {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";

    my (@told, @ours);
    my $column = '';

    while (<$in>) {
        next if /^\|-/;

        if (!/^\| (.*?)(?<!\\) \|/) {
            $column = '';
            next;
        }

        if ($column eq '') {
            $column = $1;
            next;
        }

        my @cells = split /<br>/, $1 =~ s/`//gr =~ s/\\\|/|/gr =~ s/\s+/ /gr;

        push @told, @cells;
        push @ours, @cells if $column eq 'message';
    }

    return (\@told, \@ours);
}


sub overlooked {
    my ($file, @known) = @_;

    my %known = map { $_ => 1 } @known;

    while ($source{$file} =~ /$strings/g) {
        my ($place, $text) = ($-[0], unquoted($&));

        complain(at($file, $place) . ": to whom is this said: \"$text\"? "
                 . 'See util/messages.pl')
            if $text =~ $sentence && !$known{$place};
    }
}
