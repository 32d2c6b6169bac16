/* What comes back: status, headers, and a body by its type. */

"use strict";

const KEPT_BYTES = 64e6;       // of a body that can be saved


function typeOf(answer) {
    return (answer.headers.get("Content-Type") || "").trim().toLowerCase();
}


function bodyKind(type) {
    return streams(type) ? (/event-stream/.test(type) ? "events" : "lines")
        : /[/+]json\b/.test(type) ? "json"
        : /^image\//.test(type) ? "image"
        : /^text\/|[/+](xml|javascript|yaml|x-www-form-urlencoded)\b/.test(type)
            ? "text" : "file";
}


const sinkFor = kind => ({ events: eventSink, lines: lineSink, json: textSink,
                           text: textSink }[kind] || countSink)();


/* what a save of the body would be called */

function nameFor(answer, operation) {
    const given = answer.headers.get("Content-Disposition") || "";
    const name = /filename="?([^";]+)"?/i.exec(given)?.[1];

    return name || `${operation.name.replace(/\W+/g, "-")}.${ending(typeOf(answer))}`;
}


/* the place of one answer; what it holds is let go with it */

function makePanel(operation) {
    const verdict = element("p", "verdict");
    const job = element("div", "job");
    const elsewhere = element("ul", "elsewhere");
    const headers = element("details", "headers");
    const body = element("div", "content");
    const tools = element("p", "tools");
    const node = element("section", "answer", verdict, job, elsewhere, headers, body,
                         tools);

    mark(node, "aria-label", `answer of ${operation.name}`);
    headers.hidden = true;
    elsewhere.hidden = true;

    return { node, verdict, job, elsewhere, headers, body, tools, operation,
             urls: [], active: false };
}


function dropPanel(panel) {
    panel.urls.forEach(url => URL.revokeObjectURL(url));
    panel.node.remove();
}


function tellPanel(panel, kind, text) {
    mark(panel.verdict, "data-kind", kind);
    write(panel.verdict, text);
}


function showHeaders(panel, answer) {
    const all = [...answer.headers];
    const list = element("dl", "", ...all.map(([name, value]) =>
        element("div", "", element("dt", "", name), element("dd", "", value))));

    panel.headers.hidden = false;
    panel.headers.replaceChildren(
        element("summary", "", count(all.length, "header", "headers")), list);
}


/* an image as one; what is no image says so, and can be saved */

function showImage(panel, url) {
    const image = element("img");
    const about = element("figcaption", "faint");

    image.alt = `the answer of ${panel.operation.name}`;
    image.addEventListener("load", () => {
        write(about, `${image.naturalWidth} × ${image.naturalHeight} pixels`);
    });
    image.addEventListener("error", () => {
        image.remove();
        write(about, "The browser cannot show this image.");
    });
    image.src = url;
    panel.body.replaceChildren(element("figure", "", image, about));
}


function quiet(text, action) {
    const button = element("button", "quiet", text);

    button.type = "button";
    button.addEventListener("click", () => action(button));

    return button;
}


/* where the clipboard is not to be had, over plain HTTP, the old way */

async function copy(text, button) {
    let ok = true;

    try {
        await navigator.clipboard.writeText(text);

    } catch (error) {
        const area = element("textarea", "unseen");

        area.value = text;
        document.body.append(area);
        area.select();
        ok = document.execCommand("copy");
        area.remove();
        button.focus();
    }

    write(button, ok ? "Copied" : "Not copied");
    say(button.textContent + ".");
    setTimeout(() => write(button, "Copy"), 1500);
}


/* a tree, or the text as it came */

function showJson(panel, value, sink, text) {
    const tree = jsonTree(value, text.length);
    const raw = quiet("As it came", button => {
        const bare = panel.body.contains(tree);

        panel.body.replaceChildren(bare ? sink.node : tree);
        write(button, bare ? "As a tree" : "As it came");
    });

    panel.body.replaceChildren(tree);
    panel.tools.append(raw, quiet("Copy", button => copy(
        panel.body.contains(tree) ? jsonPretty(value) : text, button)));
}


