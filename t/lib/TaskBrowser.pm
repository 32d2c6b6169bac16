package TaskBrowser;

# A little of WebDriver, and nginx beside it, for the tests of the pages.
#
#     my $b = TaskBrowser->new('jobs', $nginx, $global);
#
# Without a browser the test is skipped.  Files and pictures go to
# build/lab/NAME/; what was started is ended with the test.

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

# two checkouts at once need two

use constant DRIVER => $ENV{TASK_DRIVER_PORT} // 9515;

my @pids;

END {
    local $?;
    kill 'TERM', $_ for @pids;
    waitpid $_, 0 for @pids;
}

sub new {
    my ($class, $name, $nginx, $global) = @_;

    my ($chromium) = grep -x, '/usr/bin/chromium', '/usr/bin/google-chrome';
    my ($driver) = grep -x, '/usr/bin/chromedriver';

    plan(skip_all => 'no browser: chromium and chromium-driver are not installed')
        unless $chromium && $driver;

    my $self = bless {
        dir => "$ENV{PWD}/build/lab/$name",
        nginx => $nginx,
        global => $global // '',
        http => HTTP::Tiny->new(timeout => 180),
    }, $class;

    remove_tree($self->{dir});
    make_path($self->{dir});

    $self->free(DRIVER);
    $self->run('driver.log', $driver, '--port=' . DRIVER);
    $self->wait_port(DRIVER);
    $self->session($chromium);

    return $self;
}

sub session {
    my ($self, $chromium) = @_;

    my @arguments = qw(--headless --disable-gpu --disable-quic --no-first-run
                       --disable-background-networking --no-proxy-server
                       --disable-component-update --disable-sync
                       --hide-scrollbars
                       --disable-dev-shm-usage);
    push @arguments, '--no-sandbox' if $> == 0;

    $self->{session} = $self->ask(POST => '/session', { capabilities => {
        alwaysMatch => {
            browserName => 'chrome',
            'goog:chromeOptions' => {
                binary => $chromium,
                args => [ @arguments, "--user-data-dir=$self->{dir}/profile" ] },
            'goog:loggingPrefs' => { browser => 'ALL' } } } })->{sessionId};
}


# processes: each is ended with the test, or by end()

sub run {
    my ($self, $log, @command) = @_;

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>>', "$self->{dir}/$log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    push @pids, $pid;

    return $pid;
}

sub end {
    my ($self, $pid) = @_;

    kill 'TERM', $pid;
    waitpid $pid, 0;
    @pids = grep $_ != $pid, @pids;
}

# what answers there would be another checkout's

sub free {
    my ($self, @ports) = @_;

    for my $port (@ports) {
        die "port $port is taken\n"
            if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
    }
}

sub wait_port {
    my ($self, $port) = @_;

    $self->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
    }, 30) or die "nothing listens on port $port, see $self->{dir}\n";
}

# conf/NAME.conf at another port, so that no other checkout is in the way; $edit
# changes the text

sub serve {
    my ($self, $name, $port, $edit) = @_;

    my $dir = $self->{dir};
    my $conf = "$dir/$name.conf";

    open my $in, '<', "conf/$name.conf" or die "conf/$name.conf: $!\n";
    local $_ = do { local $/; <$in> };
    close $in;

    s/^(?:pid|error_log|daemon)\s.*\n//mg;
    s/^(\s*listen\s+127\.0\.0\.1):\d+/$1:$port/mg;
    s{^(\s*include\s+)(paths|page)\.conf}{$1$ENV{PWD}/conf/$2.conf}mg;
    s{^(\s*access_log\s+)build/run/}{$1$dir/}mg;
    $edit->() if $edit;

    open my $out, '>', $conf or die "$conf: $!\n";
    print $out $_;
    close $out or die "$conf: $!\n";

    make_path('build/run');
    $self->free($port);

    my $pid = $self->run("$name.log", $self->{nginx}, '-p', "$ENV{PWD}/",
                         '-c', $conf, '-e', "$dir/error.log",
                         '-g', "daemon off; pid $dir/$name.pid; $self->{global}");
    $self->wait_port($port);

    return $pid;
}


# WebDriver

