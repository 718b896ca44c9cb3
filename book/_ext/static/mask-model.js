/* The model in the mask playground: it cuts a visitor's text into tokens, and predicts where tokens are masked. */
"use strict";

/**
 * Let the buttons of a playground ask the model.
 * `takeText` is given the tokens of the visitor's text. `whatIsShown` returns the passage and the draw that stand on the
 * page; `takeAnswers` is given what was shown, and for each masked position the first candidates before and after.
 */
const connectMaskModel = (() => {
  const { fill } = widgets;
  const MAX_WORDS = 60;

  return (place, { files, words, problems }, { takeText, whatIsShown, takeAnswers }) => {
    const find = (selector) => place.querySelector(selector);
    const form = find("form");
    const status = find(".mask-model-status");
    const complain = ({ message, values }) => {
      status.textContent = fill(problems[message] ?? problems.unreachable, values ?? {});
    };

    /** Return the answer of the model, which comes with its script when first asked; without one, say why. */
    async function ask(task) {
      try {
        const { ask } = await import("./model-client.js");
        const answer = await ask(task, { files, bar: find(".mask-progress"), status, words });
        form.ask.textContent = words.ask;
        form.cut.textContent = words.cut;
        return answer;
      } catch (problem) {
        complain(problem);
        return null;
      }
    }

    async function findProblem(text) {
      if (!text.trim()) return { message: "empty_text" };
      const found = text.trim().split(/\s+/).length;
      if (found > MAX_WORDS) return { message: "too_many_words", values: { found, limit: MAX_WORDS } };
      const { findProblem } = await import("./model-client.js");
      return { message: findProblem(text) };
    }

    async function cutText() {
      const text = form.text.value;
      const problem = await findProblem(text).catch((error) => error);
      form.text.setAttribute("aria-invalid", String(Boolean(problem.message)));
      if (problem.message) return complain(problem);
      const answer = await ask({ task: "cut", text });
      if (!answer) return;
      takeText(answer.tokens);
      const sentences = [fill(words.own_tokens, { tokens: answer.tokens.length })];
      if (answer.unknown.length) sentences.push(fill(words.unknown, { words: answer.unknown.join(words.comma) }));
      status.textContent = sentences.join(words.space);
    }

    async function predict() {
      const shown = whatIsShown();
      const { passage, drawn } = shown;
      const places = [...drawn.keys()].filter((position) => drawn[position].kind !== "none");
      if (passage.lang !== "en") return complain({ message: "english_text" });
      if (!places.length) return complain({ message: "nothing_masked" });
      const answer = await ask({ task: "predict", tokens: drawn.map((token) => token.shown), places });
      if (!answer || shown !== whatIsShown()) return;
      const right = { before: 0, after: 0 };
      const answers = new Map();
      answer.masks.forEach((mask, at) => {
        const truth = passage.tokens[places[at]];
        const sides = ["before", "after"].map((side) => ({ side, token: mask[side][0].token, isRight: mask[side][0].token === truth }));
        sides.forEach(({ side, isRight }) => (right[side] += isRight));
        answers.set(places[at], sides);
      });
      takeAnswers(answers);
      status.textContent = fill(words.answered, { all: places.length, ...right });
    }

    form.cut.addEventListener("click", cutText);
    form.ask.addEventListener("click", predict);
  };
})();
