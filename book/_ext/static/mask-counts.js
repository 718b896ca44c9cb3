/* What the mask playground counts: a sentence, a table beside the expected shares, and a chart of all draws. */
"use strict";

const maskCounts = (() => {
  const { element, fill } = widgets;
  const SPREAD = 4; // standard deviations on each side of the expected number, where nearly all draws lie
  const asked = (share) => `${Math.round(100 * share)}\u00a0%`;
  const counted = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

  /** Count what one draw masked, by kind, and its words. */
  function count(drawn, firstPieces) {
    const counts = { masked: 0, mask: 0, random: 0, kept: 0 };
    for (const { kind } of drawn.filter(({ kind }) => kind !== "none")) {
      counts.masked += 1;
      counts[kind] += 1;
    }
    counts.words = new Set(firstPieces.filter((first, position) => drawn[position].kind !== "none")).size;
    return counts;
  }

  /** Return the least and the greatest number of masked tokens that the chart has room for. */
  function findRange(firstPieces, rate, found) {
    const sizes = new Map(); // tokens of each unit, which are masked together
    for (const first of firstPieces.filter((first) => first >= 0)) {
      sizes.set(first, (sizes.get(first) ?? 0) + 1);
    }
    const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const squares = [...sizes.values()].reduce((sum, size) => sum + size ** 2, 0);
    const reach = SPREAD * Math.sqrt(rate * (1 - rate) * squares) + 1;
    const least = Math.max(0, Math.floor(all * rate - reach));
    const most = Math.min(all, Math.ceil(all * rate + reach));
    return [Math.min(least, ...found), Math.max(most, ...found)];
  }

  /** Show the draws since the last change of the settings, `tally`, in the place of the playground. */
  function show(place, words, { tally, draw, firstPieces, unit, rate, maskShare, randomShare }) {
    const find = (selector) => place.querySelector(selector);
    const now = tally.at(-1);
    const sum = (name) => tally.reduce((total, counts) => total + counts[name], 0);
    const all = firstPieces.filter((first) => first >= 0).length;
    const values = {
      draw,
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
    find("[name=rate]").setAttribute("aria-valuetext", values.rate);
    find("[data-column=all_draws]").textContent = fill(words.all_draws, values);

    const shares = { masked: rate, mask: maskShare, random: randomShare, kept: 1 - maskShare - randomShare };
    for (const [name, share] of Object.entries(shares)) {
      const cells = find(`[data-row=${name}]`).querySelectorAll("td");
      showShare(cells[0], now[name], name === "masked" ? all : now.masked);
      showShare(cells[1], sum(name), name === "masked" ? all * tally.length : sum("masked"));
      cells[2].textContent = asked(share);
    }
    const found = tally.map(({ masked }) => masked);
    const text = fill(words.spread_text, { ...values, least: Math.min(...found), most: Math.max(...found) });
    showSpread(find("figure"), found, { expected: all * rate, range: findRange(firstPieces, rate, found), text });
  }

  function showShare(cell, number, base) {
    const share = element("small", {}, base ? counted(number / base) : "");
    cell.replaceChildren(number.toLocaleString("en"), " ", share);
  }

  /** Show how many draws masked each number of tokens, one bar per number, and the expected number as a line. */
  function showSpread(figure, found, { expected, range: [least, most], text }) {
    const draws = Array(most - least + 1).fill(0);
    for (const masked of found) {
      draws[masked - least] += 1;
    }
    const highest = Math.max(...draws);
    const bars = draws.map((number, at) => {
      const bar = element("span", { className: at + least === found.at(-1) ? "mask-now" : "" });
      bar.style.height = `${(100 * number) / highest}%`;
      return bar;
    });
    const line = element("i", {});
    line.style.insetInlineStart = `${(100 * (expected - least + 0.5)) / draws.length}%`;
    const chart = figure.querySelector(".mask-bars");
    chart.replaceChildren(...bars, line);
    chart.setAttribute("aria-label", text);
    const axis = figure.querySelector(".mask-axis");
    axis.firstElementChild.textContent = least;
    axis.lastElementChild.textContent = most;
  }

  return { count, show };
})();
