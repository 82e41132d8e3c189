// Asking: the conversation and the box below it.

import { may } from "./api.js";
import { button, fill, h, icon } from "./dom.js";
import { ask, conversation, history, isAsking, openConversation, startConversation, stop } from "./conversations.js";
import { collections } from "./collections.js";
import { showDialog } from "./dialogs.js";
import { documents, isActive } from "./documents.js";
import { on } from "./events.js";
import { filter, filterBar, limits, toJson } from "./filters.js";
import { clock, t } from "./i18n.js";
import { dropPlace } from "./shelf.js";
import { turnNode } from "./answer.js";

const LONGEST = 1000; // what the service takes
let draft = "";

function showHistory() {
  const list = history();
  return showDialog(t("history"), (close) =>
    list.length
      ? h(
          "ul",
          { class: "history" },
          list.map((one) =>
            h(
              "li",
              {},
              h(
                "button",
                {
                  type: "button",
                  "aria-current": String(one === conversation()),
                  onclick: () => {
                    openConversation(one.id);
                    close();
                  },
                },
                h("span", { class: "history-question" }, one.turns[0].question),
                h("span", { class: "quiet" }, `${clock(one.at)} · ${t("questions.count", { n: one.turns.length })}`),
              ),
            ),
          ),
        )
      : h("p", { class: "quiet" }, t("history.empty")),
  );
}

/** What stands here before the first question. */
function opening() {
  const all = [...documents.byId.values()];
  const ready = all.filter((document) => document.status === "ready");
  if (!documents.loaded) return h("div", { class: "empty" }, h("p", { class: "quiet" }, t("loading")));
  if (!all.length) return h("div", { class: "empty" }, h("h1", {}, t(may("writer") ? "empty.title" : "documents.empty.reader")), may("writer") ? [h("p", {}, t("empty.text")), dropPlace({ large: true })] : null);
  if (!ready.length) return h("div", { class: "empty" }, h("h1", {}, t(all.some(isActive) ? "empty.reading" : "empty.noneReady")), h("p", {}, t(all.some(isActive) ? "empty.readingText" : "empty.noneReadyText")));
  return h(
    "div",
    { class: "empty" },
    h("h1", {}, t("ask.title")),
    h("p", {}, t("ask.subtitle", { n: documents.next ? `${ready.length}+` : ready.length, name: collections.current })),
    h("ul", { class: "promises" }, ["quote", "doubt", "refuse"].map((name) => h("li", {}, icon("check"), h("span", {}, t(`promise.${name}`))))),
  );
}

function composer() {
  const box = h("textarea", { id: "question", rows: 1, placeholder: t("ask.placeholder"), "aria-label": t("ask.label"), maxlength: LONGEST, value: draft, enterkeyhint: "send" });
  const bar = filterBar({ changed: () => box.focus() });
  const count = h("span", { class: "quiet count" });
  const go = h("button", { type: "submit", class: "send" });
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
    count.textContent = box.value.length > LONGEST - 300 ? `${box.value.length} / ${LONGEST}` : "";
  };
  const drawGo = () => {
    const label = t(isAsking() ? "stop" : "ask.go");
    fill(go, icon(isAsking() ? "stop" : "send"));
    go.setAttribute("aria-label", label);
    go.title = label;
    go.disabled = !isAsking() && !box.value.trim();
  };
  const submit = (event) => {
    event?.preventDefault();
    if (isAsking()) return stop();
    const question = box.value.trim();
    if (!question) return;
    box.value = draft = "";
    grow();
    ask(question, { filter: toJson(filter()), limited: limits().filter(({ drop }) => !drop.collections).map(({ words }) => words) });
  };
  box.addEventListener("input", () => {
    draft = box.value;
    grow();
    drawGo();
  });
  box.addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!isAsking()) submit();
  });
  drawGo();
  const offs = [on("asking", drawGo), bar.end];
  const node = h("form", { class: "composer", onsubmit: submit }, bar.node, h("div", { class: "composer-box" }, box, count, go), h("p", { class: "hint" }, t("ask.hint")));
  requestAnimationFrame(grow);
  return { node, box, end: () => offs.forEach((off) => off()) };
}

/** The whole view; `end()` when it is left. */
export function askView() {
  const turns = h("div", { class: "turns" });
  const scroller = h("div", { class: "scroller", tabindex: "-1" }, turns);
  const tools = h("div", { class: "view-tools" });
  const form = composer();
  let nodes = new Map();

  const drawTools = () => {
    const asked = conversation()?.turns.length;
    fill(tools, button(t("history"), showHistory, { class: "link", icon: "history" }), asked ? button(t("conversation.new"), startAnew, { class: "link", icon: "add" }) : null);
  };
  const startAnew = () => {
    startConversation();
    form.box.focus();
  };
  const draw = () => {
    const list = conversation()?.turns ?? [];
    drawTools();
    form.node.classList.toggle("follow-up", list.length > 0);
    form.box.placeholder = t(list.length ? "ask.followUp" : "ask.placeholder");
    if (!list.length) {
      nodes = new Map();
      return fill(turns, opening());
    }
    nodes = new Map(list.map((turn) => [turn, nodes.get(turn) ?? turnNode(turn)]));
    fill(turns, [...nodes.values()].map(({ node }) => node));
    toEnd();
    return turns;
  };
  const toEnd = () => requestAnimationFrame(() => nodes.size && [...nodes.values()].at(-1).node.scrollIntoView({ block: "start" }));
  draw();
  const offs = [
    on("conversation", draw),
    on("turn", (turn) => nodes.get(turn)?.update()),
    on("documents", () => conversation()?.turns.length || draw()),
    on("who", () => conversation()?.turns.length || draw()),
    on("document", () => conversation()?.turns.length || draw()),
  ];
  const node = h("section", { class: "view ask", "aria-label": t("ask") }, tools, scroller, form.node);
  return {
    node,
    focus: () => form.box.focus({ preventScroll: true }),
    end: () => {
      form.end();
      offs.forEach((off) => off());
    },
  };
}
