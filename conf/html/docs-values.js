/* Values between controls and requests.  A control reads one of
 *
 *     { text, json, secret }   text as typed, and as JSON; the name of a secret
 *     { file }
 *     { list: [value] }
 *     { object: [[name, value]] }
 *
 * or undefined, if nothing is to be sent.  Numbers stay as they were typed: one
 * that a double cannot hold is not changed on its way. */

"use strict";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

const hidden = name => `‹${name}›`;


/* a number as JSON; what is none goes as a string, and nginx says so */

function numberText(text) {
    const n = Number(text);

    return NUMBER.test(text) ? text
        : text.trim() !== "" && Number.isFinite(n) ? String(n) : JSON.stringify(text);
}


/* masked: as it is shown, without secrets */

function toJson(value, masked) {
    if (value.list) {
        return `[${value.list.map(v => toJson(v, masked)).join(",")}]`;
    }

    if (value.object) {
        return `{${value.object.map(([name, v]) =>
            `${JSON.stringify(name)}:${toJson(v, masked)}`).join(",")}}`;
    }

    return value.file ? JSON.stringify(value.file.name)
        : masked && value.secret ? JSON.stringify(hidden(value.secret)) : value.json;
}


/* as a field of a query or a form: objects are JSON, lists are repeated */

function toFields(name, value, masked) {
    if (value.list) {
        return value.list.flatMap(v =>
            v.list ? [{ name: name, text: toJson(v, masked) }]
                   : toFields(name, v, masked));
    }

    if (value.file) {
        return [{ name: name, file: value.file }];
    }

    return [{ name: name, text: value.object ? toJson(value, masked)
                : masked && value.secret ? hidden(value.secret) : value.text }];
}


/* what encodeURIComponent() leaves as it is needs no more; a mask is readable */

function encoded(text) {
    return encodeURIComponent(text.toWellFormed ? text.toWellFormed() : text)
        .replace(/%E2%80%B9|%E2%80%BA/g, decodeURIComponent)
        .replace(/'/g, "%27");
}


const pairs = fields =>
    fields.map(f => `${encoded(f.name)}=${encoded(f.text)}`).join("&");


/* 90 of "1m 30s"; NaN if nginx would not read it */

const SECONDS = { ms: .001, "": 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

function secondsOf(text) {
    const parts = [...text.matchAll(/(\d+)(ms|[smhdw])?\s*/g)];

    return parts.length && parts.map(p => p[0]).join("") === text
        ? parts.reduce((sum, [, n, unit]) => sum + n * SECONDS[unit || ""], 0) : NaN;
}


function sizeOf(text) {
    const part = /^(\d+)([kKmMgG]?)$/.exec(text);

    return part ? part[1] * 1024 ** " kmg".indexOf(part[2].toLowerCase() || " ") : NaN;
}


/* what a time or a size comes to, if that is not what was typed */

function reading(kind, text) {
    if (kind === "size") {
        const n = sizeOf(text);

        return Number.isNaN(n) || /^\d+$/.test(text) ? ""
            : `= ${n.toLocaleString("en")} bytes`;
    }

    const s = secondsOf(text);
    const words = Number.isNaN(s) ? "" : s < 1 ? `${Math.round(s * 1000)} ms`
        : s < 60 ? `${s} s` : age(s);

    return words.replaceAll(" ", "") === text ? "" : words && `= ${words}`;
}


/* 45 bytes, 6.6 MB */

function bytes(n) {
    const units = ["kB", "MB", "GB"];
    let i = -1;

    if (n < 1000) {
        return count(n, "byte", "bytes");
    }

    for (; n >= 999.95 && i < 2; i++) {
        n /= 1000;
    }

    return `${n.toFixed(1)} ${units[i]}`;
}
