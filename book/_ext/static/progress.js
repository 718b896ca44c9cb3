/* A chapter that was read to its end has a tick in the lists of chapters. Only this browser knows of it, and the landing
   page has a button that clears the ticks. */

document.addEventListener("DOMContentLoaded", () => {
  const KEY = "mlmtutor-read";
  const WORDS = {
    en: { read: " (read)", clear: "Clear the ticks", cleared: "The ticks are cleared." },
    zh: { read: "（已读）", clear: "清除已读标记", cleared: "已读标记已清除。" },
  };
  const wordsFor = (element) => WORDS[element.closest("[lang]").lang.slice(0, 2)];
  const chapterOf = (address) => address.match(/\/book\/(?:en|zh)\/(\d\d_\w+)\.html/)?.[1];
  const load = () => new Set(JSON.parse(localStorage.getItem(KEY)));
  let read;
  try {
    read = load();
  } catch {
    return; // this browser has no storage
  }

  function tick() {
    for (const link of document.querySelectorAll(".bd-docs-nav a, .chapters a")) {
      if (!read.has(chapterOf(link.href)) || link.classList.contains("chapter-read")) continue;
      link.classList.add("chapter-read");
      const said = Object.assign(document.createElement("span"), { className: "visually-hidden" });
      said.textContent = wordsFor(link).read;
      link.append(said);
    }
  }

  function untick() {
    localStorage.removeItem(KEY);
    read.clear();
    for (const said of document.querySelectorAll(".chapter-read .visually-hidden")) said.remove();
    for (const link of document.querySelectorAll(".chapter-read")) link.classList.remove("chapter-read");
  }

  function offerToClear(list) {
    const place = Object.assign(document.createElement("p"), { className: "chapters-clear" });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = wordsFor(list).clear;
    button.addEventListener("click", () => {
      untick();
      for (const other of document.querySelectorAll(".chapters-clear")) if (other !== place) other.remove();
      place.setAttribute("role", "status");
      place.textContent = wordsFor(place).cleared;
    });
    place.append(button);
    list.append(place);
  }

  tick();
  if (read.size) document.querySelectorAll(".chapters").forEach(offerToClear);

  const chapter = chapterOf(location.pathname);
  const end = document.querySelector(".prev-next-footer");
  if (!chapter || !end || read.has(chapter)) return;
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    observer.disconnect();
    read = load().add(chapter); // another tab may have written meanwhile
    localStorage.setItem(KEY, JSON.stringify([...read]));
    tick();
  }).observe(end);
});
