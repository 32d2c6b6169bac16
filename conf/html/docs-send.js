/* Sends what a form says, and stops it. */

"use strict";


/* what fetch() takes; a header is bytes there, each a letter */

const latin = text => String.fromCharCode(...new TextEncoder().encode(text));


function fetchBody(body) {
    if (body.type !== "multipart") {
        return body.file || (body.fields ? pairs(body.fields) : body.text);
    }

    const form = new FormData();

    for (const f of body.fields) {
        f.file ? form.append(f.name, f.file) : form.append(f.name, f.text);
    }

    return form;
}


function fetchOptions(request, signal) {
    const headers = request.headers.map(([name, text]) => [name, latin(text)]);
    const { body } = request;

    if (body && body.type !== "multipart") {
        headers.push(["Content-Type", body.type]);
    }

    return { method: request.method, headers: headers, signal: signal,
             mode: "same-origin", cache: "no-store",
             body: body ? fetchBody(body) : undefined };
}


/* a cookie is there for its request alone */

function setCookies(request, there) {
    const path = new URL(request.url).pathname;

    for (const [name, text] of request.cookies) {
        document.cookie = `${encodeURIComponent(name)}=${there ? text : ""}; `
            + `path=${path}; SameSite=Strict${there ? "" : "; Max-Age=0"}`;
    }
}


/* an answer, or why there is none */

async function fetched(request, abort) {
    setCookies(request, true);

    try {
        return await fetch(request.url, fetchOptions(request, abort.signal));

    } catch (error) {
        return abort.signal.aborted ? "Stopped" : error instanceof TypeError
            && /header|method|ByteString/i.test(error.message)
            ? `Not sent: ${error.message}`
            : "No answer: nginx is away, broke off, or led elsewhere";

    } finally {
        setCookies(request, false);
    }
}


/* A new answer takes the place of the one before, as soon as it is there; those
 * of jobs that still run stay below. */

function newPanel(view) {
    const panel = makePanel(view.operation);
    const before = view.panels.find(p => !p.active);

    if (before) {
        panel.before = before;
        mark(before.node, "data-old", "");

    } else {
        view.answers.prepend(panel.node);
        view.responses.open = false;
    }

    view.panels = [panel, ...view.panels.filter(p => p !== before)];
    return panel;
}


function placePanel(view, panel) {
    const done = view.panels.filter(p => p !== panel && !p.active);

    if (panel.before) {
        panel.before.node.before(panel.node);
        dropPanel(panel.before);
        panel.before = null;
    }

    done.forEach(dropPanel);
    view.panels = view.panels.filter(p => !done.includes(p));
}


/* FastAPI's 422 */

function detailOf(answer, text) {
    const body = answer.status === 422 ? parseJson(text) : null;

    return body && Array.isArray(body.detail)
        ? body.detail.filter(d => d && Array.isArray(d.loc)).map(d =>
            ({ loc: d.loc.map(String), msg: String(d.msg) })) : [];
}


function showDetail(view, panel, detail) {
    const left = placeFaults(view.fields, detail);

    panel.elsewhere.hidden = !left.length;
    panel.elsewhere.replaceChildren(...left.map(d => element("li", "",
        element("code", "", d.loc.join(".")), ` ${d.msg}`)));
}


/* what cannot be sent stands at its control, and that has the focus */

function refuse(view, faults) {
    faults.forEach(([control, text]) => control.fault([], text));
    faults[0][0].focus();
    say(`Not sent: ${faults[0][1]}`);
}


async function send(view) {
    const request = makeRequest(view.operation, view.fields, view.options, view.base);

    clearFaults(view.fields);

    if (request.faults.length) {
        refuse(view, request.faults);
        return;
    }

    const panel = newPanel(view);
    const begin = performance.now();
    const since = () => time((performance.now() - begin) / 1000);
    const wait = text => tellPanel(panel.before || panel, "busy", text);
    const waiting = setInterval(() => wait(`Waiting, ${since()}`), 100);
    const abort = new AbortController();

    view.abort = abort;
    wait("Waiting.");
    showButton(view);

    const answer = await fetched(request, abort);

    clearInterval(waiting);
    placePanel(view, panel);

    if (typeof answer === "string") {
        tellPanel(panel, "late", `${answer} after ${since()}.`);
        say(`${request.name}: ${answer}.`);

    } else {
        await answered(view, panel, answer, since, abort);
    }

    if (view.abort === abort) {
        view.abort = null;
        showButton(view);
    }
}


async function answered(view, panel, answer, since, abort) {
    const { said, text } = await receive(panel, answer, since,
                                         () => abort.signal.aborted);
    const detail = detailOf(answer, text);
    const job = jobAddress(answer);

    showDetail(view, panel, detail);

    /* below a long form, or on a phone, it may have come out of sight */

    panel.verdict.scrollIntoView({ block: "nearest" });

    const wrong = [...new Set(detail.map(d => d.loc.slice(1).join(".") || d.loc[0]))];

    say(`${view.operation.name}: ${said}.`
        + (wrong.length ? ` Look at ${wrong.join(", ")}.` : ""));

    if (job) {
        followJob(panel, job);
    }
}


function showButton(view) {
    write(view.button, view.abort ? "Stop" : "Send");
    mark(view.node, "data-state", view.abort ? "busy" : "idle");
}
