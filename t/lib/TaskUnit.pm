package TaskUnit;

# A driver of t/unit/ prints a line "ok N name" or "not ok N name" for each
# thing that it looks at, and "# ..." for what is to be said of it.  unit() runs
# one: each line is a test, and so is its end.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(unit);

sub unit {
    my ($driver, $prefix) = @_;

    for my $line (split /\n/, `$ENV{TEST_NGINX_UNITS}/$driver`) {

        if ($line =~ s/^# ?//) {
            diag($line);
            next;
        }

        my ($ok, $name) = $line =~ /^(ok|not ok) \d+ (.*)/;
        is($ok // $line, 'ok', ($prefix // '') . ($name // ''));
    }

    is($?, 0, "$driver ends");
}

1;
