/* Pieces of an answer, as they arrive: events, lines, letters.  A sink has
 *
 *     node            what is shown
 *     add(bytes)      takes a piece
 *     end()           there are no more
 *     words()         how much it has had: "3 events" */

"use strict";

const NEWEST = 1000;           // events and lines that are shown
const LETTERS = 200000;        // of a text
const CUT = 2000;              // of an event or a line
const EVERY = 80;              // between two looks of the reader, ms


/* lines end with \r\n, \n or \r, wherever a piece ends */

class Lines {
    constructor(take) {
        this.decoder = new TextDecoder();
        this.rest = "";
        this.take = take;
    }

    add(piece) {
        const text = this.rest + this.decoder.decode(piece, { stream: true });

        /* a \r at the end may be half of a \r\n */

        const cut = text.endsWith("\r") ? text.length - 1 : text.length;
        const lines = text.slice(0, cut).split(/\r\n|\n|\r/);

        this.rest = lines.pop() + text.slice(cut);
        lines.forEach(this.take);
    }

    end() {
        const last = this.rest + this.decoder.decode();

        last && last.replace(/\r$/, "").split("\r").forEach(this.take);
        this.rest = "";
    }
}


/* server-sent events, as the HTML standard reads them */

class Events {
    constructor(take) {
        this.take = take;
        this.id = "";
        this.clear();
    }

    clear() {
        this.data = [];
        this.name = "";
    }

    line(text) {
        const [, field, value] = /^([^:]*):? ?([^]*)$/.exec(text);

        if (text === "") {
            if (this.data.length) {
                this.take({ id: this.id, name: this.name, data: this.data.join("\n") });
            }

            this.clear();

        } else if (field === "data") {
            this.data.push(value);

        } else if (field === "event") {
            this.name = value;

        } else if (field === "id" && !value.includes("\0")) {
            this.id = value;
        }
    }
}


const cut = text => text.length > CUT ? text.slice(0, CUT) + " …" : text;


/* drawn together, a few times a second */

function drawn(draw) {
    let due = 0;

    return {
        soon() {
            due = due || setTimeout(() => {
                due = 0;
                draw();
            }, EVERY);
        },

        now() {
            clearTimeout(due);
            due = 0;
            draw();
        },
    };
}


/* a place with a scroll bar of its own, that the keyboard reaches */

function scrolled(name, label, ...content) {
    const node = element(name, "out", ...content);

    node.tabIndex = 0;
    mark(node, "role", "region");
    mark(node, "aria-label", label);

    return node;
}


function eventSink() {
    const body = element("tbody");
    const names = ["id", "event", "data", "after"];
    const cells = names.map(n => element("th", "", n));
    const table = element("table", "events",
                          element("thead", "", element("tr", "", ...cells)), body);
    const events = new Events(event => {
        const now = performance.now();
        const after = sink.n ? time((now - sink.last) / 1000) : "";

        sink.n++;
        sink.last = now;
        sink.fresh.push([event.id, event.name, cut(event.data), after]);
        sink.fresh = sink.fresh.slice(-NEWEST);
        draw.soon();
    });
    const lines = new Lines(text => events.line(text));

    const draw = drawn(() => {
        body.prepend(...sink.fresh.reverse().map(row =>
            element("tr", "", ...row.map(text => element("td", "", text)))));
        sink.fresh = [];

        while (body.childElementCount > NEWEST) {
            body.lastElementChild.remove();
        }
    });

    const sink = {
        n: 0, last: 0, fresh: [],
        node: scrolled("div", "events, the newest first", table),
        add: piece => lines.add(piece),
        words: () => count(sink.n, "event", "events"),

        end() {
            lines.end();
            draw.now();
        },
    };

    cells.forEach(c => { c.scope = "col"; });
    return sink;
}


function lineSink() {
    const node = scrolled("pre", "lines, the newest first");
    const draw = drawn(() => write(node, [...sink.lines].reverse().join("\n")));

    const lines = new Lines(text => {
        if (text !== "") {
            sink.n++;
            sink.lines.push(cut(text));
        }

        if (sink.lines.length > 2 * NEWEST) {
            sink.lines = sink.lines.slice(-NEWEST);
        }

        draw.soon();
    });

    const sink = {
        n: 0, lines: [], node: node,
        add: piece => lines.add(piece),
        words: () => count(sink.n, "line", "lines"),

        end() {
            lines.end();
            sink.lines = sink.lines.slice(-NEWEST);
            draw.now();
        },
    };

    return sink;
}


/* a text in its order; of a long one the beginning */

function textSink() {
    const decoder = new TextDecoder();
    const node = scrolled("pre", "the text of the answer");
    const text = document.createTextNode("");
    const draw = drawn(() => {
        text.appendData(sink.fresh.slice(0, LETTERS - text.length));
        sink.fresh = "";
    });

    const sink = {
        n: 0, fresh: "", node: node,
        words: () => bytes(sink.n),
        end: () => draw.now(),

        add(piece) {
            sink.n += piece.length;

            if (text.length < LETTERS) {
                sink.fresh += decoder.decode(piece, { stream: true });
                draw.soon();
            }
        },
    };

    node.append(text);
    return sink;
}


/* what is no text is counted until it is all there */

function countSink() {
    const sink = { n: 0, node: element("p", "faint"), end() {},
                   add: piece => { sink.n += piece.length; },
                   words: () => bytes(sink.n) };

    return sink;
}
