/* The form of an operation, and the request that it makes. */

"use strict";

/* fetch() does not send these, whoever asks for it */

const NEVER_SENT = new RegExp("^(accept-(charset|encoding)|connection|date|dnt|expect"
    + "|access-control-request-.*|content-length|cookie2?|host|keep-alive|origin"
    + "|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|proxy-.*|sec-.*)$",
    "i");

const PLACES = ["path", "query", "header", "cookie"];


function parameterControl(p) {
    const schema = { default: p.default, ...follow(p.schema) };
    const where = p.in === "query" ? "" : `in the ${p.in}`;
    const silent = p.in === "header" && NEVER_SENT.test(p.name);

    return makeControl({
        name: p.name, required: p.required || p.in === "path", schema: schema,
        about: p.description,
        note: [where, silent ? "no browser sends it, curl does" : ""]
            .filter(Boolean).join(", "),
    });
}


/* what a media type of a body has for controls */

function bodyControl(type, body) {
    const schema = plainSchema((body.content[type] || {}).schema);
    const json = /[/+]json\b/.test(type);
    const fields = /urlencoded|multipart/.test(type);

    if (!json && !fields) {
        return rawControl(type, body.required);
    }

    const control = makeControl({ name: "body", schema: schema,
                                  required: body.required });

    control.node.classList.toggle("plain", Boolean(control.members));
    return control;
}


/* the parameters and the body of a request, in their order */

function makeFields(operation, node) {
    const fields = { node: node, body: null, type: "", places: new Map() };
    const types = operation.body ? Object.keys(operation.body.content) : [];

    PLACES.forEach(p => fields.places.set(p, new Map()));

    for (const p of operation.parameters.filter(p => PLACES.includes(p.in))) {
        const control = parameterControl(p);

        fields.places.get(p.in).set(p.name, control);
        node.append(control.node);
    }

    if (types.length) {
        const place = element("div", "body");

        const show = type => {
            const state = fields.body && fields.body.state();

            fields.type = type;
            fields.body = bodyControl(type, operation.body);
            fields.body.restore(state);
            place.replaceChildren(fields.body.node);
        };

        types.length > 1 && node.append(choice("body as", types, show));
        node.append(place);
        show(types[0]);
    }

    return fields;
}


/* a choice that is about the request, not a value of it */

function choice(name, values, changed, first) {
    const select = element("select");
    const id = `control-${++serial}`;
    const label = element("label", "", element("span", "", name));

    select.id = id;
    label.htmlFor = id;
    first && select.append(option("", first));
    values.forEach(v => select.append(option(v, v)));
    select.addEventListener("change", () => changed(select.value));

    return element("div", "field about", label, select);
}


function tick(name, code, changed) {
    const box = element("input");
    const label = element("label", "", name + " ", element("code", "", code));

    box.type = "checkbox";
    box.id = `control-${++serial}`;
    label.htmlFor = box.id;
    box.addEventListener("change", () => changed(box.checked));

    return element("div", "field about", element("div", "check", box, label));
}


/* what else one may say of a request: as a job, and which of the types */

function makeOptions(operation, node) {
    const options = { accept: "", prefer: false };
    const types = answerTypes(operation);

    if (types.length > 1) {
        node.append(choice("answer as", types, v => { options.accept = v; },
                           "whatever comes"));
    }

    if (operation.background === "prefer") {
        node.append(tick("as a job,", "Prefer: respond-async",
                         v => { options.prefer = v; }));
    }

    return options;
}


/* each control of a place that has a value */

function valuesAt(fields, place, faults) {
    return [...fields.places.get(place)]
        .map(([name, control]) => [name, control.read(faults), control])
        .filter(([, value]) => value !== undefined);
}


