package TaskNginx;

# What the nginx that is tested is.
#
#     listen_http2($port, 'ssl')             # the directives for it
#     MAX_TIME                               # the longest that it reads

use strict;
use warnings;

use Config;
use Exporter qw(import);

use constant MAX_TIME => $Config{ptrsize} == 4 ? '24d' : '365d';

our @EXPORT_OK = qw(listen_http2 MAX_TIME);

# some have a name and a version of their own, and tell the nginx that they are
# made of

my $said = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;
my ($version) = $said =~ m{version: nginx/(\S+)};
($version) = $said =~ m{version: \w+/(\S+)} unless $version;

# "listen ... http2" became "http2 on" in 1.25.1

sub listen_http2 {
    my ($port, @options) = @_;

    my ($major, $minor, $patch) = $version =~ /^(\d+)\.(\d+)\.(\d+)/ or die "no version: $said";
    my $new = $major > 1 || $minor > 25 || ($minor == 25 && $patch >= 1);

    return $new ? "http2 on; listen @{[ qq(127.0.0.1:$port), @options ]};"
                : "listen @{[ qq(127.0.0.1:$port), @options, 'http2' ]};";
}

1;
