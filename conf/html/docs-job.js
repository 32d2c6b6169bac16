/* Follows the job that an answer with a 202 began, as the page of jobs does. */

"use strict";

const LOOKS = 400;             // between two looks at a job, ms
const LATER = 2000;            // where nginx does not answer
const PATIENT = 10000;         // with an answer


/* where a 202 says that its job is; elsewhere is not looked at */

function jobAddress(answer) {
    const given = answer.status === 202 && answer.headers.get("Location");

    if (!given) {
        return null;
    }

    try {
        const url = new URL(given, answer.url);

        return url.origin === location.origin ? url.href : null;

    } catch (error) {
        return null;
    }
}


async function cancelJob(entry, show) {
    entry.cancelling = true;
    show();

    const answer = await ask(entry.href, { method: "DELETE" }, PATIENT);

    entry.cancelling = false;
    entry.trouble = typeof answer.status === "string"
        ? "Not cancelled: nginx does not answer."
        : answer.ok || answer.status === 404 ? ""
        : `Not cancelled: nginx answers ${answer.status}.`;
    show();
}


/* false if that is no job, but something else */

function hearJob(entry, answer) {
    entry.lost = typeof answer.status === "string";

    if (entry.lost) {
        return true;
    }

    if (answer.status === 404) {
        entry.unknown = true;
        return true;
    }

    if (!answer.body || typeof answer.body.state !== "string") {
        return false;
    }

    noteDate(answer.date);
    entry.heard = Date.now();
    entry.job = answer.body;

    return true;
}


/* the result as the task would have answered it */

async function showResult(panel, entry) {
    const begin = performance.now();
    const since = () => time((performance.now() - begin) / 1000);

    try {
        const answer = await fetch(`${entry.href}/result`,
                                   { mode: "same-origin", cache: "no-store" });

        if (answer.status !== 404) {
            return await receive(panel, answer, since, () => false, "Result: ");
        }

    } catch (error) { /* nginx went away: the card has what it told before */ }

    return null;
}


async function endJob(panel, entry) {
    const state = stateOf(entry);
    const { job } = entry;

    if (["done", "failed"].includes(state) && await showResult(panel, entry)) {
        say(`The job of ${entry.name} is ${state}.`);
        return;
    }

    tellPanel(panel, state === "done" ? "well" : "late", `The job: ${state}.`);
    panel.body.replaceChildren(...job ? [jsonTree(job, 0)] : []);
    say(`The job of ${entry.name}: ${state}.`);
}


/* until it has ended; a panel that is away ends that, too */

async function followJob(panel, href) {
    const entry = { id: href.split("/").at(-1), href: href,
                    name: panel.operation.name, since: Date.now(),
                    heard: Date.now(), job: null };
    const show = () => showCard(card, entry);
    const card = makeCard(entry, () => cancelJob(entry, show));

    panel.active = true;
    panel.job.replaceChildren(card);
    panel.body.replaceChildren();
    panel.tools.replaceChildren();
    show();

    while (panel.node.isConnected) {
        if (!hearJob(entry, await ask(href, { mode: "same-origin" }, PATIENT))) {
            card.remove();
            break;
        }

        show();

        if (entry.unknown || entry.job && entry.job.ended) {
            await endJob(panel, entry);
            break;
        }

        await new Promise(go => setTimeout(go, entry.lost ? LATER : LOOKS));
    }

    panel.active = false;
}
