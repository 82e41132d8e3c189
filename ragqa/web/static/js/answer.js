// One turn of a conversation: the question, what was found, the answer, what can be done with it.

import { announce, button, fill, h, icon, iconButton } from "./dom.js";
import { askAgain, isOpen, rate, stop } from "./conversations.js";
import { attempt, toast } from "./dialogs.js";
import { formatAnswer, toMarkdown } from "./format.js";
import { has, number, percent, t } from "./i18n.js";
import { problemBox } from "./problems.js";
import { hitList, markerNode, sourceList } from "./sources.js";

let noted = 0;

/** Wrap a sentence its sources do not bear out; the mark after it explains. */
function doubt(nodes, sentence, last) {
  const wrapped = h("span", { class: "doubtful" }, nodes);
  if (!last) return wrapped;
  noted += 1;
  const id = `doubt-${noted}`;
  const reasons = (sentence.reasons ?? []).map((reason) => (has(`reason.${reason}`) ? t(`reason.${reason}`) : reason));
  const note = h("span", { class: "doubt-note", id, hidden: true, role: "note" }, t("doubt.explained"), reasons.length ? ` ${reasons.join(" ")}` : "");
  const mark = h("button", { type: "button", class: "doubt-mark", "aria-expanded": "false", "aria-controls": id, title: t("doubt.explain") }, t("doubt.mark"));
  mark.addEventListener("click", () => {
    note.hidden = !note.hidden;
    mark.setAttribute("aria-expanded", String(!note.hidden));
  });
  return [wrapped, mark, note];
}

const written = (answer) => formatAnswer(answer.text, answer.sentences ?? [], { marker: (n) => markerNode(n, answer), doubt });

function copyButton(answer) {
  return iconButton("copy", t("copy"), async () => {
    const text = toMarkdown(answer, { page: (n) => t("page.n", { n }), source: t("sources") });
    const worked = await attempt(async () => {
      if (navigator.clipboard) return navigator.clipboard.writeText(text);
      throw new Error(t("copy.refused"));
    });
    if (worked) toast(t("copied"));
  });
}

function feedback(turn) {
  const place = h("div", { class: "feedback", role: "group", "aria-label": t("feedback") });
  const comment = h("div", {});
  const give = async (rating) => {
    if (!(await attempt(() => rate(turn, rating)))) return;
    draw();
    ask(rating);
  };
  const ask = (rating) => {
    const input = h("input", { type: "text", maxlength: 1000, "aria-label": t("feedback.comment"), placeholder: t(rating > 0 ? "feedback.good" : "feedback.bad") });
    const submit = async (event) => {
      event.preventDefault();
      if (input.value.trim() && !(await attempt(() => rate(turn, rating, input.value.trim())))) return;
      fill(comment, h("p", { class: "quiet", role: "status" }, t("feedback.thanks")));
    };
    fill(comment, h("form", { class: "comment", onsubmit: submit }, input, button(t("send"), null, { type: "submit" })));
    input.focus();
  };
  const thumb = (name, rating, label) => iconButton(name, label, () => give(rating), { "aria-pressed": String(turn.rating === rating) });
  const draw = () => fill(place, thumb("thumbUp", 1, t("feedback.up")), thumb("thumbDown", -1, t("feedback.down")));
  draw();
  return [place, comment];
}

function timing(answer) {
  const { total } = answer.timings_ms ?? {};
  const parts = [total ? t("took", { n: number(Math.round(total / 100) / 10) }) : null, answer.models?.generator];
  return h("span", { class: "quiet" }, parts.filter(Boolean).join(" · "));
}

/** How likely the answer is right, when it was calibrated. */
function confidence({ confidence: share, citations }) {
  // A number worked out of cells is no guess with a likelihood: the cells are there to be checked.
  if (citations.some((citation) => citation.cell)) return h("span", { class: "quiet" }, t("computed"));
  if (share === null || share === undefined) return null;
  return h("span", { class: "confidence", title: t("confidence.explain") }, h("meter", { min: 0, max: 1, low: 0.5, high: 0.8, optimum: 1, value: share, "aria-label": t("confidence", { share: percent(share) }) }), h("span", {}, t("confidence", { share: percent(share) })));
}

function consulted(hits, question, { open = false } = {}) {
  if (!hits.length) return null;
  return h("details", { class: "consulted", open }, h("summary", {}, t("consulted", { n: hits.length })), hitList(hits, question));
}

