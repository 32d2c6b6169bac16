#!/usr/bin/perl

# util/ngx.sh: for which nginx a module is, and what is told where it is for
# another one.  The module that is built here in another way is that of
# t/bench/empty, as it takes a second.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

my $nginx = $ENV{TEST_NGINX_BINARY};
my $module = $ENV{TEST_NGINX_LOAD_MODULES};
my $src = '/usr/share/nginx/src';

plan skip_all => 'needs nginx-dev, and the nginx that it is for'
    unless -f "$src/conf_flags" && $nginx eq '/usr/sbin/nginx' && !$ENV{TEST_NGINX_SANITIZER};

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;

delete @ENV{qw(MAKEFLAGS MAKELEVEL)};

sub said {
    my ($command) = @_;

    my $text = `$command 2>&1`;
    return ($? == 0, $text);
}

sub file {
    my ($name, $text, $mode) = @_;

    open my $out, '>', "$dir/$name" or die "$name: $!";
    print $out $text;
    close $out;
    chmod $mode, "$dir/$name" if $mode;
    return "$dir/$name";
}

# its own source, and its own module

my ($ok, $text) = said("sh util/ngx.sh version $nginx $src");
ok($ok, 'the source of this nginx') or diag($text);
($ok, $text) = said("sh util/ngx.sh compare $nginx $module $src");
ok($ok, 'its module') or diag($text);

# the source of another version

mkdir "$dir/$_" for 'src', 'src/core';
my ($is) = `$nginx -v 2>&1` =~ m{nginx version: (\S+)};
(my $other = $is) =~ s/\d+$/999/;
my ($version) = $other =~ m{/(.*)};
file('src/core/nginx.h', qq(#define NGINX_VERSION "$version"\n#define NGINX_VER "nginx/" NGINX_VERSION\n));
($ok, $text) = said("sh util/ngx.sh version $nginx $dir");
ok(!$ok, 'the source of another version');
is($text, "$nginx is $is, and the source in $dir is $other: NGX_SRC=DIR of the source of $is is wanted\n",
   'as it says, and which is wanted');
($ok, $text) = said("sh util/ngx.sh version $nginx $dir/src");
like($text, qr/the source in \S+ is none of an nginx: NGX_SRC=DIR of the source of \Q$is\E is wanted/,
     'no source');

# a source that names itself in a file of its own, beside the nginx that it is of

file('src/core/angie.h', qq(#define ANGIE_VER "Angie/1.2.3"\n));
($ok, $text) = said("sh util/ngx.sh version $nginx $dir");
is($text, "$nginx is $is, and the source in $dir is Angie/1.2.3: NGX_SRC=DIR of the source of $is is wanted\n",
   'its own name');
my $angie = file('angie', <<'END', 0755);
#!/bin/sh
echo 'Angie version: Angie/1.2.3'
echo 'configure arguments: --with-threads'
END
($ok, $text) = said("sh util/ngx.sh version $angie $dir");
ok($ok, 'the name of its own') or diag($text);

# no nginx, and one that will not do

($ok, $text) = said("sh util/ngx.sh version $dir/none $src");
is($text, "there is no $dir/none\n", 'no file');
($ok, $text) = said("sh util/ngx.sh version /bin/true $src");
is($text, "/bin/true is no nginx: it does not tell its version\n", 'no nginx');
my $bare = file('nginx', "#!/bin/sh\necho 'nginx version: $is'\necho 'configure arguments: --with-compat'\n", 0755);
($ok, $text) = said("sh util/ngx.sh version $bare $src");
is($text, "$bare was configured without threads, which the module needs: --with-threads\n", 'without threads');

($ok, $text) = said("sh util/ngx.sh compare $bare $module $src");
ok($ok, 'a script');
is($text, "$bare has no signature, as a script has none: whether it takes $module is not known\n",
   'has nothing to compare, as it says');

# what it was configured with, but for what a module does not depend on

file('nginx', <<"END", 0755);
#!/bin/sh
echo 'nginx version: $is (built by somebody)'
echo "configure arguments: --prefix=/opt --with-cc-opt='-O2 --with-mail -g' --with-threads --add-module=/opt/echo" \\
     "--with-http_v2_module --with-http_geoip_module=dynamic --with-http_perl_module --with-openssl=/opt/ssl" \\
     "--without-http_rewrite_module"
END
($ok, $text) = said("sh util/ngx.sh arguments $bare");
is($text, "--with-threads\n--with-http_v2_module\n--without-http_rewrite_module\n", 'arguments');

# a module that was built with other options

($ok, $text) = said("bash util/configure.sh $src $ENV{PWD}/t/bench/empty $dir/obj -O0 --with-threads "
                    . '--without-http_rewrite_module');
ok($ok, 'configured in another way') or diag($text);
($ok, $text) = said("cd $src && make -s -f $dir/obj/Makefile modules");
ok($ok, 'built') or diag($text);
my $empty = "$dir/obj/ngx_http_empty_module.so";
($ok, $text) = said("sh util/ngx.sh compare $nginx $empty $src");
ok(!$ok, 'it is for another nginx');
like($text, qr/^\Q$empty\E is not for \Q$nginx\E, which is \Q$is\E:\n/, 'as it says');
like($text, qr/^    NGX_PCRE: in nginx, not in the module$/m, 'which flag');
like($text, qr/^    NGX_COMPAT: in nginx, not in the module$/m, 'and another one');
unlike($text, qr/NGX_HAVE_EPOLL/, 'what is the same is not told');
like($text, qr/^build it with the options of that nginx: make NGX=\Q$nginx\E, and NGX_SRC=DIR of its source$/m,
     'and what to do');

# nginx says the same, in fewer words

file('nginx.conf', "load_module $empty;\nevents { }\n");
($ok, $text) = said("$nginx -t -p $dir/ -c nginx.conf -e stderr");
like($text, qr/is not binary compatible/, 'nginx does not take it');

done_testing();
