// Words in two languages.

import { emit } from "./events.js";
import { choices } from "./storage.js";
import { en } from "./words.en.js";
import { zh } from "./words.zh.js";

const WORDS = { en, zh };
let current = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

export const language = () => current;
const locale = () => (current === "zh" ? "zh-CN" : "en-GB");

/** Switch to `name`, remember it, and have everything redrawn. */
export function speak(name) {
  current = name;
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  choices.set("language", name);
  emit("language");
}

export const has = (key) => key in WORDS[current];

/** Return the words for `key`; `{n}` is replaced from `values`; `one|many` chooses by `n`. */
export function t(key, values = {}) {
  let words = WORDS[current][key] ?? WORDS.en[key] ?? key;
  const forms = words.split("|");
  if (forms.length === 2) words = Number(values.n) === 1 ? forms[0] : forms[1];
  return words.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? (typeof values[name] === "number" ? number(values[name]) : String(values[name])) : whole,
  );
}

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

export function bytes(value) {
  const units = ["B", "KB", "MB", "GB"];
  let power = 0;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} ${units[power]}`;
}

export const percent = (share) => `${Math.round(share * 100)} %`;

/** "about 40 s", "about 3 min". */
export function timeLeft(seconds) {
  if (seconds < 90) return t("left.seconds", { n: Math.max(1, Math.round(seconds / 5) * 5 || Math.round(seconds)) });
  if (seconds < 5400) return t("left.minutes", { n: Math.round(seconds / 60) });
  return t("left.hours", { n: Math.round(seconds / 3600) });
}

export const clock = (when) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(new Date(when));

/** A day of a date field, "2024-05-31", without a time. */
export const date = (day) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(new Date(`${day}T00:00`));

export const day = (when) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(when));
