#!/usr/bin/perl
#
# man.pl FILE.md NAME SUMMARY    a page of docs/ as Markdown for go-md2man
#
# A terminal has no links, and no room for wide tables: what a link leads to is
# left out, and a row of a table becomes an item of a list.

use strict;
use warnings;

my ($file, $name, $summary) = @ARGV;

open my $in, '<', $file or die "$file: $!\n";

print "# NAME\n\n$name - $summary\n\n# DESCRIPTION\n\n";

my ($code, @head, $after);

# a link to another page tells which it is

sub plain {
    my ($text) = @_;

    $text =~ s/\[([^]]+)\](?:\(#[^)]*\)|\[\w+\])/$1/g;
    $text =~ s{\[([^]]+)\]\(([\w./-]+)(?:\#[^)]*)?\)}
              {$1 eq $2 ? $2 : "$1 ($2)"}ge;

    return $text;
}

# "name (type, default, bounds): what it is", as far as the row has them

sub item {
    my ($first, @cells) = @_;

    my $last = @cells ? pop @cells : '';
    my @more = map $head[$_ + 1] eq 'default' ? "default $cells[$_]" : $cells[$_],
               grep length $cells[$_], 0 .. $#cells;

    return "- $first" . (@more ? ' (' . join(', ', @more) . ')' : '')
           . (length $last ? ": $last" : '') . "\n";
}

local $/ = '';
my $text = join '', <$in>;

# a link may be broken into two lines

$text =~ s/\[([^]\n]*)\n([^]\n]*)\]\(/[$1 $2](/g;

for (split /^/m, $text) {
    $code = !$code if /^```/;

    if ($code) {
        print;
        next;
    }

    next if /^# / || /^\[\w+\]: /;

    if (/^\|(.*)\|$/) {
        my @cells = map s/^\s+|\s+$//gr, split /(?<!\\)\|/, $1, -1;

        if (!@head) {
            @head = @cells;

        } elsif ($cells[0] !~ /^-+$/) {
            print plain(item(map s/\\\|/|/gr, @cells));
        }

        next;
    }

    @head = ();

    s/^## (.*)/'# ' . uc $1/e or s/^##(#+ )/$1/;

    print plain($_);
}
