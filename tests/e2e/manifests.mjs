// Objects of Kubernetes against the schemas of two npm packages, which stand in
// node_modules of the directory given. Standard input: [[file, object], ...] as
// JSON; each mistake is a line. What is read through a proxy tells which keys
// the schema never asks for: those are misspelt.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = path.join(process.argv[2], "node_modules");

async function model({ apiVersion, kind }) {
  const from = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  return (await import(pathToFileURL(path.join(modules, from, apiVersion, `${kind}.js`))))[kind];
}

function track(value, at, unread) {
  if (typeof value !== "object" || value === null) return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const key of Object.keys(value)) {
    if (!Array.isArray(value)) unread.add(`${at}.${key}`);
    copy[key] = track(value[key], `${at}.${key}`, unread);
  }
  return new Proxy(copy, {
    get(target, key) {
      if (typeof key === "string") unread.delete(`${at}.${key}`);
      return target[key];
    },
  });
}

for (const [file, object] of JSON.parse(readFileSync(0))) {
  const unread = new Set();
  try {
    const m = new (await model(object))({});
    for (const key of Object.keys(object)) m[key] = track(object[key], key, unread);
    m.validate();
    for (const key of unread) console.log(`${file}: ${key}: no such key`);
  } catch (e) {
    console.log(`${file}: ${e.message}`);
  }
}
