/* JSON as a tree that folds.  Each level is built when it is opened. */

"use strict";

const OPEN = 2;                // levels of a long text that are open at first
const SHORT = 3000;            // letters of one that is open as a whole
const FEW = 30;                // members of one that is, or else they are closed
const GLIMPSE = 50;            // letters of what is closed
const PAGE = 100;              // members that are shown at a time
const LONG = 600;              // letters of a string
const EXACT = 2e6;             // letters of a text whose numbers are looked at


/* a number that a double does not hold, as it was written */

class Exact {
    constructor(source) {
        this.source = source;
    }

    toString() {
        return this.source;
    }
}


function exactly(key, value, context) {
    return typeof value === "number" && context && context.source
           && context.source.length > 15 && String(value) !== context.source
        ? new Exact(context.source) : value;
}


/* undefined if it is no JSON */

function parseJson(text) {
    try {
        return JSON.parse(text, text.length < EXACT ? exactly : undefined);

    } catch (error) {
        return undefined;
    }
}


function longString(value) {
    const rest = element("button", "quiet more", `${value.length - LONG} more letters`);
    const shown = element("span", "string", JSON.stringify(value.slice(0, LONG)), rest);

    rest.type = "button";
    rest.addEventListener("click", () => shown.replaceChildren(JSON.stringify(value)));

    return shown;
}


function jsonLeaf(value) {
    if (value instanceof Exact) {
        return element("span", "number", value.source);
    }

    if (typeof value === "string" && value.length > LONG) {
        return longString(value);
    }

    const kind = typeof value === "string" ? "string"
        : typeof value === "number" ? "number" : "word";

    return element("span", kind, JSON.stringify(value));
}


const nested = value => value !== null && typeof value === "object"
                        && !(value instanceof Exact);


function jsonItem([key, value], list, depth, levels) {
    const name = list ? [] : [element("span", "key", JSON.stringify(key)), ": "];

    return element("li", "", ...nested(value) ? [jsonFold(value, depth, levels, name)]
                                              : [...name, jsonLeaf(value)]);
}


/* a page of the members, and a button for the next one */

function jsonPage(ul, entries, list, depth, levels) {
    ul.append(...entries.splice(0, PAGE).map(e =>
        jsonItem(e, list, depth, levels)));

    if (!entries.length) {
        return;
    }

    const more = element("button", "quiet more",
                         `${entries.length.toLocaleString("en")} more`);
    const row = element("li", "", more);

    more.type = "button";
    more.addEventListener("click", () => {
        const next = ul.childElementCount - 1;

        row.remove();
        jsonPage(ul, entries, list, depth, levels);
        ul.children[next].tabIndex = -1;
        ul.children[next].focus();
    });
    ul.append(row);
}


/* the first values of what is closed, in one line */

function glimpse(entries, list) {
    let text = "";

    for (const [key, value] of entries.slice(0, 10)) {
        const next = nested(value) ? "…" : value instanceof Exact ? value.source
            : typeof value === "string" ? JSON.stringify(value.slice(0, GLIMPSE))
            : String(value);
        const more = `${text ? ", " : ""}${list ? "" : key + ": "}${next}`;

        if (text.length + more.length > GLIMPSE) {
            return text ? text + ", …" : "…";
        }

        text += more;
    }

    return entries.length > 10 ? text + ", …" : text;
}


function jsonFold(value, depth, levels, name = []) {
    const list = Array.isArray(value);
    const entries = Object.entries(value);
    const [open, close] = list ? "[]" : "{}";

    if (!entries.length) {
        return element("span", "", ...name, open + close);
    }

    const details = element("details");
    const many = list ? ` ${count(entries.length, "item", "items")}`
        : entries.length > 10 ? ` ${entries.length} members` : "";
    const closed = ` ${glimpse(entries, list)} ${close}${many}`;
    const deeper = entries.length > FEW ? 0 : levels;

    const build = () => {
        if (details.open && details.childElementCount === 1) {
            const ul = element("ul");

            jsonPage(ul, entries.slice(), list, depth + 1, deeper);
            details.append(ul, element("span", "close", close));
        }
    };

    details.append(element("summary", "", ...name, open,
                           element("span", "folded", closed)));
    details.addEventListener("toggle", build);
    details.open = depth === 0 || depth < levels && entries.length <= FEW;
    build();

    return details;
}


function jsonTree(value, letters) {
    const levels = letters < SHORT ? Infinity : OPEN;

    return element("div", "tree", nested(value) ? jsonFold(value, 0, levels)
                                                : jsonLeaf(value));
}


/* with white space, numbers as they were written */

function jsonPretty(value, pad = "") {
    const deeper = pad + "  ";

    if (value instanceof Exact) {
        return value.source;
    }

    if (!nested(value)) {
        return JSON.stringify(value);
    }

    const list = Array.isArray(value);
    const all = Object.entries(value).map(([key, v]) => deeper
        + (list ? "" : JSON.stringify(key) + ": ") + jsonPretty(v, deeper));
    const [open, close] = list ? "[]" : "{}";

    return all.length ? `${open}\n${all.join(",\n")}\n${pad}${close}` : open + close;
}