sub ask {
    my ($self, $method, $path, $body) = @_;

    my $r = $self->{http}->request($method, 'http://127.0.0.1:' . DRIVER
        . ($self->{session} ? "/session/$self->{session}" : '') . $path,
        { headers => { 'Content-Type' => 'application/json' },
          content => $method eq 'POST' ? encode_json($body // {}) : '' });

    die "$method $path: $r->{content}\n" unless $r->{success};

    return decode_json($r->{content})->{value};
}

sub script {
    my ($self, $script, @args) = @_;

    return $self->ask(POST => '/execute/sync',
                      { script => $script, args => \@args });
}

sub open_page {
    my ($self, $url) = @_;

    $self->ask(POST => '/url', { url => $url });
}

sub reload { $_[0]->ask(POST => '/refresh') }

sub text {
    my ($self, $selector) = @_;

    return $self->script('const e = document.querySelector(arguments[0]);'
                         . 'return e === null ? "" : e.innerText', $selector);
}

sub number {
    my ($self, $selector) = @_;

    return $self->script('return document.querySelectorAll(arguments[0]).length',
                         $selector);
}

sub element {
    my ($self, $selector) = @_;

    my ($id) = values %{ $self->ask(POST => '/element',
        { using => 'css selector', value => $selector }) };

    return "/element/$id";
}

sub keys_to {
    my ($self, $selector, $text) = @_;

    $self->ask(POST => $self->element($selector) . '/value', { text => "$text" });
}

sub click {
    my ($self, $selector) = @_;

    $self->ask(POST => $self->element($selector) . '/click');
}

# what an input holds, as someone types it

sub enter {
    my ($self, $selector, $text) = @_;

    $self->ask(POST => $self->element($selector) . '/clear');
    $self->keys_to($selector, $text);
}

sub size {
    my ($self, $width, $height, $dark) = @_;

    $self->ask(POST => '/goog/cdp/execute', {
        cmd => 'Emulation.setDeviceMetricsOverride',
        params => { width => $width, height => $height, deviceScaleFactor => 1,
                    mobile => JSON::PP::false } });
    $self->ask(POST => '/goog/cdp/execute', {
        cmd => 'Emulation.setEmulatedMedia',
        params => { features => [ { name => 'prefers-color-scheme',
                                    value => $dark ? 'dark' : 'light' } ] } });
    sleep(0.3);
}

sub picture {
    my ($self, $name) = @_;

    open my $out, '>:raw', "$self->{dir}/$name.png"
        or die "$self->{dir}/$name.png: $!\n";
    print $out decode_base64($self->ask(GET => '/screenshot'));
    close $out;
}

sub wait_for {
    my ($self, $code, $timeout) = @_;
    my $until = time() + $timeout;

    while (time() < $until) {
        my $is = $code->();
        return $is if $is;
        sleep(0.1);
    }

    return;
}

# waits for the text of an element, or for the state of the page

sub says {
    my ($self, $selector, $pattern, $name, $timeout) = @_;
    my $text = '';

    my $ok = $self->wait_for(sub { ($text = $self->text($selector)) =~ $pattern },
                             $timeout // 10);
    ok($ok, $name) or diag("$selector says: $text");

    return $text;
}

sub state {
    my ($self, $state, $name, $timeout) = @_;

    my $ok = $self->wait_for(sub {
        ($self->script('return document.body.dataset.state') // '') eq $state;
    }, $timeout // 10);

    ok($ok, $name)
        or diag('the page says: ' . $self->script('return document.body.innerText'));
}

# what the console has had since it was looked at last, but what may be there

sub console {
    my ($self, $name, $may) = @_;

    my @wrong = map $_->{message},
                grep $_->{level} eq 'SEVERE' && !($may && $_->{message} =~ $may),
                @{ $self->ask(POST => '/se/log', { type => 'browser' }) };

    is(join("\n", @wrong), '', $name);
}

# what happens to an element: how often it was changed since watch()

sub watch {
    my ($self, $selector) = @_;

    $self->script(<<'END', $selector);
        const e = document.querySelector(arguments[0]);
        window.changes = [];
        window.observer?.disconnect();
        window.observer = new MutationObserver(() => {
            window.changes.push(e.textContent);
        });
        window.observer.observe(e, { childList: true, characterData: true,
                                     subtree: true });
END
}

sub changes { @{ $_[0]->script('return window.changes') } }

# the navigation of each page, and which of them it is

sub navigation {
    my ($self, $current) = @_;

    is($self->script('return [...document.querySelectorAll(".site nav a")]'
                     . '.map(a => a.textContent).join(" ")'),
       'Status Jobs Stream Lab Docs', "$current: the navigation");
    is($self->text('.site [aria-current=page]'), $current, "$current: which page");
}

sub no_sideways {
    my ($self, $name) = @_;

    is($self->script('return document.documentElement.scrollWidth <= innerWidth'),
       1, $name);
}

1;
