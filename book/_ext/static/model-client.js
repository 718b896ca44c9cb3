/* The way from a form to the model: one worker for the page, which is started, and fetches the model, when first asked. */

const OTHER_SCRIPT = /[^\P{L}\p{Script=Latin}\p{Script=Common}]/u;

let worker = null;
let number = 0; // of the last question

/** Whether the model has answered on this page, so that nothing more is to be fetched. */
export let isLoaded = false;

/** Something that went wrong, by its name among the `problems` of `try_it.yml`. */
class Problem extends Error {
  constructor(name, values = {}) {
    super(name);
    this.values = values;
  }
}

/** Name what is wrong with a text before anything is fetched for it. */
export function findProblem(text) {
  if (!text.trim()) return "empty";
  return OTHER_SCRIPT.test(text) ? "english_only" : null;
}

/**
 * Return the answer to a task of the worker, such as { task: "fill", text }, or throw a problem.
 * Meanwhile `status` says, and `bar` shows, how much of the model has come. The answer to an earlier task is dropped.
 */
export function ask(task, { files, bar, status, words }) {
  const inMegabytes = (bytes) => (bytes / 1e6).toFixed(0);
  const addresses = files.map((file) => ({ ...file, url: new URL(file.url, document.baseURI).href }));
  const id = (number += 1);
  if (isLoaded) status.textContent = words.running;
  return new Promise((resolve, reject) => {
    worker ??= new Worker(new URL("fill-mask-worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      const { fetched, total, answer, problem, values } = data;
      if (!total && data.id !== id) return;
      bar.hidden = !total || fetched === total;
      if (answer) {
        isLoaded = true;
        resolve(answer);
      } else if (problem) {
        reject(new Problem(problem, values));
      } else if (fetched < total) {
        bar.value = fetched / total;
        status.textContent = widgets.fill(words.fetching, { done: inMegabytes(fetched), total: inMegabytes(total) });
      } else {
        status.textContent = words.running;
      }
    };
    worker.onerror = () => {
      worker = null; // its script did not come
      bar.hidden = true;
      reject(new Problem("unreachable"));
    };
    worker.postMessage({ ...task, id, files: addresses });
  });
}
