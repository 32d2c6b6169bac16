/* The page of an OpenAPI document: a card for each operation, which is filled
 * when it is opened for the first time. */

"use strict";

const PATIENCE = 5000;         // with the document
const AGAIN = 2000;            // if nginx does not answer, ms
const MANY = 6;                // operations that one looks through by eye

let views = [];


/* the document of ?url=, if this nginx has it: others are not asked */

function documentAddress() {
    const given = new URLSearchParams(location.search).get("url") || "openapi.json";

    try {
        const url = new URL(given, location.href);

        return url.origin === location.origin && /^https?:$/.test(url.protocol)
               && !url.username && !url.password ? url : null;

    } catch (error) {
        return null;
    }
}


/* paths are those of this nginx, whatever servers the document has */

function baseAddress(doc, address) {
    try {
        const url = new URL((doc.servers || [])[0].url, address);

        return url.origin === location.origin
            ? url.origin + url.pathname.replace(/\/$/, "") : location.origin;

    } catch (error) {
        return location.origin;
    }
}


/* what is particular about it: where it runs, for how long, how many */

function marks(operation) {
    const { mode, pool, timeout, limit, background } = operation;
    const longest = timeout % 60 ? bound(timeout) : `${timeout / 60} min`;
    const job = { on: "a job", prefer: "a job on demand" }[background];
    const most = limit && typeof limit === "object"
        ? Object.entries(limit).map(([name, n]) => `${name} ${inText(n)}`).join(", ")
        : limit;

    return [
        mode === "thread" && pool ? `thread of ${pool}` : mode,
        job,
        timeout ? `at most ${longest}` : "",
        most || "",
        answerTypes(operation).some(streams) ? "a stream" : "",
    ].filter(Boolean);
}


/* what it may answer: a status, what that means, and of which types */

function responseList(operation) {
    const rows = operation.responses.map(([status, r]) => {
        const types = Object.keys(r.content || {}).join(", ");

        return element("div", "", element("dt", "", status),
                       element("dd", "", r.description || "",
                               element("span", "faint", types && ` ${types}`)));
    });

    const list = element("details", "responses",
                         element("summary", "", "What it answers"),
                         element("dl", "", ...rows));

    list.open = true;
    list.hidden = !rows.length;
    return list;
}


function showCurl(view) {
    write(view.curl, curlLine(makeRequest(view.operation, view.fields, view.options,
                                          view.base, true)));
}


function curlBlock(view) {
    view.curl = scrolled("pre", "the same request for a shell");
    view.curl.classList.add("curl");

    return element("div", "shell", view.curl,
                   quiet("Copy", button => copy(view.curl.textContent, button)));
}


/* the form on the left, what it answers on the right */

function fill(view, inside) {
    const { operation } = view;
    const form = element("form");
    const controls = element("div", "fields");
    const options = element("div", "options");

    form.noValidate = true;
    mark(form, "aria-label", `request of ${operation.name}`);
    view.button = element("button", "", "Send");
    view.answers = element("div", "answers");
    view.fields = makeFields(operation, controls);
    view.options = makeOptions(operation, options);
    view.responses = responseList(operation);
    view.panels = [];

    if (!controls.childElementCount) {
        controls.append(element("p", "faint", "It takes no parameters."));
    }

    form.append(controls, options, view.button);
    form.addEventListener("submit", event => {
        event.preventDefault();
        view.abort ? view.abort.abort() : send(view);
    });

    form.addEventListener("input", () => showCurl(view));
    form.addEventListener("change", () => showCurl(view));
    form.addEventListener("keydown", event => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)
            && event.target.localName === "textarea") {
            event.preventDefault();
            form.requestSubmit();
        }
    });

    inside.append(
        ...operation.description ? [element("p", "", operation.description)] : [],
        element("div", "request", form, curlBlock(view)),
        element("div", "outcome", view.answers, view.responses));
    showCurl(view);
}


