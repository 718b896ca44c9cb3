/* The language link leads to the section that is being read, and the choice of a language is remembered.
   Without JavaScript the link leads to the same page. */

const courseLanguage = {
  key: "mlmtutor-language",

  /** Return the language chosen last, else the first one that the browser asks for, else null; only if offered. */
  preferred(offered) {
    let chosen = null;
    try {
      chosen = localStorage.getItem(this.key);
    } catch {} // this browser has no storage, so nothing was chosen
    if (offered.includes(chosen)) return chosen;
    const wanted = navigator.languages.map((language) => language.slice(0, 2));
    return wanted.find((language) => offered.includes(language)) ?? null;
  },

  remember(language) {
    try {
      localStorage.setItem(this.key, language);
    } catch {}
  },

  /** Put the part in the preferred language before the others. */
  putFirst(parts) {
    const languageOf = (part) => part.lang.slice(0, 2);
    const preferred = this.preferred(parts.map(languageOf));
    const first = parts.find((part) => languageOf(part) === preferred);
    first?.parentElement.prepend(first);
  },
};

/** Let a Chinese heading break between words; browsers themselves break between any two characters. */
function breakBetweenWords(heading) {
  const segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  const walker = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const pieces = [];
    for (const { segment, isWordLike } of segmenter.segment(text.data)) {
      // a mark stays with the word before it, or with the one behind it where it opens
      if (pieces.length && (!isWordLike || /[“（《\s]$/.test(pieces.at(-1)))) pieces.push(pieces.pop() + segment);
      else pieces.push(segment);
    }
    text.replaceWith(...pieces.flatMap((piece, number) => (number ? [document.createElement("wbr"), piece] : [piece])));
  }
  heading.style.wordBreak = "keep-all";
}

document.addEventListener("DOMContentLoaded", () => {
  if (Intl.Segmenter) document.querySelectorAll("article :is(h1, h2, h3):lang(zh)").forEach(breakBetweenWords);

  for (const box of document.querySelectorAll(".languages")) courseLanguage.putFirst([...box.children]);

  for (const link of document.querySelectorAll("a.language-link, .languages a")) {
    const language = link.hreflang || link.closest("[lang]").lang;
    link.addEventListener("click", () => courseLanguage.remember(language.slice(0, 2)));
  }

  // anchors that are the same in both languages: numbered sections, terms of the glossary, objects of the package
  const places = [...document.querySelectorAll("main span[id], main dt[id]")].filter(
    (place) => place.tagName === "DT" || /^s\d+$/.test(place.id),
  );
  for (const link of document.querySelectorAll("a.language-link")) {
    const address = link.href;
    const aim = () => {
      // the place being read: the first that begins in the upper third of the window, or the last above it
      const top = (place) => place.getBoundingClientRect().top;
      const begins = places.find((place) => top(place) > -5 && top(place) < innerHeight / 3);
      const place = scrollY > 0 && (begins ?? places.findLast((place) => top(place) < 0));
      link.href = address + location.search + (place ? `#${place.id}` : "");
    };
    for (const event of ["pointerdown", "pointerenter", "focus", "click"]) link.addEventListener(event, aim);
  }
});
