/* Runs the model beside the page, which stays alive: fetches the weights once, checks them, and answers sentences. */

import { Model, readTensors } from "./fill-mask.js";
import { makeFastMultiply } from "./multiply.js";
import { Tokenizer } from "./wordpiece.js";

const MAX_TOKENS = 128; // the model could read 512, in several seconds
const TOP_K = 5;
const ALIGNED = 8; // bytes

/** Something that the page says in its own language, by a name in `try_it.yml`. */
class Problem extends Error {
  constructor(name, values = {}) {
    super(name);
    this.values = values;
  }
}

let loading = null;

/** Open what the browser keeps for this site; null where it keeps nothing, as on a page that is not secure. */
const openKept = () => self.caches?.open("mlmtutor-model").catch(() => null) ?? null;

/** Fetch a file to where `content` lies, check its length and its hash, and keep it: its name holds a hash. */
async function download({ url, bytes, sha256 }, content, report) {
  const kept = await openKept();
  const found = await kept?.match(url);
  const response = found ?? (await fetch(url, { cache: kept ? "no-store" : "default" }).catch(() => null));
  if (!response?.ok) throw new Problem("unreachable");
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    // a connection that breaks off counts as an end
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) break;
    if (length + value.length > bytes) throw new Problem("damaged");
    content.set(value, length);
    length += value.length;
    report(value.length);
  }
  if (length < bytes) throw new Problem("damaged");
  // only a secure page can hash: https, or this machine itself
  const hash = await self.crypto.subtle?.digest("SHA-256", content);
  const hex = hash && Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex && hex !== sha256) throw new Problem("damaged");
  if (!found) await kept?.put(url, new Response(content.slice())).catch(() => null); // there may be no room
  return readTensors(content.buffer, content.byteOffset);
}

/** Fetch both files; a damaged one is not asked of the cache again. */
async function load(files) {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let fetched = 0;
  let failed = false; // then what still arrives of the other file is of no interest
  const report = (bytes) => failed || postMessage({ fetched: (fetched += bytes), total });
  try {
    const { buffer, start, multiply } = makeFastMultiply(total + files.length * ALIGNED);
    let end = start;
    const places = files.map(({ bytes }) => {
      const content = new Uint8Array(buffer, end, bytes);
      end = Math.ceil((end + bytes) / ALIGNED) * ALIGNED;
      return content;
    });
    const [base, patch] = await Promise.all(files.map((file, at) => download(file, places[at], report)));
    const kept = await openKept();
    const old = ((await kept?.keys()) ?? []).filter(({ url }) => !files.some((file) => file.url === url));
    old.forEach((request) => kept.delete(request));
    const tokenizer = new Tokenizer(new TextDecoder().decode(base.vocabulary).split("\n"));
    return { tokenizer, models: [new Model(base, {}, multiply), new Model(base, patch, multiply)] };
  } catch (problem) {
    failed = true;
    loading = null;
    throw problem;
  }
}

/** Return the first candidates, each with its rank in the other probabilities. */
function rank(probabilities, others, tokens) {
  const best = [];
  probabilities.forEach((probability, id) => {
    if (best.length === TOP_K && probability <= probabilities[best[TOP_K - 1]]) return;
    const place = best.findIndex((other) => probabilities[other] < probability);
    best.splice(place < 0 ? best.length : place, 0, id);
    best.length = Math.min(best.length, TOP_K);
  });
  return best.map((id) => ({
    token: tokens[id],
    probability: probabilities[id],
    otherRank: others.reduce((place, probability) => place + (probability > others[id]), 1),
  }));
}

function predict(ids, places, { tokenizer, models }) {
  if (ids.length > MAX_TOKENS) throw new Problem("too_long", { found: ids.length, limit: MAX_TOKENS });
  const [before, after] = models.map((model) => model.predict(ids, places));
  return places.map((_, at) => ({
    before: rank(before[at], after[at], tokenizer.tokens),
    after: rank(after[at], before[at], tokenizer.tokens),
  }));
}

/** What a page can ask for. */
const TASKS = {
  /** The candidates at each [MASK] of a sentence. */
  fill({ text }, loaded) {
    const start = performance.now();
    const { ids, unknown } = loaded.tokenizer.encode(text);
    const places = [...ids.keys()].filter((place) => ids[place] === loaded.tokenizer.maskId);
    const masks = predict(ids, places, loaded);
    return { masks, unknown, tokens: ids.length, seconds: (performance.now() - start) / 1000 };
  },

  /** The tokens of a text, in which [MASK] is read like any other word, as by mlmtutor.chunk_texts. */
  cut({ text }, { tokenizer }) {
    const { ids, unknown } = tokenizer.encode(text, { readsSpecial: false });
    if (ids.length > MAX_TOKENS) throw new Problem("too_long", { found: ids.length, limit: MAX_TOKENS });
    return { tokens: ids.map((id) => tokenizer.tokens[id]), unknown };
  },

  /** The candidates at some places of a row of tokens. */
  predict({ tokens, places }, loaded) {
    return { masks: predict(tokens.map((token) => loaded.tokenizer.ids.get(token)), places, loaded) };
  },
};

onmessage = async ({ data }) => {
  const { id, task, files } = data;
  try {
    const loaded = await (loading ??= load(files));
    postMessage({ id, answer: TASKS[task](data, loaded) });
  } catch (error) {
    const { message, values } = error instanceof Problem ? error : { message: "failed", values: {} };
    postMessage({ id, problem: message, values });
  }
};
