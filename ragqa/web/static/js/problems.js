// What went wrong, in plain words, and what to do about it.

import { h, icon } from "./dom.js";
import { has, t } from "./i18n.js";

/**
 * Return the sentence for a problem or a document's `error`: ours for a code we know, else the
 * service's own. What the service said is added in small print where it says more.
 */
export function explain(problem) {
  const code = problem?.code ?? "internal";
  const said = problem?.message ?? "";
  const known = code.endsWith("_not_found") && !has(`error.${code}`) ? "not_found" : code;
  if (has(`error.${known}`)) return { sentence: t(`error.${known}`), detail: said };
  if (said) return { sentence: said, detail: "" };
  return { sentence: t(problem?.status >= 500 || !problem?.status ? "error.internal" : "error.refused", { code }), detail: "" };
}

/** A box that says what went wrong, with buttons for what can be done. */
export function problemBox(problem, ...actions) {
  const { sentence, detail } = explain(problem);
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("alert"),
    h("div", {}, h("p", {}, sentence), detail && detail !== sentence ? h("p", { class: "small-print" }, detail) : null, actions.length ? h("div", { class: "actions" }, actions) : null),
  );
}
