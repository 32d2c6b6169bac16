#!/usr/bin/perl

# The lab in a real browser: press Run, wait, read the numbers from the page.
# Pictures of it go to build/lab/.
#
#     perl t/lab.pl NGINX [GLOBAL]

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use constant DRIVER => 9515;

my ($nginx, $global) = @ARGV;

my ($chromium) = grep -x, '/usr/bin/chromium', '/usr/bin/google-chrome';
my ($driver) = grep -x, '/usr/bin/chromedriver';

plan(skip_all => 'no browser: chromium and chromium-driver are not installed')
    unless $chromium && $driver;

my $dir = "$ENV{PWD}/build/lab";
remove_tree($dir);
make_path($dir);

my @pids;

END {
    local $?;
    kill 'TERM', $_ for @pids;
    waitpid $_, 0 for @pids;
}

sub run {
    my ($log, @command) = @_;

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', "$dir/$log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    push @pids, $pid;
}

sub wait_port {
    my ($port) = @_;
    my $until = time() + 30;

    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)) {
        die "nothing listens on port $port, see $dir\n" if time() > $until;
        sleep(0.05);
    }
}

run('lab.log', 'sh', 'conf/lab/start.sh', $nginx, $global // '');
run('driver.log', $driver, '--port=' . DRIVER);
wait_port($_) for 8090, 8100, 8110, 8120, 8130, DRIVER;


# a little of WebDriver

my $http = HTTP::Tiny->new(timeout => 180);
my $base = 'http://127.0.0.1:' . DRIVER;
my $session;

sub ask {
    my ($method, $path, $body) = @_;

    my $r = $http->request($method, $base . ($session ? "/session/$session" : '')
                                    . $path,
                           { headers => { 'Content-Type' => 'application/json' },
                             content => $method eq 'POST'
                                        ? encode_json($body // {}) : '' });
    die "$method $path: $r->{content}\n" unless $r->{success};

    return decode_json($r->{content})->{value};
}

sub script { ask(POST => '/execute/sync', { script => $_[0], args => [] }) }

sub keys_to {
    my ($selector, $text) = @_;
    my ($id) = values %{ ask(POST => '/element', { using => 'css selector',
                                                   value => $selector }) };
    ask(POST => "/element/$id/value", { text => $text });
}

sub size {
    my ($width, $height, $dark) = @_;
    ask(POST => '/goog/cdp/execute', { cmd => 'Emulation.setDeviceMetricsOverride',
        params => { width => $width, height => $height, deviceScaleFactor => 1,
                    mobile => JSON::PP::false } });
    ask(POST => '/goog/cdp/execute', { cmd => 'Emulation.setEmulatedMedia',
        params => { features => [ { name => 'prefers-color-scheme',
                                    value => $dark ? 'dark' : 'light' } ] } });
    sleep(0.3);
}

sub picture {
    my ($name) = @_;
    open my $out, '>:raw', "$dir/$name.png" or die "$dir/$name.png: $!\n";
    print $out decode_base64(ask(GET => '/screenshot'));
    close $out;
}

sub wait_state {
    my ($state, $timeout) = @_;
    my $until = time() + $timeout;

    while (time() < $until) {
        my $is = script('return document.body.dataset.state') // '';
        return 1 if $is eq $state;
        sleep(0.1);
    }

    diag('the page says: ' . script('return document.body.innerText'));

    return 0;
}

my @arguments = qw(--headless --disable-gpu --disable-quic --no-first-run
                   --disable-background-networking --disable-component-update
                   --disable-sync --no-proxy-server);
push @arguments, '--no-sandbox' if $> == 0;

$session = ask(POST => '/session', { capabilities => { alwaysMatch => {
    browserName => 'chrome',
    'goog:chromeOptions' => { binary => $chromium,
                              args => [ @arguments,
                                        "--user-data-dir=$dir/profile" ] },
    'goog:loggingPrefs' => { browser => 'ALL' } } } })->{sessionId};

size(1180, 900);
ask(POST => '/url', { url => 'http://127.0.0.1:8090/' });
is(script('return document.querySelectorAll(".lane").length'), 4, 'four lanes');

# as someone without a mouse would: the keyboard alone

my $duration = 3;

keys_to('#duration', "\x{e007}");                          # Enter
ok(wait_state('running', 10), 'Enter runs it');
sleep($duration * 1.6);
picture('running');
ok(wait_state('done', 120), 'it ends');
picture('light');

my $result = decode_json(script('return document.body.dataset.result'));

for my $lane (qw(async sync thread workers)) {
    my $n = $result->{$lane};
    diag(sprintf '%-8s /quick p50 %6.0f ms, p95 %6.0f ms, worst %6.0f ms; '
                 . '%d tasks done; loop lag %.0f ms', $lane,
                 @$n{qw(p50 p95 worst done lag)});
    is($n->{done}, 3, "$lane: all tasks are done");
}

cmp_ok($result->{sync}{worst}, '>=', 900 * $duration,
       'sync: /quick waits for a whole task');
cmp_ok($result->{sync}{lag}, '>=', 800 * $duration, 'sync: the loop stood still');
cmp_ok($result->{async}{p95}, '<', 100, 'async: /quick at once');
cmp_ok($result->{thread}{p95}, '<', 100, 'thread: /quick at once');
cmp_ok($result->{workers}{p50}, '<', 100, 'workers: /quick mostly at once');

like(script('return document.querySelector("#async [data-number=workers]")'
            . '.textContent'), qr/^1 worker: \d+$/, 'async: one worker answered');
like(script('return document.querySelector("#workers [data-number=workers]")'
            . '.textContent'), qr/^[2-4] workers: \d+ \+ \d+/, 'workers: more than one');
is(script('return document.documentElement.scrollWidth <= innerWidth'), 1,
   'no scrolling sideways');

size(1180, 980);
picture('readme');
size(1180, 900, 1);
picture('dark');
size(390, 844);
is(script('return document.documentElement.scrollWidth <= innerWidth'), 1,
   'nor at the width of a phone');
picture('phone');

# stopped in the middle

ask(POST => '/url', { url => 'http://127.0.0.1:8090/' });
keys_to('#run', "\x{e007}");
ok(wait_state('running', 10), 'the button runs it');
sleep(0.5);
keys_to('#run', "\x{e007}");
ok(wait_state('done', 20), 'and stops it');

my @wrong = grep $_->{level} eq 'SEVERE' && $_->{message} !~ /ERR_ABORTED/,
            @{ ask(POST => '/se/log', { type => 'browser' }) };
is(join("\n", map $_->{message}, @wrong), '', 'nothing wrong in the console');

ask(DELETE => '');

done_testing();
