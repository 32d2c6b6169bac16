/* The page of conf/jobs.conf: begins jobs, and shows their progress. */

"use strict";

const $ = id => document.getElementById(id);


function show(card, job) {
    const percent = job.progress.total
        ? Math.round(100 * job.progress.done / job.progress.total) : 0;
    const bar = card.querySelector("progress");

    bar.value = percent;
    bar.textContent = percent + " %";
    card.querySelector("p").textContent = job.state
        + (job.progress.message ? ", " + job.progress.message : "")
        + ", " + percent + " %"
        + (job.error ? ": " + job.error : "");
    card.querySelector("button").disabled = job.ended !== null;
}


function add(accepted) {
    const card = document.createElement("section");
    const name = document.createElement("h2");
    const text = document.createElement("p");
    const bar = document.createElement("progress");
    const cancel = document.createElement("button");

    card.className = "card";
    name.textContent = accepted.id;
    bar.max = 100;
    bar.setAttribute("aria-label", "progress of " + accepted.id);
    cancel.type = "button";
    cancel.textContent = "Cancel";
    cancel.onclick = () => fetch(accepted.href, { method: "DELETE" });
    card.append(name, bar, text, cancel);
    $("jobs").prepend(card);

    const events = new EventSource(accepted.href);

    events.addEventListener("progress", e => show(card, JSON.parse(e.data)));
    events.addEventListener("end", e => {
        show(card, JSON.parse(e.data));
        events.close();
    });
}


$("controls").addEventListener("submit", async event => {
    event.preventDefault();

    try {
        const answer = await fetch(`countdown?steps=${$("steps").value}`
                                   + `&every=${$("every").value}ms`);
        const job = await answer.json();

        $("state").textContent = answer.status === 202
            ? "Accepted, 202." : `${answer.status}: ${JSON.stringify(job.detail)}`;

        if (answer.status === 202) {
            add(job);
        }

    } catch (error) {
        $("state").textContent = "No answer: nginx does not run.";
    }
});