/* a link that saves the body: a file has nothing else to show */

function saveLink(panel, url, name, blob, main) {
    const link = element("a", "", main ? `Save ${name}, ${bytes(blob.size)}` : "Save");

    link.href = url;
    link.download = name;
    mark(link, "aria-label", `Save ${name}, ${bytes(blob.size)}`);

    if (main) {
        panel.body.replaceChildren(element("p", "", link));

    } else {
        panel.tools.append(link);
    }
}


async function showBody(panel, answer, kind, blob, sink) {
    const url = URL.createObjectURL(blob);
    const text = kind === "json" || kind === "text" ? await blob.text() : "";
    const value = kind === "json" ? parseJson(text) : undefined;

    panel.urls.push(url);

    if (value !== undefined) {
        showJson(panel, value, sink, text);

    } else if (kind === "image") {
        showImage(panel, url);

    } else if (text) {
        panel.body.replaceChildren(sink.node);
        panel.tools.append(quiet("Copy", button => copy(text, button)));

        if (text.length > LETTERS) {
            panel.tools.append(`the first ${LETTERS.toLocaleString("en")} letters of `
                               + bytes(blob.size));
        }
    }

    saveLink(panel, url, nameFor(answer, panel.operation), blob, kind === "file");
}


/* reads all pieces; tick() is told of each */

async function readBody(answer, sink, pieces, tick) {
    const reader = answer.body.getReader();
    let size = 0;

    for (;;) {
        const { done, value } = await reader.read();

        if (done) {
            return;
        }

        size += value.length;
        sink.add(value);
        size <= KEPT_BYTES ? pieces.push(value) : pieces.splice(0);
        pieces.whole = size <= KEPT_BYTES;
        tick();
    }
}


const statusWords = answer => `${answer.status} ${answer.statusText}`.trim();

const heardAs = answer => answer.status < 400 ? "well" : "late";


/* Shows an answer as it arrives.  since() is how long it takes until now; gives
 * what was said in the end. */

async function receive(panel, answer, since, stopped, prefix = "") {
    const kind = bodyKind(typeOf(answer));
    const flows = kind === "events" || kind === "lines";
    const sink = sinkFor(kind);
    const pieces = Object.assign([], { whole: true });
    const words = prefix + statusWords(answer);
    let first = "";
    let how = "";

    showHeaders(panel, answer);
    panel.tools.replaceChildren();
    panel.body.replaceChildren(...answer.body ? [sink.node] : []);

    const tick = () => {
        first = first || since();
        tellPanel(panel, "busy", `${words}: ${sink.words()} in ${since()}`);
    };

    tellPanel(panel, "busy", `${words}, ${since()}`);

    try {
        answer.body && await readBody(answer, sink, pieces, tick);

    } catch (error) {
        how = stopped() ? "Stopped" : "Broken off";
    }

    /* a text that was there at once is not shown before its tree */

    if (kind === "json" && !sink.node.textContent) {
        panel.body.replaceChildren();
    }

    sink.end();

    const much = answer.body ? sink.words() : "no body";
    const began = flows && first ? `, the first after ${first}` : "";
    const said = how ? `${words}. ${how} after ${much}, ${since()}`
        : `${words}: ${much} in ${since()}${began}`;

    const blob = new Blob(pieces, { type: kind === "image" || kind === "file"
        ? typeOf(answer) : "text/plain" });

    if (pieces.whole && blob.size && !how) {
        await showBody(panel, answer, kind, blob, sink);
    }

    tellPanel(panel, how ? "late" : heardAs(answer), said + ".");
    return { said: said, how: how, text: pieces.whole && !flows && blob.size < 1e6
        ? await blob.text() : "" };
}
