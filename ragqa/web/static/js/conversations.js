// Questions and answers of this browser session.

import { call, Problem, stream } from "./api.js";
import { collections } from "./collections.js";
import { emit } from "./events.js";
import { session } from "./storage.js";

const KEPT = 40;

export const isOpen = (turn) => turn.state === "searching" || turn.state === "writing";

/**
 * A turn: `{id, question, state: searching|writing|done|failed|stopped, hits, extract, draft,
 * answer, problem, at, filter, limited}`. A conversation: `{id, collection, turns, at}`; the service's own id
 * of it comes with the first answer.
 */
const all = (session.get("conversations") ?? []).map(mend);
let current = null;
let running = null;

// What was under way when the page was reloaded has no stream any more.
function mend(conversation) {
  const turns = conversation.turns.map((turn) => (isOpen(turn) ? { ...turn, state: "stopped" } : turn));
  return { ...conversation, turns };
}

export const conversation = () => current;
export const history = () => all.filter((one) => one.collection === collections.current && one.turns.length);
export const isAsking = () => running !== null;

export function startConversation() {
  stop();
  current = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, remote: null, collection: collections.current, turns: [], at: Date.now() };
  emit("conversation");
}

export function openConversation(id) {
  stop();
  current = all.find((one) => one.id === id) ?? current;
  emit("conversation");
}

/** Open the newest conversation of the collection, or an empty one. */
export function resume() {
  const newest = history()[0];
  if (newest) openConversation(newest.id);
  else startConversation();
}

function keep() {
  if (!all.includes(current)) all.unshift(current);
  all.length = Math.min(all.length, KEPT);
  // Full storage gives up the oldest first.
  for (let count = all.length; count > 0 && !session.set("conversations", all.slice(0, count)); count -= 1);
}

export function stop() {
  running?.abort();
}

/** Ask in the open conversation; `filter` is the service's, `limited` says it in words. */
export async function ask(question, { filter = null, limited = [] } = {}) {
  const turn = { id: `turn-${Date.now()}`, question, filter, limited, state: "searching", hits: [], extract: null, draft: "", answer: null, problem: null, at: Date.now() };
  current.turns.push(turn);
  keep();
  emit("conversation");
  await run(turn, current);
}

export async function askAgain(turn) {
  Object.assign(turn, { state: "searching", hits: [], extract: null, draft: "", answer: null, problem: null });
  emit("turn", turn);
  await run(turn, current);
}

async function run(turn, mine) {
  const controller = new AbortController();
  running?.abort();
  running = controller;
  emit("asking");
  try {
    const json = { question: turn.question, collection: mine.collection };
    if (mine.remote) json.conversation_id = mine.remote;
    if (turn.filter) json.filter = turn.filter;
    for await (const event of stream("POST", "/v1/ask", { json, signal: controller.signal })) {
      receive(turn, mine, event);
      emit("turn", turn);
    }
    if (isOpen(turn)) throw new Problem(0, "broken_stream");
  } catch (problem) {
    if (problem.name === "AbortError") turn.state = "stopped";
    else Object.assign(turn, { state: "failed", problem: { status: problem.status ?? 0, code: problem.code ?? "page_failed", message: problem.message } });
  }
  if (running === controller) running = null;
  keep();
  emit("turn", turn);
  emit("asking");
  emit("asked", turn);
}

function receive(turn, mine, { event, data }) {
  if (event === "evidence") {
    turn.hits = data.hits ?? [];
    turn.extract = data.answer ?? data.extractive ?? null;
    if (typeof turn.extract === "string") turn.extract = { text: turn.extract, citations: data.citations ?? [] };
    turn.state = "writing";
  } else if (event === "token") {
    turn.draft += typeof data === "string" ? data : (data.text ?? data.token ?? "");
  } else if (event === "answer") {
    Object.assign(turn, { answer: data, state: "done", draft: "", extract: null, hits: data.hits ?? turn.hits });
    mine.remote = data.conversation_id ?? mine.remote;
  } else if (event === "error") {
    throw new Problem(data.status ?? 0, data.code ?? "generation_failed", data.detail ?? data.message ?? data.title ?? "");
  }
}

export async function rate(turn, rating, comment) {
  const json = comment ? { rating, comment } : { rating };
  await call("POST", `/v1/answers/${encodeURIComponent(turn.answer.id)}/feedback`, { json });
  Object.assign(turn, { rating, commented: Boolean(comment) || turn.commented });
  keep();
}