function pathOf(operation, fields, faults, masked) {
    const values = new Map(valuesAt(fields, "path", faults)
        .map(([name, value]) => [name, toFields(name, value, masked)
            .map(f => f.text).join(",")]));

    return "/" + operation.path.replace(/^\//, "").split(/(\{[^{}]+\})/).map(part => {
        const name = /^\{(.+)\}$/.exec(part)?.[1];
        const value = values.get(name);

        if (name === undefined) {
            return encodeURI(part).replace(/%25([0-9A-Fa-f]{2})/g, "%$1")
                .replace(/[?#]/g, encodeURIComponent);
        }

        if (!value || value === "." || value === "..") {
            const control = fields.places.get("path").get(name);

            control && faults.push([control, value
                ? "A part of a path cannot be this."
                : "Required: it is a part of the path."]);
        }

        return value ? encoded(value) : part;
    }).join("");
}


function headersOf(fields, options, faults, masked) {
    const headers = valuesAt(fields, "header", faults)
        .flatMap(([name, value, control]) => {
            const text = toFields(name, value, masked).map(f => f.text).join(", ");

            if (/[\r\n\0]/.test(text)) {
                faults.push([control, "A header has one line."]);
            }

            return [[name, text]];
        });

    options.accept && headers.push(["Accept", options.accept]);
    options.prefer && headers.push(["Prefer", "respond-async"]);

    return headers;
}


function cookiesOf(fields, faults, masked) {
    return valuesAt(fields, "cookie", faults).map(([name, value, control]) => {
        const text = toFields(name, value, masked).map(f => f.text).join(",");

        if (/[\s;,"\\]/.test(text)) {
            faults.push([control, "A cookie has no spaces, commas or semicolons."]);
        }

        return [name, text];
    });
}


/* null, { text }, { fields } of a form or of parts, or { file } */

function bodyOf(fields, operation, faults, masked) {
    const { type } = fields;
    const value = fields.body ? fields.body.read(faults) : undefined;

    if (value === undefined || value.object && value.object.length === 0
        && !(operation.body.required && /json/.test(type))) {
        return null;
    }

    if (/urlencoded|multipart/.test(type)) {
        const all = (value.object || [["body", value]])
            .flatMap(([name, v]) => toFields(name, v, masked));

        return /multipart/.test(type) ? { type: "multipart", fields: all }
                                      : { type: type, fields: all };
    }

    if (/[/+]json\b/.test(type)) {
        return { type: type, text: toJson(value, masked) };
    }

    const wild = type.includes("*");

    return value.file
        ? { file: value.file,
            type: wild ? value.file.type || "application/octet-stream" : type }
        : { type: wild ? "text/plain" : type, text: value.text };
}


/* masked: for the curl line, without secrets */

function makeRequest(operation, fields, options, base, masked = false) {
    const faults = [];
    const path = pathOf(operation, fields, faults, masked);
    const query = pairs(valuesAt(fields, "query", faults)
        .flatMap(([name, value]) => toFields(name, value, masked)));

    return {
        method: operation.method, faults: faults,
        url: base + path + (query ? "?" + query : ""),
        headers: headersOf(fields, options, faults, masked),
        cookies: cookiesOf(fields, faults, masked),
        body: bodyOf(fields, operation, faults, masked),
        streams: answerTypes(operation).some(streams),
        answers: answerTypes(operation), name: operation.name,
    };
}


/* what is wrong stands at the control that it is about; what is about none is
 * given back */

function placeFaults(fields, detail) {
    const left = [];

    for (const { loc, msg } of detail) {
        const [place, ...rest] = loc;
        const at = fields.places.get(place) || new Map();
        const name = [...at.keys()].find(k => k === rest[0]
            || place === "header" && k.toLowerCase() === String(rest[0]).toLowerCase());

        if (name !== undefined) {
            at.get(name).fault(rest.slice(1), msg);

        } else if (fields.body && (place === "body" || place === "query")) {
            fields.body.fault(rest, msg);

        } else {
            left.push({ loc: loc, msg: msg });
        }
    }

    return left;
}


function clearFaults(fields) {
    fields.places.forEach(at => at.forEach(c => c.clear()));
    fields.body && fields.body.clear();
}
