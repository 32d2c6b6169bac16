#!/usr/bin/perl

# tsan.pl DIR FILE ...    which of TSan's reports in these files are ours
#
# TSan's own symbolizer crashes in workers that have loaded a library, so it
# writes bare offsets; here addr2line tells functions and lines.  DIR has nginx
# and the module.  A report is ours if one of its two accesses, or the first of
# its stacks where it has no accesses, is in the module, in code that is called
# straight from it (as memcpy(), or a function of nginx that it calls), or in a
# library of the tests.  What nginx's core does by itself is not told.  Prints
# reports that are ours, once for each pair of places, and exits with 1 if there
# are any.

use strict;
use warnings;

my ($dir, @files) = @ARGV;
my (%known, %told);

for my $file (grep -f, @files) {
    open my $in, '<', $file or die "$file: $!";
    local $/;
    my $text = <$in>;

    for my $report (split /^={18}\n/m, $text) {
        next unless $report =~ /^WARNING: ThreadSanitizer: /m;

        my ($head, @stacks) = split /\n\n/, $report;
        unshift @stacks, $head;

        # without "Location", "Mutex", "Thread": they tell where from

        my @accesses = grep /^  (?:Atomic |Previous |Read|Write|read|write)/mi, @stacks;
        @accesses = $head unless @accesses;

        my @places = map place($_), @accesses;
        next unless grep $_->{ours}, @places;

        my $key = join ' ', map $_->{frames}[0] // '', @places;
        next if $told{$key}++;

        $report =~ s/^(\s+#\d+) <null> <null> \((\S+?)\+(0x[0-9a-f]+)\).*$/
                     "$1 " . name($2, $3)/gme;
        print $report, "\n";
    }
}

printf "%d reports of TSan are ours\n", scalar keys %told;
exit(%told ? 1 : 0);


# the frames of an access, without the sanitizer's own; "ours": see above

sub place {
    my ($stack) = @_;

    my @frames = $stack =~ /^\s+#\d+ <null> <null> \((\S+?\+0x[0-9a-f]+)\)/mg;
    shift @frames while @frames && $frames[0] =~ /^lib(?:tsan|c)\.so/;

    my @names = map name(split /\+/, $_), @frames[0 .. ($#frames > 1 ? 1 : $#frames)];

    # what nginx's pools of threads do is not made for TSan

    my $core = grep /\b(?:ngx_thread_\w+|ngx_spinlock|ngx_time_update|ngx_log_error_core)\b/,
                    @names;

    return { frames => \@frames,
             ours => !$core && scalar grep !/^nginx\+/, @frames[0 .. $#names] };
}


sub name {
    my ($module, $at) = @_;

    return $known{"$module$at"} //= do {
        my ($path) = grep -f, "$dir/$module", glob("$dir/../tasks/test/$module"),
                              glob("$dir/../tasks/$module");
        my $name = "$module+$at";

        if ($path) {
            # a return address: the call is before it

            my $hex = sprintf '0x%x', hex($at) - 1;
            my $line = join ' in ', grep length, split /\n/,
                       `addr2line -fipe $path $hex 2>/dev/null`;
            $line =~ s{/\S*/(src|t)/}{$1/}g;
            $name = "$line ($module+$at)" if $line;
        }

        $name;
    };
}
