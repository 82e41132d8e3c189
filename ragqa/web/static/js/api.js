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
let signedIn = 0; // how often; a request that was refused before the last time need not ask

/** Who we are to the service: `{open, name, role, collections}`, or null before it was told. */
export const who = { is: null };
export const may = (role) => who.is === null || ["reader", "writer", "administrator"].indexOf(who.is.role) >= ["reader", "writer", "administrator"].indexOf(role);

/** Give the function that asks the person for a key; it resolves to true when they signed in. */
export function whenKeyIsNeeded(ask) {
  askForKey = ask;
}

/** Show the service a key, once; from then on the browser sends a cookie that scripts cannot read. */
export async function signIn(key) {
  const response = await fetch("/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }) }).catch(() => null);
  if (!response) throw new Problem(0, "unreachable");
  if (!response.ok) throw toProblem(response.status, await response.text().catch(() => ""));
  who.is = await response.json();
  signedIn += 1;
  emit("who");
}

export async function signOut() {
  await request("DELETE", "/v1/session");
  who.is = null;
}

/** Learn who we are; it may ask for a key. */
export async function learnWho() {
  who.is = await call("GET", "/v1/session");
  emit("who");
}

export const times = () => signedIn;

/** Ask for a key once, however many requests were refused at the same time. */
export function obtainKey(before) {
  if (before !== signedIn) return Promise.resolve(true); // somebody signed in meanwhile
  asking ??= askForKey().finally(() => (asking = null));
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
  const before = signedIn;
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: { Accept: accept, ...(json === undefined ? {} : { "Content-Type": "application/json" }) },
      body: json === undefined ? form : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    emit("unreachable");
    throw new Problem(0, "unreachable");
  }
  emit("reached");
  if (response.ok) return response;
  if (response.status === 401 && (await obtainKey(before))) return request(method, path, { json, form, accept, signal });
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

/** Put a picture into `img`; resolves when it is drawn. The browser loads it, and caches it. */
export async function load(img, address, signal, again = true) {
  const shown = new Promise((resolve, reject) => {
    img.onload = resolve;
    img.onerror = () => reject(new Problem(0, "image_failed"));
  });
  img.src = address;
  try {
    return await shown;
  } catch (error) {
    if (signal?.aborted) throw error;
    await request("GET", address, { accept: "image/png", signal }); // tells what is wrong, or asks for the key
    return again ? load(img, address, signal, false) : Promise.reject(error);
  }
}
