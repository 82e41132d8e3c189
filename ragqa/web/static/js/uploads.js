// Files on their way to the service, one request a file, two at a time.

import { obtainKey, times, Problem, toProblem } from "./api.js";
import { collections } from "./collections.js";
import { documents, take, watchActive } from "./documents.js";
import { emit, on } from "./events.js";

const AT_ONCE = 2;
/** Endings of what can be read. */
export const READ = [".pdf", ".txt", ".md", ".markdown", ".text", ".docx", ".png", ".jpg", ".jpeg", ".tif", ".tiff"];

export const uploads = { jobs: [], skipped: [], details: [] }; // details: what new files get, pairs
let counter = 0;

const isReadable = (name) => READ.some((ending) => name.toLowerCase().endsWith(ending));

/** Queue `files` (`{file, name}`) for `collection`. Of a folder, only what can be read is taken. */
export function send(found, collection = collections.current) {
  uploads.skipped = found.filter(({ file, name, folder }) => folder && !isReadable(name) && !file.name.startsWith(".")).map(({ name }) => name);
  const wanted = found.filter(({ name, folder }) => !folder || isReadable(name));
  for (const { file, name } of wanted) {
    counter += 1;
    uploads.jobs.push({ id: `upload-${counter}`, file, name, collection, details: Object.fromEntries(uploads.details), state: "waiting", sent: 0, total: file.size, since: 0, problem: null, xhr: null });
  }
  emit("uploads");
  next();
}

function next() {
  const running = uploads.jobs.filter((job) => job.state === "sending").length;
  const waiting = uploads.jobs.filter((job) => job.state === "waiting");
  waiting.slice(0, AT_ONCE - running).forEach(start);
}

function start(job) {
  const xhr = new XMLHttpRequest(); // fetch cannot say how much has been sent
  const body = new FormData();
  body.append("files", job.file, job.name);
  if (Object.keys(job.details).length) body.append("metadata", JSON.stringify(job.details));
  Object.assign(job, { xhr, state: "sending", sent: 0, since: Date.now(), problem: null });
  xhr.upload.onprogress = (event) => {
    if (!event.lengthComputable) return;
    // The form around the file is counted too; the file is what people know the size of.
    Object.assign(job, { sent: Math.min(job.file.size, event.loaded), total: job.file.size });
    emit("upload", job.id);
  };
  const before = times();
  xhr.onload = () => arrive(job, before);
  xhr.onerror = () => {
    emit("unreachable");
    fail(job, new Problem(0, "upload_broken"));
  };
  xhr.open("POST", `/v1/collections/${encodeURIComponent(job.collection)}/documents`);
  xhr.setRequestHeader("Accept", "application/json");
  xhr.send(body);
  emit("upload", job.id);
}

async function arrive(job, before) {
  const { status, responseText } = job.xhr;
  if (status >= 200 && status < 300) {
    uploads.jobs = uploads.jobs.filter((other) => other !== job);
    const made = JSON.parse(responseText).documents ?? [];
    if (job.collection === collections.current) {
      made.forEach(take);
      documents.loaded = true;
      watchActive();
    }
    emit("uploads");
    emit("documents");
    made.forEach((document) => emit("arrived", document));
    return next();
  }
  if (status === 401 && (await obtainKey(before))) return start(job);
  return fail(job, toProblem(status, responseText));
}

function fail(job, problem) {
  Object.assign(job, { state: "failed", problem, xhr: null });
  emit("uploads");
  next();
}

export function cancelUpload(job) {
  job.xhr?.abort();
  uploads.jobs = uploads.jobs.filter((other) => other !== job);
  emit("uploads");
  next();
}

/** Give up every file that is not sent yet; those that failed stay, to be tried again. */
export function cancelAll() {
  const open = uploads.jobs.filter((job) => job.state !== "failed");
  uploads.jobs = uploads.jobs.filter((job) => job.state === "failed");
  open.forEach((job) => job.xhr?.abort());
  emit("uploads");
}

export function retryUpload(job) {
  job.state = "waiting";
  emit("uploads");
  next();
}

/** Bytes a second and seconds left of one file; null while that is a guess. */
export function filePace({ state, sent, file, since }) {
  const seconds = (Date.now() - since) / 1000;
  if (state !== "sending" || !sent || seconds < 1) return null;
  return { rate: sent / seconds, seconds: (file.size - sent) / (sent / seconds) };
}

/** Bytes a second and seconds left over all files on their way; null while that is a guess. */
export function uploadPace() {
  const under = uploads.jobs.filter((job) => job.state === "sending" && job.sent > 0);
  const now = Date.now();
  const rate = under.reduce((sum, job) => sum + job.sent / Math.max(0.5, (now - job.since) / 1000), 0);
  const open = uploads.jobs.filter((job) => job.state !== "failed");
  const left = open.reduce((sum, job) => sum + job.file.size - job.sent, 0);
  return rate > 0 ? { rate, seconds: left / rate } : null;
}

/** Everything that was dropped, folders walked: `[{file, name, folder}]`. */
export async function gather(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name, folder: false }));
  const found = await Promise.all(entries.map((entry) => walk(entry, false)));
  return found.flat();
}

async function walk(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: folder ? entry.fullPath.replace(/^\//, "") : file.name, folder }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time.
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    for (const child of batch) found.push(...(await walk(child, true)));
  }
}

/** The same for a file input; a folder input names its files by path. */
export const chosen = (files) =>
  [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name, folder: Boolean(file.webkitRelativePath) }));

on("collection", () => {
  uploads.details = [];
});
