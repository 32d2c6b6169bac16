#!/usr/bin/perl

# docs.pl
#
# Each directive and each variable that the module registers, in the tables of
# src/, stands in docs/directives.md: a directive with exactly the contexts that
# its flags say, with its syntax, default and an example.  Nothing else stands
# there.  README.md has a line for each.
#
# Each relative link in README.md, CHANGES and docs/*.md leads to a file, and to
# a heading of it where it has an anchor.  Anchors are made by GitHub's rule.
#
# CHANGES and debian/changelog have the version of the module.

use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

my $reference = 'docs/directives.md';

my %contexts = (
    NGX_MAIN_CONF      => 'main',
    NGX_HTTP_MAIN_CONF => 'http',
    NGX_HTTP_SRV_CONF  => 'server',
    NGX_HTTP_LOC_CONF  => 'location',
    NGX_HTTP_SIF_CONF  => 'if in server',
    NGX_HTTP_LIF_CONF  => 'if in location',
    NGX_HTTP_LMT_CONF  => 'limit_except',
);

my @order = ('main', 'http', 'server', 'if in server', 'location',
             'if in location', 'limit_except');

my $wrong = 0;
my %anchors;

my ($directives, $variables) = registered(glob 'src/*.c src/*/*.c src/*/*/*.c');

directives($reference, slurp($reference), $directives);
variables($reference, slurp($reference), $variables);
names($reference, slurp($reference), $directives, $variables);
readme('README.md', slurp('README.md'), $directives, $variables);

links($_) for 'README.md', 'CHANGES', glob 'docs/*.md';

version(`sh util/version.sh`);

exit($wrong ? 1 : 0);


# what else names the version that the module has

sub version {
    chomp(my $version = $_[0]);

    my %named = (
        'CHANGES'          => qr/^Changes with ngx_http_task_module (\S+)/m,
        'debian/changelog' => qr/^libnginx-mod-http-task \((\S+)-\d+\)/m,
    );

    for my $file (sort keys %named) {
        my ($found) = slurp($file) =~ $named{$file};
        complain($file, "version $found, expected $version")
            if $found ne $version;
    }
}


sub complain {
    my ($file, $what) = @_;

    print "$file: $what\n";
    $wrong++;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}


# name => contexts of each directive, name => 1 of each variable

