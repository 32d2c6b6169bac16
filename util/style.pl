#!/usr/bin/perl

# nginx's style, as far as a line shows it.

use strict;
use warnings;

my $found = 0;

sub complain {
    my ($file, $line, $what) = @_;

    print "$file:$line: $what\n";
    $found++;
}

for my $file (@ARGV) {
    open my $in, '<', $file or die "$file: $!\n";
    my @lines = <$in>;
    close $in;

    chomp @lines;

    my ($blank, $comment, $start) = (0, 0, 0);

    complain($file, 1, "no blank line at the top") if $lines[0] ne '';
    complain($file, scalar @lines, "blank line at the end")
        if $lines[-1] eq '';

    # the public header is the reference of those who write functions

    complain($file, scalar @lines, "over 500 lines")
        if @lines > 500 && $file !~ m{/ngx_task\.h$};

    for my $i (0 .. $#lines) {
        my ($n, $line) = ($i + 1, $lines[$i]);
        my $prev = $i ? $lines[$i - 1] : '';

        complain($file, $n, "over 80 columns") if length $line > 80;
        complain($file, $n, "tab") if $line =~ /\t/;
        complain($file, $n, "white space at the end") if $line =~ /\s$/;

        $comment = 1 if $line =~ m{^\s*/\*};

        if (!$comment) {
            (my $code = $line) =~ s/"(?:\\.|[^"\\])*"/""/g;

            complain($file, $n, "// comment") if $code =~ m{//};
            complain($file, $n, "no space after a keyword")
                if $code =~ /\b(?:if|for|while|switch)\(/;
            complain($file, $n, "no blank line before else")
                if $code =~ /^\s*\} else/ && $prev ne '';
            complain($file, $n, "brace of a function not on its own line")
                if $code =~ /^\w.*\)\s*\{$/ && $code !~ /^(?:extern|typedef)/;

            # the name of a function that is defined: NAME(

            if ($code =~ /^(ngx_\w+|[a-z]\w*)\(/ && $code !~ /;$/) {
                complain($file, $n, "return type not on its own line")
                    if $prev !~ /^[a-z][\w \*]*$/;

                my $top = $i - 1;
                $top-- while $top > 0 && $lines[$top] !~ /^$/;

                # a comment may stand between, with one blank line

                my $above = $top;
                if ($above > 1 && $lines[$above - 1] =~ m{\*/$}) {
                    $above--;
                    $above-- while $above > 0 && $lines[$above] !~ m{^/\*};
                    $above--;
                }

                complain($file, $n, "not two blank lines before a function")
                    if $lines[$above] ne '' || $lines[$above - 1] ne '';
            }

            $start = $n if $line eq '{';

            complain($file, $start, "function over 60 lines")
                if $line eq '}' && $start && $n - $start > 61;
        }

        $comment = 0 if $line =~ m{\*/};

        $blank = $line eq '' ? $blank + 1 : 0;
        complain($file, $n, "three blank lines") if $blank == 3;
    }
}

exit($found ? 1 : 0);
