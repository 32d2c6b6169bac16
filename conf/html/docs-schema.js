/* What an OpenAPI document says: its operations, and what kind of control the
 * schema of a value asks for. */

"use strict";

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];
const DEEP = 4;                // fieldsets in each other, then JSON as text

let openapi = {};              // the document


/* "$ref": "#/components/schemas/Item"; one that leads nowhere is any JSON */

function follow(part) {
    for (let hops = 0; part && part.$ref !== undefined && hops < 20; hops++) {
        const names = String(part.$ref).replace(/^#\//, "").split("/")
            .map(s => s.replaceAll("~1", "/").replaceAll("~0", "~"));

        part = names.reduce((at, name) => at && Object.hasOwn(at, name)
            ? at[name] : undefined, openapi);
    }

    return part !== null && typeof part === "object" ? part : {};
}


function oneOperation(path, method, item, own) {
    const all = [...own.parameters || [], ...item.parameters || []].map(follow);
    const key = p => `${p.in} ${p.name}`;
    const body = own.requestBody ? follow(own.requestBody) : null;

    return {
        id: own.operationId || `${method}${path}`.replace(/\W+/g, "-"),
        name: own["x-task-function"] || own.operationId || path,
        method: method.toUpperCase(), path: path,
        summary: own.summary || "", description: own.description || "",
        tag: (own.tags || [])[0] || "",
        parameters: all.filter((p, i) =>
            all.findIndex(q => key(q) === key(p)) === i),
        body: body && body.content && Object.keys(body.content).length
            ? body : null,
        responses: Object.entries(own.responses || {})
            .map(([status, r]) => [status, follow(r)]),
        mode: own["x-task-mode"], pool: own["x-task-pool"],
        limit: own["x-task-limit"], timeout: own["x-task-timeout"],
        background: own["x-task-background"],
    };
}


function operationsOf(doc) {
    const list = [];

    for (const [path, given] of Object.entries(doc.paths || {})) {
        const item = follow(given);

        for (const method of METHODS.filter(m => item[m])) {
            list.push(oneOperation(path, method, item, follow(item[method])));
        }
    }

    /* an id is the anchor of its operation, too */

    list.forEach((o, i) => {
        o.anchor = list.findIndex(p => p.id === o.id) === i ? o.id : `${o.id}-${i}`;
    });

    return list;
}


/* types of the answers that are no errors */

function answerTypes(operation) {
    return [...new Set(operation.responses.filter(([s]) => /^2/.test(s))
        .flatMap(([, r]) => Object.keys(r.content || {})))];
}


const streams = type =>
    /^(text\/event-stream|application\/(x-)?(ndjson|jsonl|jsonlines|json-seq))\b/
        .test(type);


/* text that is JSON, as in a query, has the schema of what it says */

function saidSchema(schema) {
    return schema.contentMediaType === "application/json" && schema.contentSchema
        ? { ...schema, type: undefined, contentMediaType: undefined,
            ...follow(schema.contentSchema) } : schema;
}


/* a schema without what may be null as well */

function plainSchema(given) {
    const schema = saidSchema(follow(given));
    const some = (schema.anyOf || schema.oneOf || [])
        .map(follow).filter(s => s.type !== "null");

    return some.length === 1 ? { ...schema, ...some[0], anyOf: undefined,
                                 oneOf: undefined } : schema;
}


const typesOf = schema => [].concat(schema.type || []).filter(t => t !== "null");


function kindOf(schema, depth) {
    const types = typesOf(schema);

    if (["time", "size"].includes(schema["x-task-type"])) {
        return schema["x-task-type"];
    }

    if (Array.isArray(schema.enum) || schema.const !== undefined) {
        return "choice";
    }

    if (schema.format === "binary" || schema.contentMediaType && !schema.contentEncoding
        && types[0] === "string") {
        return "file";
    }

    if (types.length > 1) {
        return types.includes("string") && types.every(t =>
            ["string", "number", "integer"].includes(t)) ? "string" : "json";
    }

    if (types[0] === "array") {
        return schema.items && depth < DEEP ? "list" : "json";
    }

    if (types[0] === "object" || schema.properties) {
        return schema.properties && depth < DEEP ? "object" : "json";
    }

    return types[0] || "json";
}


const secretly = schema => schema.writeOnly === true || schema.format === "password";


/* what an int64_t holds anyway is no bound that one wants to read */

const told = n => n !== undefined && n !== null && !(Math.abs(Number(n)) > 9.2e18);


function range(low, high, one = "", many = "") {
    const unit = n => n === 1 ? one : many;

    if (told(low) && told(high)) {
        return low === high ? `${low}${unit(low)}` : `${low} to ${high}${unit(high)}`;
    }

    return told(low) ? `at least ${low}${unit(low)}`
        : told(high) ? `at most ${high}${unit(high)}` : "";
}


function bounds(schema) {
    const above = schema.exclusiveMinimum;
    const below = schema.exclusiveMaximum;

    return [range(schema.minimum, schema.maximum),
            above === undefined ? "" : `above ${above}`,
            below === undefined ? "" : `below ${below}`]
        .filter(Boolean).join(", ");
}


/* "integer, 1 to 100": what a value may be, in few words */

function wordsFor(schema, kind) {
    const first = schema["x-task-minimum"];
    const last = schema["x-task-maximum"];

    const rows = () => [range(schema.minItems, schema.maxItems, " row", " rows"),
                        `each: ${wordsFor(plainSchema(schema.items),
                                          kindOf(plainSchema(schema.items), 0))}`]
        .filter(Boolean).join(", ");

    const more = {
        integer: () => bounds(schema), number: () => bounds(schema),
        string: () => range(schema.minLength, schema.maxLength, " character",
                            " characters"),
        time: () => range(first, last), size: () => range(first, last),
        list: rows,
    }[kind];

    const name = kind === "json" ? ["JSON", ...typesOf(schema)].join(" ")
        : kind === "boolean" ? "yes or no" : kind;

    return [secretly(schema) ? `secret ${name}` : name, more ? more() : ""]
        .filter(Boolean).join(", ");
}


/* a default or a choice as it would be typed */

const inText = value => typeof value === "string" || value instanceof Exact
    ? String(value) : JSON.stringify(value);