sub registered {
    my (%directives, %variables);

    # a directive may be in two tables, for other contexts

    for my $file (@_) {
        my $text = slurp($file);

        while ($text =~ /ngx_command_t\s+\w+\[\]\s*=\s*\{(.*?)ngx_null_command/sg) {
            my $table = $1;

            while ($table =~ /\{\s*ngx_string\("(\w+)"\),\s*([^,]+),/g) {
                $directives{$1} = join '|', $directives{$1} // (), $2;
            }
        }

        while ($text =~ /ngx_http_variable_t\s+\w+\[\]\s*=\s*\{(.*?)ngx_http_null_variable/sg) {
            my $table = $1;

            $variables{$1} = 1 while $table =~ /\{\s*ngx_string\("(\w+)"\)/g;
        }
    }

    $directives{$_} = flags($_, $directives{$_}) for keys %directives;

    die "no table of directives is found in src/\n" unless %directives;
    die "no table of variables is found in src/\n" unless %variables;

    return (\%directives, \%variables);
}

sub flags {
    my ($name, $flags) = @_;

    my %in;

    for (split /[\s|]+/, $flags) {
        if (exists $contexts{$_}) {
            $in{$contexts{$_}} = 1;

        } elsif (!/^NGX_CONF_\w+$/ && $_ ne 'NGX_DIRECT_CONF') {
            complain('src', "\"$name\" has the flag $_, which is not known here");
        }
    }

    return join ', ', grep $in{$_}, @order;
}


# "### name", a table of three rows, an example

sub directives {
    my ($file, $text, $registered) = @_;

    my %seen;

    while ($text =~ /^### ([^\n]+)\n(.*?)(?=^##|\z)/msg) {
        my ($name, $section) = ($1, $2);

        if (!exists $registered->{$name}) {
            complain($file, "\"$name\" is not a directive of the module");
            next;
        }

        complain($file, "\"$name\" stands there twice") if $seen{$name}++;

        my ($context) = $section =~ /^\| Context \| (.*?) \|$/m;
        $context //= '';

        complain($file, "\"$name\" has the context \"$context\", "
                        . "its flags say \"$registered->{$name}\"")
            if $context ne $registered->{$name};

        complain($file, "\"$name\" has no syntax")
            unless $section =~ /^\| Syntax \| \*\*\Q$name\E\*\*[ ;]/m;

        complain($file, "\"$name\" has no default")
            unless $section =~ /^\| Default \| \S.* \|$/m;

        complain($file, "\"$name\" has no example")
            unless $section =~ /^```nginx\n(?:(?!^```).)*\b\Q$name\E\b/ms;
    }

    complain($file, "the directive \"$_\" is missing")
        for grep !$seen{$_}, sort keys %$registered;
}


# the rows "| `$name` |" below "## Variables"

sub variables {
    my ($file, $text, $registered) = @_;

    my ($section) = $text =~ /^## Variables\n(.*?)(?=^## |\z)/ms;
    my %seen = map { $_ => 1 } ($section // '') =~ /^\| `\$(\w+)` \|/mg;

    complain($file, "the variable \"\$$_\" is missing")
        for grep !$seen{$_}, sort keys %$registered;

    complain($file, "\"\$$_\" is not a variable of the module")
        for grep !$registered->{$_}, sort keys %seen;
}


# no text of it names what does not exist

sub names {
    my ($file, $text, $directives, $variables) = @_;

    my %named = map { $_ => 1 } $text =~ /(?<![\w\$])(task_\w+)/g;
    my %valued = map { $_ => 1 } $text =~ /\$(task_\w+)/g;

    complain($file, "names \"$_\", which is not a directive")
        for grep !exists $directives->{$_}, sort keys %named;

    complain($file, "names \"\$$_\", which is not a variable")
        for grep !exists $variables->{$_}, sort keys %valued;
}


sub readme {
    my ($file, $text, $directives, $variables) = @_;

    for my $name (sort keys %$directives) {
        complain($file, "no line has a link to the directive \"$name\"")
            unless $text =~ /^\| \[\Q$name\E\]\(\Q$reference\E#\Q$name\E\) \| \S/m;
    }

    for my $name (sort keys %$variables) {
        complain($file, "no line has the variable \"\$$name\"")
            unless $text =~ /^\| `\$\Q$name\E` \| \S/m;
    }

    while ($text =~ /^\| `\$(\w+)` \|/mg) {
        complain($file, "\"\$$1\" is not a variable of the module")
            unless $variables->{$1};
    }
}


# [text](target), and [text][name] with [name]: target; not in code

sub links {
    my ($file) = @_;

    my $text = slurp($file);
    my ($dir) = $file =~ m{^(.*/)};

    $text = prose($text) if $file =~ /\.md$/;

    my %defined = $text =~ /^\[([^\]]+)\]:\s+(\S+)$/mg;
    my @targets = (values %defined, $text =~ /\]\(([^()\s]+)\)/g);

    for ($text =~ /\]\[([^\]]+)\]/g) {
        complain($file, "the link [$_] has no target") unless $defined{$_};
    }

    for my $target (sort @targets) {
        next if $target =~ /^(?:https?|mailto):/;

        my ($path, $anchor) = $target =~ /^([^#]*)(?:#(.*))?$/;

        $path = $path eq '' ? $file : inside(($dir // '') . $path);

        if (!defined $path || !-e $path) {
            complain($file, "the link $target leads nowhere");

        } elsif (defined $anchor && !anchors($path)->{$anchor}) {
            complain($file, "the link $target leads to no heading");
        }
    }
}

sub prose {
    my ($text) = @_;

    $text =~ s/^```.*?^```$//msg;
    $text =~ s/^ {4}.*$//mg;
    $text =~ s/`[^`\n]*`/code/g;

    return $text;
}


# the path from the root of what is in git, or undef

sub inside {
    my ($path) = @_;

    my @parts;

    for (split m{/+}, $path) {
        next if $_ eq '.';

        if ($_ ne '..') {
            push @parts, $_;

        } elsif (!defined pop @parts) {
            return undef;
        }
    }

    return undef if $path =~ m{^/} || !@parts || $parts[0] eq 'build';

    return join '/', @parts;
}


# of the headings of a file; the second one of a name ends with -1

sub anchors {
    my ($file) = @_;

    return $anchors{$file} if $anchors{$file};

    my (%known, %times);

    if ($file =~ /\.md$/) {
        my $text = slurp($file);
        $text =~ s/^```.*?^```$//msg;

        for ($text =~ /^#{1,6} +(.*?) *#*$/mg) {
            my $anchor = lc;

            $anchor =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
            $anchor =~ s/[^\w\- ]//g;
            $anchor =~ tr/ /-/;

            my $n = $times{$anchor}++;
            $known{$n ? "$anchor-$n" : $anchor} = 1;
        }
    }

    return $anchors{$file} = \%known;
}
