// Whether the service answers. While it does not, the page says so and tries again by itself.

import { fill, h, icon } from "./dom.js";
import { emit, on } from "./events.js";
import { t } from "./i18n.js";

const FIRST_MS = 1000;
const LONGEST_MS = 8000;
let state = "reached"; // reached | unreachable | starting
let timer = null;
let wait = FIRST_MS;
let reasons = "";

async function probe() {
  timer = null;
  try {
    const response = await fetch("/readyz", { cache: "no-store", headers: { Accept: "application/json" } });
    if (response.ok) return settle("reached");
    const body = await response.json().catch(() => ({}));
    reasons = typeof body.detail === "string" ? body.detail : "";
    settle("starting");
  } catch {
    settle("unreachable");
  }
  return again();
}

function again() {
  timer ??= setTimeout(probe, wait);
  wait = Math.min(LONGEST_MS, wait * 1.5);
}

function settle(next) {
  const before = state;
  state = next;
  if (before === next) return;
  emit("connection");
  if (next === "reached") {
    wait = FIRST_MS;
    emit("back");
  }
}

/** The banner's place. */
export function banner() {
  const place = h("div", { class: "banner", role: "status", hidden: true });
  const draw = () => {
    place.hidden = state === "reached";
    if (state === "reached") fill(place);
    else fill(place, icon("alert"), h("span", {}, t(state === "starting" ? "connection.starting" : "connection.lost")), state === "starting" && reasons ? h("span", { class: "small-print" }, reasons) : null);
  };
  draw();
  const off = on("connection", draw);
  return { node: place, end: off };
}

on("unreachable", () => {
  if (state !== "reached") return;
  settle("unreachable");
  again();
});

/** Ask once at the start: the models may still be loading. */
export const checkAtStart = () => probe();
