/* What the pages share: words for times, elements that are changed in place,
 * and what is said to those who cannot see. */

"use strict";

const $ = id => document.getElementById(id);


function element(name, className, ...content) {
    const e = document.createElement(name);

    if (className) {
        e.className = className;
    }

    e.append(...content);
    return e;
}


/* nothing is touched where nothing has changed: a selection stays */

function write(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}


function mark(node, name, value) {
    if (node.getAttribute(name) !== value) {
        node.setAttribute(name, value);
    }
}


/* The children of a parent become those of the items, each known by its key:
 * what is there already stays the same element, in its place if it can.  One that
 * is moved would lose its selection, so those that go go first. */

function keyed(parent, items, key, make, update) {
    const names = items.map(item => String(key(item)));
    const known = new Map([...parent.children].map(e => [e.dataset.key, e]));

    known.forEach((e, name) => names.includes(name) || e.remove());

    let at = parent.firstElementChild;

    for (const [i, item] of items.entries()) {
        let e = known.get(names[i]);

        if (e === undefined) {
            e = make(item);
            e.dataset.key = names[i];
        }

        if (e === at) {
            at = at.nextElementSibling;

        } else {
            parent.insertBefore(e, at);
        }

        update(e, item);
    }
}


/* 45 ms, 3.2 s, 2 min 05 s */

function time(s) {
    if (s < .9995) {
        return Math.max(Math.round(s * 1000), 0) + " ms";
    }

    return s < 59.95 ? s.toFixed(1) + " s" : age(s);
}


/* in whole seconds, for what is looked at once a second */

function age(s) {
    const n = Math.max(Math.floor(s), 0);
    const two = i => String(i).padStart(2, "0");

    if (n < 60) {
        return n + " s";
    }

    return n < 3600 ? `${Math.floor(n / 60)} min ${two(n % 60)} s`
                    : `${Math.floor(n / 3600)} h ${two(Math.floor(n / 60) % 60)} min`;
}


/* of a bucket, which is a round number: 500 ms, 5 s */

function bound(s) {
    return s < 1 ? s * 1000 + " ms" : s < 60 ? s + " s" : age(s);
}


function clock(ms) {
    return new Date(ms).toLocaleTimeString("en-GB");
}


function count(n, one, many) {
    return `${n} ${n === 1 ? one : many}`;
}


/* one region that is read out; it is left alone where the sentence is the same */

function say(text) {
    write($("live"), text);
}


/* an answer that is JSON, or why there is none: "gone" if nothing answers,
 * "slow" if not in time, else the status */

async function ask(address, options = {}, patience = 0) {
    const late = new AbortController();
    const timer = patience ? setTimeout(() => late.abort(), patience) : 0;

    try {
        const answer = await fetch(address, { cache: "no-store",
                                              signal: late.signal, ...options });
        const text = await answer.text();
        let body = null;

        try {
            body = JSON.parse(text);
        } catch (error) { /* a page of nginx itself */ }

        return { status: answer.status, ok: answer.ok, body: body, text: text,
                 date: Date.parse(answer.headers.get("Date")) };

    } catch (error) {
        return { status: late.signal.aborted ? "slow" : "gone", ok: false };

    } finally {
        clearTimeout(timer);
    }
}
