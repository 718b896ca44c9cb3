/* What the forms of the site share: their data, their words, and new elements. */
"use strict";

const widgets = (() => {
  /** Return what the page says to the script of a form. */
  const readData = (root) => JSON.parse(root.querySelector("script[type='application/json']").textContent);

  /** Fill the gaps of a sentence, such as {draws}; a gap without a value stays. */
  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  return { readData, fill, element };
})();
