/* The chunking picture: texts as letters, cut as the form says. The rule itself is in chunking.js. */
"use strict";

(() => {
  const { fill, element } = widgets;
  const root = document.querySelector(".chunking");
  const find = (selector) => root.querySelector(selector);
  const form = find("form");
  const { lengths, groupSize, padding, words } = widgets.readData(root);
  const texts = Object.entries(lengths).map(([letter, length]) => Array(length).fill(letter));

  function chunkElement(chunk, kind) {
    const places = chunk.map((letter) => {
      const place = element("span", {}, letter);
      place.dataset.text = letter;
      return place;
    });
    return element("span", { className: `chunk ${kind}`.trim() }, ...places);
  }

  /** Say how many tokens of each text stand in a chunk, in their order. */
  function describe(chunk) {
    const parts = [...new Set(chunk)].map((letter) => {
      const number = chunk.filter((other) => other === letter).length;
      return fill(letter === padding ? words.part_padding : words.part, { number, letter });
    });
    return parts.join(words.comma);
  }

  function describeAll(stretches) {
    let number = 0;
    const sentences = stretches.flatMap(({ chunks, dropped }) => [
      ...chunks.map((chunk) => fill(words.chunk_said, { number: (number += 1), parts: describe(chunk) })),
      ...(dropped.length ? [fill(words.dropped_said, { parts: describe(dropped) })] : []),
    ]);
    return sentences.join(words.space);
  }

  function showPicture(stretches) {
    const rows = stretches.map(({ chunks, dropped }) => {
      const made = chunks.map((chunk) => chunkElement(chunk, chunking.isMixed(chunk, padding) ? "chunk-mixed" : ""));
      return element("div", {}, ...made, ...(dropped.length ? [chunkElement(dropped, "chunk-dropped")] : []));
    });
    find(".chunk-picture").replaceChildren(...rows);
    find(".chunk-picture").setAttribute("aria-label", describeAll(stretches));
  }

  function showCall({ chunkSize, boundary, tail }) {
    const call = [`chunk_size=${chunkSize}`, `boundary="${boundary}"`, `tail="${tail}"`];
    find(".chunk-call").querySelectorAll("span").forEach((part, at) => {
      part.textContent = call[at];
    });
  }

  function show() {
    const chunkSize = Number(form.size.value);
    const settings = { chunkSize, boundary: form.boundary.value, tail: form.tail.value, groupSize, padding };
    const stretches = chunking.cut(texts, settings);
    const counts = chunking.count(stretches, padding);
    showPicture(stretches);
    showCall(settings);
    for (const [name, number] of Object.entries(counts)) {
      find(`[data-count=${name}]`).textContent = number;
    }
    find("output").textContent = chunkSize;
    form.size.setAttribute("aria-valuetext", fill(words.size_said, { size: chunkSize }));
    return fill(words.said, { size: chunkSize, ...counts });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    find("[role=status]").textContent = show();
  });
  form.hidden = false;
  show();
})();
