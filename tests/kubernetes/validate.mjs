// Reads YAML documents from standard input and holds each against the schema of its kind. A line a
// document: "ok KIND NAME", or "wrong KIND NAME: where and why". Exit code 1 if one is wrong.
// Argument: the directory that holds node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = process.argv[2] + "/node_modules";
const { loadAll } = createRequire(modules + "/")("js-yaml");
const folders = {
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};

// The schemas are compiled, and take fields that they do not know. Each field that they know they
// look at: what nobody has looked at is misspelt.
function watched(value, path, unread) {
  if (value === null || typeof value !== "object") return value;
  const children = new Map();
  for (const key of Object.keys(value)) {
    children.set(key, watched(value[key], `${path}/${key}`, unread));
    unread.add(`${path}/${key}`);
  }
  return new Proxy(value, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return children.has(key) ? children.get(key) : Reflect.get(target, key);
    },
  });
}

async function check(document) {
  const { apiVersion, kind } = document;
  const folder = folders[apiVersion] ?? "kubernetes-models/" + apiVersion;
  const known = await import(pathToFileURL(`${modules}/${folder}/${kind}.js`));
  const unread = new Set();
  watched(new known[kind](document), "", unread).validate();
  // A field below an unknown one is no finding of its own.
  const first = [...unread].filter((path) => !unread.has(path.slice(0, path.lastIndexOf("/"))));
  if (first.length) throw new Error(`no such field: ${first.join(", ")}`);
}

let wrong = 0;
for (const document of loadAll(readFileSync(0, "utf8"))) {
  const title = `${document.kind} ${document.metadata?.name}`;
  try {
    await check(document);
    console.log(`ok ${title}`);
  } catch (error) {
    wrong += 1;
    console.log(`wrong ${title}: ${error.message.replaceAll("\n", "; ")}`);
  }
}
process.exit(wrong ? 1 : 0);
