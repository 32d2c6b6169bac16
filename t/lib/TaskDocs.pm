package TaskDocs;

# The page of an OpenAPI document in a browser: what is served for it, and what
# one does there.  $b of TaskBrowser is given to begin().

use strict;
use utf8;
use warnings;

use Exporter qw(import);
use JSON::PP;
use Test::More;

our @EXPORT = qw(begin serve open_document operation send_it verdict answer answered curl shell
                 same_by_curl fill choose press tab_to %key);

use constant { PORT => 8504, ECHO => 8505 };

our %key = (tab => "\x{e004}", enter => "\x{e007}", space => ' ');

my ($b, $dir, $root);

sub begin {
    ($b) = @_;

    $dir = $b->{dir};
    $root = 'http://127.0.0.1:' . PORT;
    binmode Test::More->builder->$_, ':utf8'
        for qw(output failure_output todo_output);

    $b->free(ECHO);
    $b->run('echo.log', $^X, '-It/lib', '-MTaskEcho', '-e',
            'TaskEcho::serve(' . ECHO . ')');
    $b->wait_port(ECHO);

    return ($root, serve());
}

# conf/functions.conf with a job, a task that can be one, and the documents

sub serve {
    my $echo = ECHO;
    my $locations = <<"END";
        location = /task {
            task             sleep;
            task_background  prefer zone=docs;
        }
        location = /countdown {
            task             countdown;
            task_mode        thread=cpu;
            task_background  on zone=docs;
        }
        location /jobs/ {
            task_jobs  zone=docs;
        }
        location ~ ^/(?<name>controls|odd)\\.json\$ {
            root  t/lab;
            try_files  /docs-\$name.json =404;
        }
        location ~ ^/(echo|refuse|answer)\\b {
            proxy_pass       http://127.0.0.1:$echo;
            proxy_buffering  off;
        }
END
    return $b->serve('functions', PORT, sub {
        s{^(task_load .*)hello.so;}{$1hello.so;\n$1countdown.so;}m;
        s{^( *)server \{}{$1task_job_zone  docs:4m;\n$1server \{}m;
        s{^ *location = /task \{.*?\}\n}{$locations}ms;
    });
}

# the names that operations have in these tests, whoever has made the document

my %names = (
    'GET /hello' => 'hello', 'POST /hello' => 'hello_post', 'GET /count' => 'count',
    'POST /thumbnail' => 'thumbnail', 'GET /rows' => 'rows', 'GET /task' => 'sleep',
    'POST /countdown' => 'countdown', 'POST /albums/{album}/photos' => 'photo',
);

sub open_document {
    $b->open_page('about:blank');
    $b->open_page("$root/docs.html");
    $b->says('#verdict', qr/^\d+ operations of \d+ libraries, version \S+\.$/,
             'the document is read');
    $b->script('for (const e of document.querySelectorAll(".op")) {
        e.id = arguments[0][e.dataset.operation] || e.id; }', \%names);
}

# one of the functions, or one of a document, which the address names

sub operation {
    my ($id, $document) = @_;

    if ($document) {
        $b->open_page('about:blank');
        $b->open_page("$root/docs.html?url=$document#$id");

    } else {
        open_document();
        $b->script('const e = document.getElementById(arguments[0]);
            e.open = true;
            e.scrollIntoView()', $id);
    }

    $b->wait_for(sub { $b->number("#$id form") }, 10) or fail("$id: is there");
}

sub send_it { $b->click("#$_[0] form > button") }

sub verdict {
    my ($id, $pattern, $name, $timeout) = @_;

    return $b->says("#$id .answer .verdict", $pattern, $name, $timeout);
}

# the answer as it came, without a tree

sub answer {
    my ($id) = @_;

    $b->script('document.querySelector(arguments[0])?.click()',
               "#$id .tools button") if $b->number("#$id .tree");
    return $b->script('return document.querySelector(arguments[0]).textContent',
                      "#$id .content");
}

sub curl { $b->script('return document.querySelector(arguments[0]).textContent',
                      "#$_[0] .curl") }

sub answered {
    my $text = answer(@_);

    utf8::encode($text);

    return decode_json($text);
}

# what a shell makes of the line

sub shell {
    my ($id) = @_;
    my $line = curl($id);

    utf8::encode($line);
    local $ENV{LINE} = $line;
    my $text = qx(cd $dir && sh -c "\$LINE" 2> curl.log);
    utf8::decode($text);

    return $text;
}

sub same_by_curl {
    my ($id, $name) = @_;
    my $page = answer($id);
    my $shell = shell($id);

    cmp_ok(length $page, '>', 10, "$name: an answer");
    is($shell, $page, "$name: the line for a shell does the same")
        or diag(curl($id));

    return answered($id);
}

sub fill {
    my ($id, %values) = @_;

    $b->enter("#$id [data-name='$_']", $values{$_}) for sort keys %values;
}

sub choose {
    my ($selector, $value) = @_;

    $b->script('const s = document.querySelector(arguments[0]);
        s.value = [...s.options].find(o => o.textContent === arguments[1]).value;
        s.dispatchEvent(new Event("input", { bubbles: true }));
        s.dispatchEvent(new Event("change", { bubbles: true }))', $selector, $value);
}

sub press {
    my (@keys) = @_;

    $b->ask(POST => '/actions', { actions => [ { type => 'key', id => 'keys',
        actions => [ map { { type => 'keyDown', value => $_ },
                           { type => 'keyUp', value => $_ } } @keys ] } ] });
}

# by the keyboard, at most sixty stops further

sub tab_to {
    my ($what, $selector) = @_;
    my @unseen;

    for (1 .. 60) {
        press($key{tab});
        my ($there, $outline) = @{ $b->script('const e = document.activeElement;
            return [e.matches(arguments[0]), getComputedStyle(e).outlineStyle]',
            $selector) };
        push @unseen, $what if $outline eq 'none';

        if ($there) {
            is("@unseen", '', "the keyboard comes to $what, and that is seen");
            return;
        }
    }

    fail("the keyboard comes to $what");
}

1;
