/* The form around the model: takes a sentence, asks the worker, and shows both models' candidates side by side. */

import { ask, findProblem, isLoaded } from "./model-client.js";

const { element, fill } = widgets;
const root = document.querySelector(".try-it");
const { files, examples, words, problems } = widgets.readData(root);
const forms = [...root.querySelectorAll("form")];

let shown = null; // the text and the answer that stand on the page

function prepare(form) {
  const say = words[form.lang];
  const complain = problems[form.lang];
  const find = (name) => form.querySelector(`.try-${name}`);
  const percent = (share) => fill(say.share, { percent: (100 * share).toFixed(1) });

  /** Say how a candidate moved; arrows are for the eye, words for those who listen. */
  function changeOf(rank, { otherRank }, side, numShown) {
    if (side === "before") return otherRank > numShown ? fill(say.out, { rank: otherRank.toLocaleString("en") }) : "";
    if (otherRank > numShown) return fill(say.new, { rank: otherRank.toLocaleString("en") });
    const places = otherRank - rank;
    const said = fill(places ? (places > 0 ? say.up : say.down) : say.same, { places: Math.abs(places) });
    const arrow = places ? `${places > 0 ? "↑" : "↓"}${Math.abs(places)}` : "=";
    return element("span", {}, element("span", { ariaHidden: "true" }, arrow), element("span", { className: "visually-hidden" }, said));
  }

  function list(mask, side, label) {
    const most = Math.max(mask.before[0].probability, mask.after[0].probability);
    const rows = mask[side].map((candidate, at) => {
      const change = element("small", {}, changeOf(at + 1, candidate, side, mask[side].length));
      const row = element("li", {}, element("span", { lang: "en" }, candidate.token), " ", change, " ", element("b", {}, percent(candidate.probability)));
      row.style.setProperty("--share", candidate.probability / most);
      return row;
    });
    const list = element("ol", { ariaLabel: label }, ...rows);
    return element("div", { className: `try-${side}` }, element("p", { ariaHidden: "true" }, say[side]), list);
  }

  function show(text, answer) {
    shown = { text, answer };
    const { masks, unknown = [], tokens, seconds } = answer;
    const parts = masks.map((mask, at) => {
      const which = masks.length > 1 ? fill(say.which, { number: at + 1, all: masks.length }) : "";
      const lists = ["before", "after"].map((side) => list(mask, side, [which, say[side]].filter(Boolean).join(": ")));
      return element("section", {}, element("p", { className: "try-which", hidden: !which }, which), element("div", { className: "try-pair" }, ...lists));
    });
    find("answers").replaceChildren(...parts);
    const sentences = masks.map(({ before: [before], after: [after] }, at) =>
      fill(masks.length > 1 ? say.nth : say.first, { number: at + 1, before: `“${before.token}”`, after: `“${after.token}”` }));
    if (unknown.length) sentences.push(fill(say.unknown, { words: unknown.join(", ") }));
    sentences.push(seconds ? fill(say.timed, { tokens, seconds: seconds.toFixed(2) }) : say.stored);
    find("status").textContent = sentences.join(form.lang === "en" ? " " : "");
  }

  function complainOf(problem, values = {}) {
    shown = null;
    find("answers").replaceChildren();
    find("status").textContent = fill(complain[problem], values);
    form.text.setAttribute("aria-invalid", String(["empty", "no_mask", "english_only", "too_long"].includes(problem)));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // as other keyboards write the brackets, and in any case of the letters
    form.text.value = form.text.value.replace(/[[【［]\s*mask\s*[\]】］]/gi, "[MASK]");
    const text = form.text.value;
    const problem = findProblem(text) ?? (text.includes("[MASK]") ? null : "no_mask");
    if (problem) return complainOf(problem);
    form.text.removeAttribute("aria-invalid");
    try {
      const answer = await ask({ task: "fill", text }, { files, bar: find("progress"), status: find("status"), words: say });
      form.ask.textContent = say.ask;
      show(text, answer);
    } catch ({ message, values }) {
      complainOf(message, values);
    }
  });
  form.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.insert.addEventListener("click", () => {
    form.text.setRangeText("[MASK]", form.text.selectionStart, form.text.selectionEnd, "end");
    form.text.focus();
  });
  for (const button of form.querySelectorAll("[name=example]")) {
    button.addEventListener("click", () => {
      form.text.value = button.textContent;
      form.text.removeAttribute("aria-invalid");
      show(button.textContent, { masks: examples[button.textContent] });
    });
  }
  form.querySelector("[name=language]")?.addEventListener("click", () => {
    const other = forms.find((one) => one !== form);
    form.hidden = true;
    other.hidden = false;
    other.text.value = form.text.value;
    other.dispatchEvent(new CustomEvent("take-over"));
    other.querySelector("[name=language]").focus();
  });
  form.addEventListener("take-over", () => {
    if (isLoaded) form.ask.textContent = say.ask;
    if (shown) show(shown.text, shown.answer);
  });
}

if (forms.length) {
  forms.forEach(prepare);
  const languages = forms.map(({ lang }) => lang.slice(0, 2));
  const preferred = forms.length > 1 && courseLanguage.preferred(languages);
  const form = forms.find(({ lang }) => lang.startsWith(preferred || "")) ?? forms[0];
  const text = form.text.defaultValue;
  shown = { text, answer: { masks: examples[text] } };
  form.dispatchEvent(new CustomEvent("take-over"));
  form.hidden = false;
  root.querySelector(".try-static").hidden = true;
}
