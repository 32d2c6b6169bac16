package TaskContrast;

# The contrast of a page as WCAG 2 defines it, from the computed styles of what
# can be seen: of texts with what is behind them, 4.5 to 1, or 3 to 1 where they
# are large; of inputs and buttons, 3 to 1, by their edge or by what fills them.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(contrast contrasts);

my $script = <<'END';
const paper = document.createElement("canvas").getContext("2d",
    { willReadFrequently: true });

/* any colour of CSS, as the browser paints it on what is below */

function paint(colours) {
    paper.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
        paper.fillStyle = colour;
        paper.fillRect(0, 0, 1, 1);
    }
    return [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function luminance(rgb) {
    const [r, g, b] = rgb.map(c => c / 255).map(c =>
        c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
}

function ratio(a, b) {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x + .05) / (y + .05);
}

const behind = [];

function ground(e) {
    const colours = [];
    for (; e; e = e.parentElement) {
        colours.unshift(getComputedStyle(e).backgroundColor);
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return [dark ? "#000000" : "#ffffff", ...colours];
}

function seen(e) {
    return e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
           && e.closest(".unseen, noscript, option") === null
           && e.getBoundingClientRect().width > 1;
}

function opacity(e) {
    let o = 1;
    for (; e; e = e.parentElement) {
        o *= getComputedStyle(e).opacity;
    }
    return o;
}

function name(e) {
    return e.localName + (e.id ? "#" + e.id : "")
           + (e.className ? "." + String(e.className).replace(/ /g, ".") : "");
}

const found = [];

function text(e, what, pseudo) {
    const style = getComputedStyle(e, pseudo);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const under = ground(e);
    const own = paint(under);
    const o = opacity(e);
    const colour = paint([...under, style.color]).map((c, i) =>
        c * o + own[i] * (1 - o));
    found.push({ kind: "text", name: name(e), what: what.slice(0, 40),
                 ratio: ratio(colour, own), least: large ? 3 : 4.5 });
}

const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);

while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    const what = walk.currentNode.data.trim();
    if (what && seen(e) && !["SCRIPT", "STYLE", "TEMPLATE"].includes(e.tagName)) {
        text(e, what);
    }
}

for (const e of document.querySelectorAll("td[data-name]")) {
    const before = getComputedStyle(e, "::before");
    if (seen(e) && before.content !== "none") {
        text(e, "before: " + before.content, "::before");
    }
}

for (const e of document.querySelectorAll("input, button, select, textarea")) {
    if (!seen(e)) {
        continue;
    }
    if (e.value) {
        text(e, e.value);
    }
    const style = getComputedStyle(e);
    const out = ground(e.parentElement);
    const outside = paint(out);
    const edge = parseFloat(style.borderTopWidth)
        ? ratio(paint([...out, style.borderTopColor]), outside) : 1;
    const fill = ratio(paint([...out, style.backgroundColor]), outside);
    found.push({ kind: "edge", name: name(e), what: e.value || e.innerText,
                 ratio: Math.max(edge, fill), least: 3 });
}

/* what tells a state without a text beside it being enough */

for (const [selector, pseudo] of [[".is", "::before"], [".verdict", "::before"],
                                  [".fill", null]]) {
    for (const e of document.querySelectorAll(selector)) {
        if (seen(e)) {
            const style = getComputedStyle(e, pseudo);
            const under = ground(pseudo ? e : e.parentElement);
            const solid = style.backgroundColor !== "rgba(0, 0, 0, 0)";
            found.push({ kind: "mark", name: name(e), what: selector, least: 3,
                ratio: ratio(paint([...under, solid ? style.backgroundColor
                                                    : style.borderTopColor]),
                             paint(under)) });
        }
    }
}

return found;
END

my %least;

sub contrast {
    my ($browser, $name) = @_;

    my $found = $browser->script($script);
    my @low = grep $_->{ratio} < $_->{least}, @$found;
    my %seen;

    cmp_ok(scalar(grep $_->{kind} eq 'text', @$found), '>', 10,
           "$name: texts that can be seen");
    is(join("\n", map sprintf('%.2f %s: %s', $_->{ratio}, $_->{name}, $_->{what}),
            @low), '', "$name: contrast is enough");

    for (@$found) {
        my $kind = $_->{least} == 4.5 || $_->{kind} ne 'text' ? $_->{kind}
                                                              : 'large text';
        $seen{$kind} = $_ if !$seen{$kind} || $_->{ratio} < $seen{$kind}{ratio};
    }

    note(sprintf('%s, of %d: ', $name, scalar @$found), join ', ', map
         sprintf('%s %.2f (%s)', $_, $seen{$_}{ratio}, $seen{$_}{name}),
         sort keys %seen);
}

# a page as it is now, at both widths, light and dark; a picture of each

sub contrasts {
    my ($b, $name) = @_;

    for my $width (1180, 390) {
        for my $dark (0, 1) {
            $b->size($width, 900, $dark);
            my $look = "$name-$width" . ($dark ? '-dark' : '');
            $b->picture($look);
            contrast($b, $look);
            $b->no_sideways("$look: no scrolling sideways");
        }
    }

    $b->size(1180, 900);
}

1;
