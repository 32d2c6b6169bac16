#!/usr/bin/perl

# layers.pl OBJECTS FILE ...
#
# Each file of src/ uses only its own room and those below it.  The rooms and
# their order are those of "config", which lists them from the top to the
# ground.  What the linker sees is looked at, in OBJECTS/addon, so that nothing
# is overlooked: calls, tables, variables; and what each file includes.
#
# Exceptions stand at the end, each with its reason.  Nor may files of a room use each other in a
# circle.

use strict;
use warnings;

my ($objects, @files) = @ARGV;

my %floor = floors('config');
my %excused = map { /^(ngx_\S+)/ ? ($1 => 0) : () } <DATA>;
my (%home, %needs, %next);
my $wrong = 0;

for my $file (grep /\.c$/, @files) {
    my ($room, $name) = $file =~ m{^src/(?:(.+)/)?ngx_http_task_(\w+)\.c$}
        or die "$file is in no room\n";

    $room //= '';
    die "$file: its room is not in config\n" unless defined $floor{$room};

    my ($folder) = $file =~ m{([^/]+)/[^/]+$};
    my $from = "$room/$name";
    my $object = "$objects/addon/$folder/ngx_http_task_$name.o";

    if (!-e $object) {
        print "$file is not in config\n";
        $wrong++;
        next;
    }

    for (split /\n/, `nm "$object"`) {
        my ($type, $symbol) = /([A-Za-z]) (\S+)$/ or next;

        $home{$symbol} = [$room, $from] if $type =~ /[TDBRC]/;
        push @{$needs{$from}}, [$room, $symbol] if $type eq 'U';
    }
}

for my $from (sort keys %needs) {
    for my $need (@{$needs{$from}}) {
        my ($room, $symbol) = @$need;
        my $home = $home{$symbol} or next;
        my ($above, $to) = @$home;

        if ($floor{$above} > $floor{$room}) {
            if (exists $excused{$symbol}) {
                $excused{$symbol}++;
                next;
            }

            print "$from uses $symbol of $to, which is above it\n";
            $wrong++;
        }

        # the module's symbol is the index of its configuration, everywhere

        $next{$from}{$to} = 1 if $to ne $from && $symbol !~ /_module$/;
    }
}

for (grep !$excused{$_}, sort keys %excused) {
    print "$_ is excused, and need not be\n";
    $wrong++;
}

includes($_) for @files;

my @circles = circles();
print "a circle: @$_\n" for @circles;

exit($wrong || @circles ? 1 : 0);


# the ground is 0

sub floors {
    my ($config) = @_;

    open my $in, '<', $config or die "$config: $!\n";
    my @rooms = map { /^ngx_task_room\s+(\S+)/ ? $1 eq '""' ? '' : $1 : () } <$in>;

    return map { $rooms[$_] => $#rooms - $_ } 0 .. $#rooms;
}

# a header is named with its room; that of functions is for all but text/,
# which is plain C

sub includes {
    my ($file) = @_;

    my ($room) = $file =~ m{^src/(?:(.+)/)?[^/]+$};
    $room //= '';

    open my $in, '<', $file or die "$file: $!\n";

    while (<$in>) {
        my ($name) = /^#include ["<]([^">]+)[">]/ or next;
        my ($above) = $name =~ m{^(.+)/ngx_};

        if ($room eq 'text' && $name =~ /^ngx_/) {
            print "$file includes $name, but is plain C\n";
            $wrong++;

        } elsif (defined $above && ($floor{$above} // 99) > $floor{$room}) {
            print "$file includes $name, which is above it\n";
            $wrong++;

        # a header of the room at the top, which has no name, is for it alone

        } elsif ($name =~ /^ngx_http_task/ && $room ne '') {
            print "$file includes $name without its room\n";
            $wrong++;
        }
    }
}

# Tarjan: files that reach each other

sub circles {
    my (%index, %low, %on, @stack, @found);
    my $n = 0;
    my $visit;

    $visit = sub {
        my ($v) = @_;

        $index{$v} = $low{$v} = $n++;
        push @stack, $v;
        $on{$v} = 1;

        for my $w (sort keys %{$next{$v}}) {
            $visit->($w) unless defined $index{$w};
            $low{$v} = $low{$w} if $on{$w} && $low{$w} < $low{$v};
        }

        return if $low{$v} != $index{$v};

        my @circle;

        do {
            push @circle, pop @stack;
            delete $on{$circle[-1]};
        } until $circle[-1] eq $v;

        push @found, [sort @circle] if @circle > 1;
    };

    defined $index{$_} or $visit->($_) for sort keys %next;

    return @found;
}


__DATA__
ngx_http_task_module           the index of its configuration, as in nginx
ngx_http_task_core_module      likewise
