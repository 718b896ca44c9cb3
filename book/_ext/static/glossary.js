/* The meaning of a term appears when its link is pointed at, focused, or tapped; Escape closes it. A second tap, a click
   and Enter follow the link. Without JavaScript the meaning is the link's title. */

document.addEventListener("DOMContentLoaded", () => {
  const links = document.querySelectorAll("a.glossary-link");
  if (!links.length) return;
  const DELAY_MS = 200; // long enough for the pointer to cross from the link to the meaning
  const box = Object.assign(document.createElement("div"), { id: "glossary-meaning", hidden: true });
  box.setAttribute("role", "tooltip");
  document.querySelector("main").append(box);
  let shown = null; // the link whose meaning is shown
  let waiting = null;

  function show(link) {
    hide();
    shown = link;
    box.textContent = link.dataset.meaning;
    link.setAttribute("aria-describedby", box.id);
    box.hidden = false;
    const line = link.getClientRects()[0]; // a link may go over two lines
    const frame = box.offsetParent.getBoundingClientRect();
    const left = Math.min(line.left, document.documentElement.clientWidth - box.offsetWidth - 12);
    const below = line.bottom + box.offsetHeight + 6 < innerHeight;
    box.style.left = `${Math.max(12, left) - frame.left}px`;
    box.style.top = `${(below ? line.bottom + 4 : line.top - box.offsetHeight - 4) - frame.top}px`;
  }

  function hide() {
    clearTimeout(waiting);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
  }

  function soon(action) {
    clearTimeout(waiting);
    waiting = setTimeout(action, DELAY_MS);
  }

  for (const link of links) {
    let firstTap = false;
    link.dataset.meaning = link.title;
    link.removeAttribute("title");
    link.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && soon(() => show(link)));
    link.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && soon(hide));
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
    link.addEventListener("blur", hide);
    link.addEventListener("pointerdown", ({ pointerType }) => {
      firstTap = pointerType !== "mouse" && shown !== link;
    });
    link.addEventListener("click", (event) => {
      if (!firstTap) return;
      event.preventDefault();
      firstTap = false;
      show(link);
    });
  }
  box.addEventListener("pointerenter", () => clearTimeout(waiting));
  box.addEventListener("pointerleave", () => soon(hide));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  document.addEventListener("pointerdown", ({ target }) => target !== box && target !== shown && hide());
});
