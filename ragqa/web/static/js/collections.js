// The collections there are, and the one that is open.

import { call } from "./api.js";
import { emit } from "./events.js";
import { choices } from "./storage.js";

export const collections = { list: null, current: null, problem: null };

const path = (name) => `/v1/collections/${encodeURIComponent(name)}`;

/** Fetch the list. Either `{collections: [...]}` or a bare array is understood. */
export async function loadCollections() {
  try {
    const body = await call("GET", "/v1/collections");
    collections.list = Array.isArray(body) ? body : (body?.collections ?? []);
    collections.problem = null;
  } catch (problem) {
    collections.problem = problem;
  }
  emit("collections");
}

/** The collection to open when the address names none. */
export function preferred() {
  const names = (collections.list ?? []).map((collection) => collection.name);
  const last = choices.get("collection");
  if (names.includes(last)) return last;
  return names.includes("demo") ? "demo" : (names[0] ?? null);
}

export function open(name) {
  if (collections.current === name) return;
  collections.current = name;
  if (name !== null) choices.set("collection", name);
  emit("collection");
}

export async function createCollection(name) {
  const made = await call("POST", "/v1/collections", { json: { name } });
  await loadCollections();
  return made;
}

export async function deleteCollection(name) {
  await call("DELETE", path(name));
  if (choices.get("collection") === name) choices.set("collection", null);
  await loadCollections();
}