function refusal(turn) {
  const { answer } = turn;
  const { reason, message, nearest = [], unread = 0 } = answer.refusal;
  const known = has(`refusal.${reason}`);
  return [
    h(
      "div",
      { class: "refusal" },
      h("p", { class: "refusal-title" }, t("refusal.title")),
      h("p", {}, known ? t(`refusal.${reason}`) : message),
      unread ? h("p", {}, t("refusal.unread", { n: unread })) : null,
    ),
    nearest.length ? [h("h3", {}, t("refusal.nearest")), hitList(nearest, turn.question, { label: t("refusal.nearest") })] : consulted(turn.hits, turn.question),
  ];
}

function done(turn) {
  const { answer } = turn;
  const unsupported = (answer.sentences ?? []).filter((sentence) => !sentence.supported).length;
  return [
    answer.answered === false && answer.refusal
      ? refusal(turn)
      : [
          h("div", { class: "answer-text" }, written(answer)),
          unsupported ? h("p", { class: "doubt-count" }, icon("alert"), h("span", {}, t("doubt.count", { n: unsupported }))) : null,
          sourceList(answer),
          consulted(turn.hits, turn.question),
        ],
    h("footer", { class: "answer-foot" }, answer.refusal ? null : copyButton(answer), answer.id ? feedback(turn) : null, answer.refusal ? null : confidence(answer), timing(answer)),
  ];
}

function underWay(turn) {
  const searching = turn.state === "searching";
  const extract = turn.extract?.text ? { citations: [], ...turn.extract, id: null } : null;
  return [
    h("p", { class: "status" }, h("span", { class: "spinner" }), h("span", {}, t(searching ? "ask.searching" : turn.draft ? "ask.writing" : "ask.reading", { n: turn.hits.length })), button(t("stop"), stop, { class: "link", icon: "stop" })),
    turn.draft ? h("div", { class: "answer-text draft" }, formatAnswer(turn.draft, [], { marker: (n) => h("span", { class: "marker empty" }, `[${n}]`), doubt })) : null,
    extract // stays until the answer is there: what is being written is not checked yet
      ? h("section", { class: "extract", "aria-label": t("extract.title") }, h("h3", {}, t("extract.title")), h("div", { class: "answer-text" }, written(extract)))
      : null,
    consulted(turn.hits, turn.question),
  ];
}

function broken(turn) {
  const again = button(t("ask.again"), () => askAgain(turn), { icon: "retry" });
  const extract = turn.extract?.text ? { citations: [], ...turn.extract, id: null } : null;
  return [
    turn.draft ? h("div", { class: "answer-text draft" }, formatAnswer(turn.draft, [], { marker: (n) => `[${n}]`, doubt })) : null,
    turn.state === "stopped" ? h("p", { class: "status" }, h("span", {}, t("ask.stopped")), again) : problemBox(turn.problem, again),
    extract ? h("section", { class: "extract" }, h("h3", {}, t("extract.title")), h("div", { class: "answer-text" }, written(extract))) : null,
    consulted(turn.hits, turn.question),
  ];
}

/** A turn's node and the function that redraws it. */
export function turnNode(turn) {
  const body = h("div", { class: "answer" });
  const only = turn.limited?.length ? h("p", { class: "quiet only" }, turn.limited.join(" · ")) : null;
  const node = h("article", { class: "turn", dataset: { turn: turn.id } }, h("h2", { class: "question" }, turn.question), only, body);
  let drawn = null;
  let pending = false;
  const paint = () => {
    pending = false;
    const expanded = body.querySelector("details")?.open ?? false;
    node.dataset.state = turn.state;
    body.setAttribute("aria-busy", String(isOpen(turn)));
    fill(body, turn.state === "done" ? done(turn) : isOpen(turn) ? underWay(turn) : broken(turn));
    const details = body.querySelector("details");
    if (details) details.open = expanded;
    if (drawn && drawn !== turn.state && turn.state === "done") announce(t(turn.answer.refusal ? "announce.refused" : "announce.answered"));
    drawn = turn.state;
  };
  const update = () => {
    // Tokens come faster than frames; one drawing a frame is enough.
    if (pending) return;
    pending = true;
    if (turn.state === drawn && isOpen(turn)) requestAnimationFrame(paint);
    else paint();
  };
  paint();
  return { node, update };
}
