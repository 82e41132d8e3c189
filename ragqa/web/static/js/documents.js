// The documents of the open collection, kept up to date while they are read.

import { call, stream } from "./api.js";
import { collections } from "./collections.js";
import { emit, on } from "./events.js";

const STREAMS = 3; // a browser opens six connections to one host; asking needs some too
const POLL_MS = 2000;
const PAGE = 100;

export const documents = { byId: new Map(), next: null, loaded: false, problem: null };
const watched = new Map(); // id → AbortController
const pace = new Map(); // id → {stage, since, from}
let poll = null;
let generation = 0;

export const isActive = (document) => document.status === "queued" || document.status === "processing";
export const path = (id) => `/v1/documents/${encodeURIComponent(id)}`;

/** Fetch the documents of the open collection from the start, or the next page of them. */
export async function loadDocuments({ more = false } = {}) {
  const name = collections.current;
  if (name === null) return;
  const mine = generation;
  const query = new URLSearchParams({ limit: PAGE, ...(more && documents.next ? { cursor: documents.next } : {}) });
  try {
    const body = await call("GET", `/v1/collections/${encodeURIComponent(name)}/documents?${query}`);
    if (mine !== generation) return;
    if (!more && body.next === null) keepOnly(new Set(body.documents.map((document) => document.id)));
    body.documents.forEach(take);
    if (more || !documents.loaded) documents.next = body.next;
    documents.problem = null;
  } catch (problem) {
    if (mine !== generation) return;
    documents.problem = problem;
  }
  documents.loaded = true;
  emit("documents");
  watchActive();
}

function keepOnly(ids) {
  for (const id of documents.byId.keys()) if (!ids.has(id)) documents.byId.delete(id);
}

/** Take in a document's newest state. An older one that arrives late is dropped. */
export function take(document) {
  const known = documents.byId.get(document.id);
  if (known && known.updated_at > document.updated_at) return;
  notePace(document);
  documents.byId.set(document.id, document);
}

function notePace(document) {
  const { stage, done } = document.progress ?? {};
  const known = pace.get(document.id);
  if (!isActive(document)) pace.delete(document.id);
  else if (!known || known.stage !== stage) pace.set(document.id, { stage, from: done, since: Date.now() });
}

/** Seconds this stage will still take at its pace so far; null while that is a guess. */
export function secondsLeft(document) {
  const told = document.progress?.seconds_left;
  if (told !== null && told !== undefined) return told;
  const known = pace.get(document.id);
  const { done, total } = document.progress ?? {};
  if (!known || !total || done - known.from < 2) return null;
  const seconds = (Date.now() - known.since) / 1000;
  return seconds < 2 ? null : (seconds / (done - known.from)) * (total - done);
}

export function forget() {
  generation += 1;
  watched.forEach((controller) => controller.abort());
  watched.clear();
  pace.clear();
  clearTimeout(poll);
  poll = null;
  Object.assign(documents, { byId: new Map(), next: null, loaded: false, problem: null });
}

/** Follow what is being read: by event stream for a few, by asking now and then for the rest. */
export function watchActive() {
  const active = [...documents.byId.values()].filter(isActive);
  // What is being read comes before what waits; of those, the oldest is next.
  active.sort((a, b) => (b.status === "processing") - (a.status === "processing") || (a.created_at < b.created_at ? -1 : 1));
  for (const document of active) {
    if (watched.size >= STREAMS) break;
    if (!watched.has(document.id)) follow(document.id);
  }
  const unwatched = active.some((document) => !watched.has(document.id));
  if (unwatched && poll === null) {
    poll = setTimeout(() => {
      poll = null;
      loadDocuments();
    }, POLL_MS);
  }
}

async function follow(id) {
  const controller = new AbortController();
  const mine = generation;
  watched.set(id, controller);
  try {
    for await (const { event, data } of stream("GET", `${path(id)}/events`, { signal: controller.signal })) {
      if (mine !== generation) return;
      if (event !== "progress") continue;
      const known = documents.byId.has(id);
      take(data);
      emit(known ? "document" : "documents", id);
      if (!isActive(data)) break;
    }
  } catch {
    // Gone or unreachable: the list, asked for below, says which.
  } finally {
    controller.abort();
    if (watched.get(id) === controller) watched.delete(id);
  }
  if (mine === generation) setTimeout(() => mine === generation && settle(id), isActive(documents.byId.get(id) ?? {}) ? POLL_MS : 0);
}

async function settle(id) {
  const document = documents.byId.get(id);
  if (document && isActive(document)) await loadDocuments();
  else watchActive();
  emit("settled", id);
}

export async function fetchDocument(id) {
  if (!documents.byId.has(id)) return call("GET", path(id));
  return documents.byId.get(id);
}

/** Replace what a document was given; returns it as it is then. */
export async function describeDocument(id, metadata) {
  const document = await call("PATCH", path(id), { json: { metadata } });
  if (documents.byId.has(id)) documents.byId.set(id, document);
  return document;
}

async function act(id, verb, form) {
  const document = await call("POST", `${path(id)}/${verb}`, { form });
  documents.byId.set(id, document);
  emit("document", id);
  watchActive();
}

export const cancelDocument = (id) => act(id, "cancel");
export const retryDocument = (id) => act(id, "retry");

/** Read an encrypted document again, with its password. */
export function unlockDocument(id, password) {
  const form = new FormData();
  form.append("password", password);
  return act(id, "retry", form);
}

export async function deleteDocument(id) {
  await call("DELETE", path(id));
  watched.get(id)?.abort();
  documents.byId.delete(id);
  emit("documents");
}

on("collection", () => {
  forget();
  emit("documents");
  loadDocuments();
});
on("back", () => loadDocuments());
