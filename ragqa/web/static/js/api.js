// Talking to the service: JSON, streams, images, keys.

import { emit } from "./events.js";
import { session } from "./storage.js";

/** A request that did not work. `status` 0: the service could not be reached. */
export class Problem extends Error {
  constructor(status, code, message = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let asking = null;
let askForKey = async () => false;

/** Give the function that asks the person for a key; it resolves to true when one was entered. */
export function whenKeyIsNeeded(ask) {
  askForKey = ask;
}

export const key = () => session.get("key");
export const keepKey = (value) => session.set("key", value);

export function headers(more = {}) {
  const held = key();
  return held ? { ...more, Authorization: `Bearer ${held}` } : more;
}

/** Ask for a key once, however many requests were refused at the same time. */
export function obtainKey(refused) {
  if (refused !== key()) return Promise.resolve(true); // another request got a new one meanwhile
  asking ??= askForKey(refused !== null).finally(() => (asking = null));
  return asking;
}

/** Read a problem document (or whatever came instead of one). */
export function toProblem(status, text) {
  try {
    const body = JSON.parse(text);
    const detail = body.detail ?? body.message ?? body.title ?? "";
    return new Problem(status, body.code ?? `http_${status}`, typeof detail === "string" ? detail : JSON.stringify(detail));
  } catch {
    return new Problem(status, `http_${status}`, "");
  }
}

/** Fetch, asking for a key when the service wants one. Throws Problem, or AbortError when aborted. */
export async function request(method, path, { json, form, accept = "application/json", signal } = {}) {
  const held = key();
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: headers({ Accept: accept, ...(json === undefined ? {} : { "Content-Type": "application/json" }) }),
      body: json === undefined ? form : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    emit("unreachable");
    throw new Problem(0, "unreachable");
  }
  emit("reached");
  if (response.ok) return response;
  if (response.status === 401 && (await obtainKey(held))) return request(method, path, { json, form, accept, signal });
  throw toProblem(response.status, await response.text().catch(() => ""));
}

export async function call(method, path, options) {
  const response = await request(method, path, options);
  return response.status === 204 ? null : response.json().catch(() => null);
}

/** Yield `{event, data}` of a server-sent stream until it ends; data is parsed JSON. */
export async function* stream(method, path, options = {}) {
  const response = await request(method, path, { ...options, accept: "text/event-stream" });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await read(reader);
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      const parts = rest.split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const event = readEvent(part);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    emit("unreachable");
    throw new Problem(0, "broken_stream");
  }
}

function readEvent(part) {
  let event = "message";
  const data = [];
  for (const line of part.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "event") event = value;
    else if (name === "data") data.push(value);
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}

/** A page image's address. `marks`: `{chunk}` or `{answer, marker}`. */
export function pageImage(documentId, page, { dpi = 110, ...marks } = {}) {
  const query = new URLSearchParams({ dpi, ...marks });
  return `/v1/documents/${encodeURIComponent(documentId)}/pages/${page}/image?${query}`;
}

/**
 * Put a picture into `img`; resolves when it is drawn. Without a key the browser loads it (and
 * caches it); with one it is fetched, because an `img` cannot send a key.
 */
export async function load(img, address, signal) {
  const shown = new Promise((resolve, reject) => {
    img.onload = resolve;
    img.onerror = () => reject(new Problem(0, "image_failed"));
  });
  shown.catch(() => {}); // awaited below, or not at all when the fetch failed first
  if (key()) {
    const response = await request("GET", address, { accept: "image/png", signal });
    const local = URL.createObjectURL(await response.blob());
    img.src = local;
    return shown.finally(() => URL.revokeObjectURL(local));
  }
  img.src = address;
  try {
    return await shown;
  } catch (error) {
    if (signal?.aborted) throw error;
    await request("GET", address, { accept: "image/png", signal }); // tells what is wrong, or asks for the key
    return key() ? load(img, address, signal) : Promise.reject(error);
  }
}
