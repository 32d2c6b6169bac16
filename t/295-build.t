#!/usr/bin/perl

# A checkout that was built and then copied builds its own sources, and other
# options are not ignored.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use Test::More;

my $root = getcwd();
my $copy = ($ENV{TEST_NGINX_SERVROOT} || "$root/t/servroot") . "-$$-copy";
my $made = "$root/build/ngx_http_task_module.so";

plan skip_all => 'the module is not built here' unless -f "$root/build/obj/stamp";
plan skip_all => 'built to another place' if ($ENV{MAKEFLAGS} // '') =~ /\bBUILD=/;

delete $ENV{MAKELEVEL};

sub make {
    my ($arguments) = @_;

    my $text = `make --no-print-directory -C $copy $arguments 2>&1`;

    is($?, 0, "make $arguments") or diag $text;
    return $text;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return <$in>;
}

remove_tree($copy);
make_path("$copy/build");

for (qw(Makefile config src t/lib t/t.mk util)) {
    make_path("$copy/t");
    system('cp', '-a', "$root/$_", "$copy/$_") == 0 or die "cp: $?";
}

for (qw(obj ngx_http_task_module.so)) {
    system('cp', '-a', "$root/build/$_", "$copy/build/$_") == 0 or die "cp: $?";
}

my $before = (stat $made)[9];

# in the copy alone

my $file = "$copy/src/base/ngx_http_task_base.h";
my $text = slurp($file);
$text =~ s/(NGX_HTTP_TASK_VERSION +)"([^"]+)"/$1"$2-copied"/ or die 'no version';
open my $out, '>', $file or die "$file: $!";
print $out $text;
close $out or die "$file: $!";

like(make('build'), qr/^configuring for the nginx in /m, 'a copy is configured anew');
ok(slurp("$copy/build/ngx_http_task_module.so") =~ /-copied/,
   'its module is made of its sources');
ok(slurp($made) !~ /-copied/, 'that of the other checkout is not');
is((stat $made)[9], $before, 'and was not touched');
is(make('build'), '', 'once more: nothing is to be done');

# other options: the stamp is another one, of which all else is made

my $stamp = "$copy/build/obj/stamp";
my %seen = (slurp($stamp) => 'none');

for ('WARNINGS=-Wundef', 'CC=gcc', 'CFLAGS=-O1', 'NGX_CONFIGURE=--with-threads') {
    make("$_ $stamp");
    my $was = $seen{ slurp($stamp) };
    ok(!$was, "$_ is seen") or diag "as with $was";
    $seen{ slurp($stamp) } = $_;
}

make($stamp);
is($seen{ slurp($stamp) }, 'none', 'and what was before, again');

remove_tree($copy);

done_testing();