function makeView(operation, base) {
    const { method, path } = operation;
    const verb = element("span", `verb ${method.toLowerCase()}`, method);
    const parts = path.split(/(?<=\/)/).flatMap(p => [p, element("wbr")]);
    const title = element("h3", "", verb, " ", element("code", "", ...parts));
    const details = element("details", "op");
    const inside = element("div", "inside");
    const view = { operation: operation, base: base, node: details, abort: null };

    details.id = operation.anchor;
    details.dataset.operation = `${method} ${path}`;
    details.append(
        element("summary", "", title, element("span", "about", operation.summary),
                element("span", "marks", ...marks(operation)
                    .map(text => element("span", "mark", text)))),
        inside);

    details.addEventListener("toggle", () => {
        if (details.open && !inside.childElementCount) {
            fill(view, inside);
        }
    });

    details.querySelector("summary").addEventListener("click", () => {
        const hash = details.open ? " " : `#${encodeURIComponent(operation.anchor)}`;

        history.replaceState(null, "", hash.trim() || location.pathname
                             + location.search);
    });

    return view;
}


/* operations of a library stand together, as they do in the document */

function showViews() {
    const tags = [...new Set(views.map(v => v.operation.tag))];

    $("operations").replaceChildren(...tags.map(tag => {
        const own = views.filter(v => v.operation.tag === tag);

        return element("section", "library",
                       element("h2", "", tag || "other locations"),
                       ...own.map(v => v.node));
    }));
}


function filter() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);

    for (const view of views) {
        const { method, path, summary, tag, name } = view.operation;
        const text = [method, path, summary, tag, name].join(" ").toLowerCase();

        view.node.hidden = !words.every(w => text.includes(w));
    }

    for (const section of $("operations").children) {
        section.hidden = !section.querySelector(".op:not([hidden])");
    }

    const n = views.filter(v => !v.node.hidden).length;

    write($("found"), words.length ? count(n, "operation", "operations") : "");
}


/* the one that the address names, or else the first, is open */

function openOne() {
    let name = "";

    try {
        name = decodeURIComponent(location.hash.slice(1));
    } catch (error) { /* no name of ours */ }

    const named = views.find(v => v.operation.anchor === name);

    if (named) {
        named.node.open = true;
        named.node.scrollIntoView();

    } else if (views.length && !views.some(v => v.node.open)) {
        views[0].node.open = true;
    }
}


function showDocument(doc, address) {
    const info = doc.info || {};
    const base = baseAddress(doc, address);

    openapi = doc;
    views = operationsOf(doc).map(o => makeView(o, base));

    const tags = new Set(views.map(v => v.operation.tag));

    write($("title"), info.title || "Docs");
    write($("about"), info.description || "");
    $("about").hidden = !info.description;
    $("search").hidden = views.length <= MANY;
    tell("well", views.length
        ? `${count(views.length, "operation", "operations")} of `
          + `${count(tags.size, "library", "libraries")}`
          + (info.version ? `, version ${info.version}.` : ".")
        : "No operation yet: the document has none.");
    showViews();
    openOne();
}


function tell(kind, text) {
    mark($("verdict"), "data-kind", kind);
    write($("verdict"), text);
    document.body.dataset.state = kind;
}


function missing(address) {
    tell("late", "There is no document yet.");
    $("elsewhere").hidden = false;
    write($("directive"),
          `location = ${decodeURI(address.pathname)} { task_openapi; }`);
    say(`There is no document at ${address.pathname}.`);
}


async function load() {
    const address = documentAddress();

    if (!address) {
        tell("late", "Not read: a document of another server, or no address at all.");
        return;
    }

    $("source").href = address.href;
    $("source").textContent = address.pathname;

    for (;;) {
        const answer = await ask(address.href, { mode: "same-origin" }, PATIENCE);

        if (answer.status === 404) {
            missing(address);
            return;
        }

        if (answer.ok) {
            const body = parseJson(answer.text);

            if (!body || !/^3\./.test(body.openapi)) {
                tell("late", `${address.pathname} is no document of OpenAPI 3.`);
                return;
            }

            try {
                showDocument(body, address);

            } catch (error) {
                tell("late", `${address.pathname} is not as OpenAPI has it: `
                             + error.message);
            }

            return;
        }

        tell("gone", typeof answer.status === "string"
            ? "nginx does not answer. This page asks again until it does."
            : `${address.pathname}: nginx answers ${answer.status}.`);

        await new Promise(go => setTimeout(go, AGAIN));
    }
}


$("filter").addEventListener("input", filter);
addEventListener("hashchange", openOne);

load();
