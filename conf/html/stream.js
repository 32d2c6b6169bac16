/* The page of conf/functions.conf: shows events and rows as they arrive. */

"use strict";

const PATIENCE = 5000;         // with an answer that is no stream
const EVENTS = 1000;           // that are shown, the newest of them
const ROWS = 100;              // likewise

const IDLE = ["idle", "stopped", "ended", "failed"];

const KIND = { connecting: "busy", open: "busy", ended: "well", lost: "gone",
               failed: "gone" };

const part = (id, selector) => $(id).querySelector(selector);


/* what a stream is at: a sentence, and a button that does what one can do now */

function tell(id, state, text) {
    mark($(id), "data-state", state);
    mark(part(id, ".verdict"), "data-kind", KIND[state] || "");
    write(part(id, ".verdict"), text);
    write(part(id, "button"), IDLE.includes(state) ? "Start" : "Stop");
}


/* one that begins or ends is read out, and not each of its pieces */

function change(id, state, text) {
    tell(id, state, text);
    say(`${$(id + "-title").textContent}: ${text}`);
}


/* what is wrong with a request stands at the field that it is about */

function fields(id, detail) {
    for (const input of $(id).querySelectorAll("input")) {
        const wrong = detail.filter(d => d.loc.at(-1) === input.id).map(d => d.msg);

        write($(input.id + "-wrong"), wrong.join("; "));
        mark(input, "aria-invalid", String(wrong.length > 0));
    }
}


function refused(id, answer) {
    const detail = answer.status === 422 ? answer.body.detail : [];
    const wrong = [...new Set(detail.map(d => d.loc.at(-1)))];

    fields(id, detail);
    change(id, "failed", wrong.length
           ? `Not started: ${wrong.join(" and ")} cannot be so.`
           : answer.status === "gone" ? "Not started: nginx does not answer."
           : `Not started: nginx answers ${answer.status}.`);
}


/* events: a browser that loses them connects again, with the last id */

const events = { source: null, n: 0, first: 0, last: 0 };

const counted = () => count(events.n, "event", "events");

const since = begin => time((performance.now() - begin) / 1000);

const took = () => events.n < 2 ? "" : ` in ${since(events.first)}`;


function endEvents(state, text) {
    events.source.close();
    events.source = null;
    change("events", state, text);
}


function showEvent(event) {
    const now = performance.now();
    const list = part("events", "tbody");
    const after = events.n ? `${Math.round(now - events.last)} ms` : "";

    list.prepend(element("tr", "", element("td", "", event.lastEventId),
                         element("td", "", event.data), element("td", "", after)));

    if (list.childElementCount > EVENTS) {
        list.lastElementChild.remove();
    }

    events.n++;
    events.first = events.first || now;
    events.last = now;
    tell("events", "open", `Open: ${counted()}${took()}.`);
}


/* EventSource does not tell what an answer was that is no stream */

async function askWhy(address) {
    endEvents("failed", "Not started.");
    refused("events", await ask(address, {}, PATIENCE));
}


function startEvents() {
    const address = `count?n=${encodeURIComponent($("n").value)}`
                    + `&every=${encodeURIComponent($("every").value)}ms`;
    const source = new EventSource(address);

    Object.assign(events, { source: source, n: 0, first: 0, last: 0 });
    part("events", "tbody").replaceChildren();
    change("events", "connecting", "Connecting.");

    source.addEventListener("open", () => {
        change("events", "open", `Open: ${counted()}.`);
    });

    source.addEventListener("message", showEvent);

    source.addEventListener("done", () => {
        endEvents("ended", `Ended: ${counted()}${took()}.`);
    });

    source.addEventListener("error", event => {
        if (event.data !== undefined) {
            endEvents("failed", `Failed after ${counted()}: ${event.data}`);

        } else if (source.readyState === EventSource.CLOSED) {
            askWhy(address);

        } else {
            change("events", "lost",
                   `Lost after ${counted()}. The browser connects again.`);
        }
    });
}


function stopEvents() {
    endEvents("stopped", `Stopped after ${counted()}.`);
}


/* rows: lines of JSON, cut at their ends wherever a piece of them ends */

const rows = { abort: null, n: 0, bytes: 0, begin: 0, first: "", last: [],
               drawn: 0 };

const arrived = () =>
    `${rows.n.toLocaleString("en")} ${rows.n === 1 ? "row" : "rows"}, `
    + `${(rows.bytes / 1e6).toFixed(1)} MB`;


function showRows() {
    rows.drawn = 0;
    write(part("rows", "pre"), [...rows.last].reverse().join("\n"));

    if (rows.abort) {
        tell("rows", "open", `Open: ${arrived()}.`);
    }
}


async function readRows(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = "";

    for (;;) {
        const { done, value } = await reader.read();

        if (done) {
            return;
        }

        const lines = (rest + decoder.decode(value, { stream: true })).split("\n");

        rest = lines.pop();
        rows.first = rows.first || `, the first after ${since(rows.begin)}`;
        rows.n += lines.length;
        rows.bytes += value.length;
        rows.last = [...rows.last, ...lines].slice(-ROWS);
        rows.drawn = rows.drawn || requestAnimationFrame(showRows);
    }
}


function endRows(state, text) {
    rows.abort = null;
    showRows();
    change("rows", state, text);
}


async function startRows() {
    const address = `rows?limit=${encodeURIComponent($("limit").value)}`
                    + `&min=${encodeURIComponent($("min").value)}`;
    const abort = new AbortController();

    Object.assign(rows, { abort: abort, n: 0, bytes: 0, first: "", last: [],
                          begin: performance.now() });
    write(part("rows", "pre"), "");
    change("rows", "connecting", "Connecting.");

    try {
        const answer = await fetch(address, { cache: "no-store",
                                              signal: abort.signal });

        if (!answer.ok) {
            const body = await answer.json().catch(() => null);

            rows.abort = null;
            refused("rows", { status: answer.status, body: body });
            return;
        }

        await readRows(answer.body);
        endRows("ended",
                `Ended: ${arrived()} in ${since(rows.begin)}${rows.first}.`);

    } catch (error) {
        if (abort.signal.aborted) {
            endRows("stopped", `Stopped after ${arrived()}.`);

        } else if (rows.n) {
            endRows("failed", `Broken off after ${arrived()}.`);

        } else {
            rows.abort = null;
            refused("rows", { status: "gone" });
        }
    }
}


function control(id, start, stop) {
    part(id, "form").addEventListener("submit", event => {
        event.preventDefault();

        if (IDLE.includes($(id).dataset.state)) {
            fields(id, []);
            start();

        } else {
            stop();
        }
    });
}


control("events", startEvents, stopEvents);
control("rows", startRows, () => rows.abort.abort());

/* another nginx has the streams; HEAD is answered before a function does much */

ask("count", { method: "HEAD" }, PATIENCE).then(answer => {
    $("elsewhere").hidden = answer.status !== 404;
    $("streams").hidden = answer.status === 404;
});
