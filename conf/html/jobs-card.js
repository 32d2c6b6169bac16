/* The card of a job: what it is called, how far it is, what became of it. */

"use strict";

const SHOWN = 2000;            // letters of a result


/* how far the clock of the machine with nginx is behind this one, seconds */

let skew = 0;


function noteDate(date) {
    const behind = (Date.now() - date) / 1000;

    /* the header has whole seconds */

    skew = Math.abs(behind) > 2 ? behind : 0;
}


function title(entry) {
    return `${entry.name}, started ${clock(entry.since)}`;
}


function percent(job) {
    return job.progress && job.progress.total
        ? Math.floor(100 * job.progress.done / job.progress.total) : 0;
}


/* since it began to run; one that is not heard of is where it was */

function taken(entry) {
    const { started, ended } = entry.job;
    const now = (entry.lost ? entry.heard : Date.now()) / 1000 - skew;

    return Math.max((ended || now) - started, 0);
}


function times(entry) {
    const { job } = entry;

    if (entry.unknown) {
        return ["last heard " + clock(entry.heard), ""];
    }

    if (!job) {
        return ["just accepted", ""];
    }

    if (job.started === null) {
        return [job.ended ? "never ran" : "waits for its turn", ""];
    }

    if (job.ended) {
        return ["took " + time(taken(entry)), "ended " + clock((job.ended + skew) * 1000)];
    }

    const { done, total } = job.progress || {};
    const left = done && total
        ? `about ${age(taken(entry) * (total - done) / done + .5)} left` : "";

    return ["taken " + time(taken(entry)), left];
}


/* how far it is, and in the end its result, or why there is none */

function said(entry) {
    const { job } = entry;

    if (entry.unknown) {
        return "nginx does not know it any more: it was started anew, or it has "
               + "kept this job as long as it keeps ended ones.";
    }

    if (entry.trouble) {
        return entry.trouble;
    }

    const at = job && job.progress && job.progress.total
               ? `${percent(job)} %, ${job.progress.message}` : "not begun";

    if (!job || !job.ended) {
        return at;
    }

    if (job.result !== undefined && job.result !== null) {
        const text = JSON.stringify(job.result);

        return "result: " + (text.length > SHOWN ? text.slice(0, SHOWN) + " …" : text);
    }

    return job.error ? `error: ${job.error}` : "no result; it was at " + at;
}


function stateOf(entry) {
    return entry.unknown ? "unknown" : entry.job ? entry.job.state : "queued";
}


function makeCard(entry, cancel) {
    const card = element("section", "card");
    const name = element("h2", "", entry.name + " ",
                         element("span", "faint", "started " + clock(entry.since)));
    const bar = element("progress");
    const button = element("button", "quiet", "Cancel");
    const id = element("code", "id", entry.id);

    name.id = "job-" + entry.id;
    name.tabIndex = -1;
    card.setAttribute("aria-labelledby", name.id);
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", "progress");
    id.title = entry.id;
    button.type = "button";
    button.setAttribute("aria-label", "Cancel " + title(entry));
    button.addEventListener("click", () => cancel(entry));

    card.append(element("header", "", name, element("span", "is")), bar,
                element("p", "times", element("span", "taken"),
                        element("span", "left")),
                element("p", "said"),
                element("div", "foot", id, button));

    return card;
}


function showCard(card, entry) {
    const { job } = entry;
    const part = card.querySelector.bind(card);
    const over = entry.unknown || Boolean(job && job.ended);
    const [before, behind] = times(entry);
    const button = part("button");
    const state = stateOf(entry);

    mark(card, "data-state", state);
    write(part(".is"), entry.lost && !over ? "was " + state : state);
    write(part(".taken"), before);
    write(part(".left"), entry.lost && !over
        ? `last heard ${clock(entry.heard)}` : behind);

    if (part("progress").value !== percent(job || {})) {
        part("progress").value = percent(job || {});
    }

    write(part(".said"), said(entry));
    part(".said").classList.toggle("end", over);
    write(button, entry.cancelling && !over ? "Cancelling" : "Cancel");

    if (over && !button.hidden) {

        /* who has the focus there keeps a place to go on from */

        if (document.activeElement === button) {
            part("h2").focus();
        }

        button.hidden = true;
    }
}
