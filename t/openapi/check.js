// check.js FILE ...
//
// Says of each file, a line each, "ok" or what is wrong with it as a document of
// OpenAPI 3.1: by the schema of OpenAPI, by ajv for each JSON Schema in it, whose
// default and example have to be valid, and by what is told of paths, of
// operationId and of parameters in words alone.

import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

for (const file of process.argv.slice(2)) {
    const wrong = await check(JSON.parse(readFileSync(file, "utf8")));
    console.log(wrong.length ? wrong.join("; ") : "ok");
}

async function check(doc) {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(doc));

    const wrong = valid ? [] : [JSON.stringify(errors)];

    if (validator.version !== "3.1") {
        wrong.push(`it is of version ${validator.version}`);
    }

    return [...wrong, ...schemas(doc), ...paths(doc), ...references(doc)];
}

// each schema compiles with what it refers to

function schemas(doc) {
    const wrong = [];
    const ajv = new Ajv({ strict: false, allErrors: true });

    addFormats(ajv);
    ajv.addFormat("binary", true);
    ajv.addFormat("password", true);
    ajv.addSchema({ $id: "doc:", ...doc }, "doc:");

    walk(doc, "", (node, at) => {
        if (!/\/(schema|items|contentSchema)$|\/(schemas|properties)\/[^/]*$/.test(at)) {
            return;
        }

        if (typeof node === "object" && !Array.isArray(node)) {
            const schema = JSON.parse(JSON.stringify(node)
                                          .replaceAll('"#/', '"doc:#/'));
            try {
                const validate = ajv.compile(schema);

                if ("default" in node && !validate(node.default)) {
                    wrong.push(`${at}: its default is not valid`);
                }
            } catch (e) {
                wrong.push(`${at}: ${e.message}`);
            }
        } else if (typeof node !== "boolean") {
            wrong.push(`${at} is no schema`);
        }
    });

    return wrong;
}

function walk(node, at, visit) {
    if (at) {
        visit(node, at);
    }

    if (node && typeof node === "object") {
        for (const [name, child] of Object.entries(node)) {
            walk(child, `${at}/${name}`, visit);
        }
    }
}

function paths(doc) {
    const wrong = [];
    const ids = new Set();
    const shapes = new Set();

    for (const [path, item] of Object.entries(doc.paths)) {
        const parts = [...path.matchAll(/\{([^}]*)\}/g)].map((m) => m[1]).sort();
        const shape = path.replaceAll(/\{[^}]*\}/g, "{}");

        if (shapes.has(shape)) {
            wrong.push(`${path} is there twice`);
        }

        shapes.add(shape);

        if (/[^-._~!$&'()*+,;=:@\/%A-Za-z0-9{}]/.test(path)) {
            wrong.push(`${path} is no path`);
        }

        if (Object.keys(item).length === 0) {
            wrong.push(`${path} has no operation`);
        }

        for (const [method, op] of Object.entries(item)) {
            const at = `${method} ${path}`;
            const params = op.parameters ?? [];
            const inPath = params.filter((p) => p.in === "path");
            const keys = params.map((p) => `${p.in} `
                             + (p.in === "header" ? p.name.toLowerCase() : p.name));

            if (!methods.includes(method)) {
                wrong.push(`${at} is no operation`);
            }

            if (ids.has(op.operationId) || !/^[a-z0-9_]+$/.test(op.operationId)) {
                wrong.push(`${at} has the operationId ${op.operationId}`);
            }

            ids.add(op.operationId);

            if (inPath.map((p) => p.name).sort().join() !== parts.join()) {
                wrong.push(`${at} has other parameters than its path`);
            }

            if (inPath.some((p) => p.required !== true)) {
                wrong.push(`${at} has a part that is not required`);
            }

            if (new Set(keys).size !== keys.length) {
                wrong.push(`${at} has a parameter twice`);
            }

            if (op.requestBody && ["get", "delete"].includes(method)) {
                wrong.push(`${at} has a body`);
            }
        }
    }

    return wrong;
}

function references(doc) {
    const wrong = [];

    walk(doc, "", (node, at) => {
        if (at.endsWith("/$ref")) {
            const target = node.split("/").slice(1)
                               .reduce((place, name) => place?.[name], doc);

            if (target === undefined) {
                wrong.push(`${at} leads nowhere: ${node}`);
            }
        }
    });

    return wrong;
}
