#!/usr/bin/perl

# What Vim shows of a configuration: docs/vim.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

plan skip_all => 'needs vim' if system('vim --version > /dev/null 2>&1') != 0;

my $dir = tempdir(CLEANUP => 1);

# the groups of the places in a text that are marked by a "^" below them

sub groups {
    my ($text) = @_;

    my (@lines, @at);

    for (split /^/m, $text) {
        if (/^[ ^]+$/) {
            push @at, [ scalar @lines, pos($_) ] while /\^/g;
        } else {
            push @lines, $_;
        }
    }

    open my $out, '>', "$dir/nginx.conf" or die;
    print $out @lines;
    close $out;

    open $out, '>', "$dir/ask.vim" or die;
    print $out "set nocompatible\nset runtimepath+=docs/vim/after\nsyntax on\n",
               "edit $dir/nginx.conf\nset filetype=nginx\nlet said = []\n",
               (map "call add(said, synIDattr(synID($_->[0], $_->[1], 1), 'name'))\n", @at),
               "call writefile(said, '$dir/said')\nquitall!\n";
    close $out;

    system("vim -es -N -i NONE -n -u NONE -S $dir/ask.vim < /dev/null > /dev/null 2>&1");

    open my $in, '<', "$dir/said" or return 'nothing was said';
    return join ' ', map { chomp; $_ || '-' } <$in>;
}

# each directive that the reference has, at the beginning of a line and behind a
# brace

open my $in, '<', 'docs/directives.md' or die;
my @directives = map /^### (\w+)$/, <$in>;
cmp_ok(scalar @directives, '>=', 25, scalar(@directives) . ' directives');

for (@directives) {
    is(groups("    $_ x;\n    ^\nlocation = /x { $_ x; }\n                ^\n"),
       'ngxTaskDirective ngxTaskDirective', $_);
}

# what they are given, and what only looks alike

is(groups(<<'END'), <<'END' =~ s/\s+/ /gr =~ s/^ | $//gr, 'what stands in them, and beside them');
location = /x {
    task  sleep duration=20s;
                ^        ^
    task_mode  thread=pool;
               ^
    task  sleep
          status=$arg_s;
          ^      ^
    log_format  task  '$task_mode';
    ^           ^      ^
    # task
      ^
    proxy_pass  http://task;
    ^                  ^
    tasks x;
    ^
}
END
    ngxTaskName ngxInteger ngxTaskWord ngxTaskName ngxVariable
    ngxDirective - ngxVariableString ngxComment
    ngxDirectiveImportant - -
END

done_testing();
