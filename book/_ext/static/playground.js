/* The mask playground: a form, a text, and counts beside the expected ones. The draw itself is in masking.js. */
"use strict";

(() => {
  const place = document.querySelector(".mask-playground");
  const find = (selector) => place.querySelector(selector);
  const form = find("form");
  const { passages, special: specialTokens, ordinary, words } = JSON.parse(find("script").textContent);
  const special = new Set(specialTokens);

  let row = 0; // the draw shown
  let tally = []; // what each draw since the last change of the settings masked

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const asked = (share) => `${Math.round(100 * share)}\u00a0%`;
  const counted = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function settings() {
    const passage = passages[form.passage.value];
    const unit = form.unit.value;
    const firstPieces = masking.unitStarts(passage, special, unit);
    const [maskShare, randomShare] = form.eighty.checked ? [0.8, 0.1] : [1, 0];
    return { passage, unit, firstPieces, rate: form.rate.value / 100, maskShare, randomShare, ordinary };
  }

  function count(drawn, firstPieces) {
    const counts = { masked: 0, mask: 0, random: 0, kept: 0 };
    for (const { kind } of drawn.filter(({ kind }) => kind !== "none")) {
      counts.masked += 1;
      counts[kind] += 1;
    }
    counts.words = new Set(firstPieces.filter((first, position) => drawn[position].kind !== "none")).size;
    return counts;
  }

  /** One token as the model sees it; above it the truth where it is masked, below it its random number if asked for. */
  function tokenElement(token, { shown, kind, number }) {
    if (form.model.checked) {
      return element("span", { className: special.has(token) ? "mask-special" : "" }, shown);
    }
    const below = form.numbers.checked && number !== undefined ? [element("small", {}, number.toFixed(2))] : [];
    if (kind === "none") {
      return element("span", { className: special.has(token) ? "mask-special" : "mask-none" }, shown, ...below);
    }
    const seen = element("span", { className: `mask-token mask-${kind}` }, shown);
    const ruby = element("ruby", { title: words[kind] }, seen, element("rp", {}, "{"), element("rt", {}, token), element("rp", {}, "}"));
    ruby.setAttribute("role", "img");
    ruby.setAttribute("aria-label", fill(words[`${kind}_said`], { shown, token }));
    return element("span", { className: "mask-none" }, ruby, ...below);
  }

  /** Show the text, with a bar between the pieces of a word. */
  function showText(drawn, passage) {
    const firstPieces = masking.findFirstPieces(passage, special);
    const text = element("p", {});
    let word = null;
    passage.tokens.forEach((token, position) => {
      const piece = tokenElement(token, drawn[position]);
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

  function showCounts({ firstPieces, unit, rate, maskShare, randomShare }) {
    const now = tally.at(-1);
    const sum = (name) => tally.reduce((total, counts) => total + counts[name], 0);
    const all = firstPieces.filter((first) => first >= 0).length;
    const values = {
      draw: row + 1,
      draws: tally.length.toLocaleString("en"),
      masked: now.masked,
      all,
      expected: (all * rate).toFixed(1),
      words: now.words,
      all_words: new Set(firstPieces.filter((first) => first >= 0)).size,
      share: counted(sum("masked") / (all * tally.length)),
      rate: asked(rate),
    };
    const sentences = [words[unit === "word" ? "words_masked" : "tokens_masked"]];
    if (tally.length > 1) {
      sentences.push(words.together);
    }
    find(".mask-status").textContent = fill(sentences.join(""), values);
    find(".mask-rate").textContent = values.rate;
    form.rate.setAttribute("aria-valuetext", values.rate);
    find("[data-column=all_draws]").textContent = fill(words.all_draws, values);

    const shares = { masked: rate, mask: maskShare, random: randomShare, kept: 1 - maskShare - randomShare };
    for (const [name, share] of Object.entries(shares)) {
      const cells = find(`[data-row=${name}]`).querySelectorAll("td");
      showShare(cells[0], now[name], name === "masked" ? all : now.masked);
      showShare(cells[1], sum(name), name === "masked" ? all * tally.length : sum("masked"));
      cells[2].textContent = asked(share);
    }
    showSpread(all, values);
  }

  function showShare(cell, number, base) {
    const share = element("small", {}, base ? counted(number / base) : "");
    cell.replaceChildren(number.toLocaleString("en"), " ", share);
  }

  /** Show how many draws masked each number of tokens, one bar per number, and the expected number as a line. */
  function showSpread(all, values) {
    const draws = Array(all + 1).fill(0);
    for (const { masked } of tally) {
      draws[masked] += 1;
    }
    const highest = Math.max(...draws);
    const bars = draws.map((number, masked) => {
      const bar = element("span", { className: masked === Number(values.masked) ? "mask-now" : "" });
      bar.style.height = `${(100 * number) / highest}%`;
      return bar;
    });
    const line = element("i", {});
    line.style.insetInlineStart = `${(100 * (Number(values.expected) + 0.5)) / (all + 1)}%`;
    const found = tally.map(({ masked }) => masked);
    const chart = find(".mask-bars");
    chart.replaceChildren(...bars, line);
    const extremes = { least: Math.min(...found), most: Math.max(...found) };
    chart.setAttribute("aria-label", fill(words.spread_text, { ...values, ...extremes }));
    find(".mask-axis").lastElementChild.textContent = all;
  }

  /** Draw `times` times and add to the counts; `restart` drops the counts so far and counts only the draw shown. */
  function draw({ times = 0, restart = false } = {}) {
    const now = settings();
    const mask = () => masking.mask(now.passage.tokens, now.firstPieces, { ...now, row });
    let drawn = mask();
    if (restart) {
      tally = [count(drawn, now.firstPieces)];
    }
    for (let time = 0; time < times; time += 1) {
      row += 1;
      drawn = mask();
      tally.push(count(drawn, now.firstPieces));
    }
    showText(drawn, now.passage);
    showCounts(now);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => draw({ restart: target !== form.model && target !== form.numbers }));
  form.again.addEventListener("click", () => draw({ times: 1 }));
  form.hundred.addEventListener("click", () => draw({ times: 100 }));
  form.hidden = false;
  find(".mask-tally").hidden = false;
  draw({ restart: true });
})();
