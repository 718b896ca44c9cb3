/* The mask playground: a form and a text. The draw is in masking.js, the counts are in mask-counts.js. */
"use strict";

(() => {
  const { element, fill, readData } = widgets;
  const place = document.querySelector(".mask-playground");
  const find = (selector) => place.querySelector(selector);
  const form = find("form");
  const data = readData(place);
  const { passages, special: specialTokens, ordinary, words } = data;
  const special = new Set(specialTokens);

  let row = 0; // the draw shown
  let tally = []; // what each draw since the last change of the settings masked
  let shown = null; // the passage and the draw that stand on the page
  let answers = new Map(); // the first candidates at each position that the model was asked about

  function settings() {
    const passage = passages[form.passage.value];
    const unit = form.unit.value;
    const firstPieces = masking.unitStarts(passage, special, unit);
    const [maskShare, randomShare] = form.eighty.checked ? [0.8, 0.1] : [1, 0];
    return { passage, unit, firstPieces, rate: form.rate.value / 100, maskShare, randomShare, ordinary };
  }

  /** The first candidates before and after, each with a sign for the eye and words for those who listen. */
  function answersElement(sides) {
    const lines = sides.map(({ token, isRight }) =>
      element("span", { className: isRight ? "mask-right" : "" }, `${isRight ? "✓" : "✗"} ${token}`));
    const said = sides.map(({ side, token, isRight }) =>
      fill(words[isRight ? "right_said" : "wrong_said"], { side: words[side], token }));
    const made = element("span", { className: "mask-answers" }, ...lines);
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", said.join(words.comma));
    return made;
  }

  /** One token as the model sees it; above it the truth where it is masked, below it its number and the answers if asked for. */
  function tokenElement(token, { shown, kind, number }, position) {
    if (form.model.checked) {
      return element("span", { className: special.has(token) ? "mask-special" : "" }, shown);
    }
    const below = form.numbers.checked && number !== undefined ? [element("small", {}, number.toFixed(2))] : [];
    if (kind === "none") {
      return element("span", { className: special.has(token) ? "mask-special" : "mask-none" }, shown, ...below);
    }
    if (answers.has(position)) below.push(answersElement(answers.get(position)));
    const seen = element("span", { className: `mask-token mask-${kind}` }, shown);
    const ruby = element("ruby", { title: words[kind] }, seen, element("rp", {}, "{"), element("rt", {}, token), element("rp", {}, "}"));
    ruby.setAttribute("role", "img");
    ruby.setAttribute("aria-label", fill(words[`${kind}_said`], { shown, token }));
    return element("span", { className: "mask-none" }, element("span", {}, ruby), ...below);
  }

  /** Show the text, with a bar between the pieces of a word. */
  function showText({ passage, drawn }) {
    const firstPieces = masking.findFirstPieces(passage, special);
    const text = element("p", {});
    let word = null;
    passage.tokens.forEach((token, position) => {
      const piece = tokenElement(token, drawn[position], position);
      if (word && firstPieces[position] >= 0 && firstPieces[position] !== position) {
        word.append(element("b", {}, "|"), piece);
      } else {
        word = element("span", { className: "mask-word" }, piece);
        text.append(" ", word);
      }
    });
    find(".mask-text").replaceChildren(text);
    find(".mask-text").lang = passage.lang;
  }

  /** Draw `times` times and add to the counts; `restart` drops the counts so far and counts only the draw shown. */
  function draw({ times = 0, restart = false } = {}) {
    const now = settings();
    const mask = () => masking.mask(now.passage.tokens, now.firstPieces, { ...now, row });
    let drawn = mask();
    if (restart) {
      tally = [maskCounts.count(drawn, now.firstPieces)];
    }
    for (let time = 0; time < times; time += 1) {
      row += 1;
      drawn = mask();
      tally.push(maskCounts.count(drawn, now.firstPieces));
    }
    shown = { passage: now.passage, drawn };
    if (answers.size) {
      answers = new Map();
      find(".mask-model-status").textContent = "";
    }
    showText(shown);
    maskCounts.show(place, words, { ...now, tally, draw: row + 1 });
  }

  /** Let the visitor's own text be one of the texts to choose from, and choose it. */
  function takeText(tokens) {
    passages.own = { lang: "en", tokens, word_starts: null };
    form.passage.querySelector("[value=own]").hidden = false;
    form.passage.value = "own";
    draw({ restart: true });
  }

  function takeAnswers(found) {
    answers = found;
    form.model.checked = false; // or there would be nothing to compare with
    showText(shown);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target === form.model || target === form.numbers) {
      showText(shown);
    } else if (target !== form.text) {
      draw({ restart: true });
    }
  });
  form.again.addEventListener("click", () => draw({ times: 1 }));
  form.hundred.addEventListener("click", () => draw({ times: 100 }));
  if (data.files.length) {
    connectMaskModel(place, data, { takeText, takeAnswers, whatIsShown: () => shown });
  }
  form.hidden = false;
  find(".mask-tally").hidden = false;
  draw({ restart: true });
})();
