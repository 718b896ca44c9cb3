/* The whole model, to read: the encoder of BERT, the masked-LM head and low-rank patches, on plain typed arrays.

   Tensors come from safetensors files that `model_files.py` writes. A matrix is int8 with one scale per row; it is
   never unpacked, since y = scale * (w · x). What the model computes, such as `x`, has a row per token, in Float64Array,
   from which the processor multiplies without a conversion. */

import { multiply } from "./multiply.js";

const HEADS = 12; // of attention; every other size follows from the tensors
const EPSILON = 1e-12;
const EMBEDDINGS = "bert.embeddings.word_embeddings.weight";

/** Read a safetensors file: the length of a header, the header in JSON, then the numbers. */
export function readTensors(buffer, begin = 0) {
  const start = begin + 8 + Number(new DataView(buffer, begin).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, begin + 8, start - begin - 8)));
  const types = { I8: Int8Array, U8: Uint8Array, F32: Float32Array };
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    const type = types[dtype];
    const values = new type(buffer, start + from, (to - from) / type.BYTES_PER_ELEMENT);
    tensors[name] = shape.length === 2 ? { values, rows: shape[0], columns: shape[1] } : values;
  }
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.rows) tensor.scale = tensors[`${name}.scale`];
  }
  return tensors;
}

const add = (x, y) => x.map((value, at) => value + y[at % y.length]);

/** Return some rows of `x`, copied. */
function pickRows(x, places, width) {
  const rows = new Float64Array(places.length * width);
  places.forEach((place, at) => rows.set(x.subarray(place * width, (place + 1) * width), at * width));
  return rows;
}

/** Add a row of a matrix, times a factor, to `target`. */
function addRow(target, { values, scale, columns }, row, factor = 1) {
  for (let k = 0; k < columns; k += 1) target[k] += factor * scale[row] * values[row * columns + k];
}

/** The error function by formula 7.1.26 of Abramowitz and Stegun, within 2e-7. */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const gelu = (x) => x.map((value) => 0.5 * value * (1 + erf(value * Math.SQRT1_2)));

export function softmax(scores) {
  const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const weights = scores.map((score) => Math.exp(score - highest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** A masked language model: tensors by name, and a patch, whose vectors replace theirs and whose products are added. */
export class Model {
  constructor(tensors, patch = {}, times = multiply) {
    this.tensors = tensors;
    this.patch = patch;
    this.multiply = times;
  }

  vector(name) {
    return this.patch[name] ?? this.tensors[name];
  }

  /** Return W x + bias for every row of `x`; a patch adds up (down x), never computing up · down. */
  linear(x, weight, bias) {
    const { [`${weight}.up`]: up, [`${weight}.down`]: down } = this.patch;
    const y = this.multiply(x, this.tensors[weight]);
    return add(up ? add(y, this.multiply(this.multiply(x, down), up)) : y, this.vector(bias));
  }

  dense(x, layer) {
    return this.linear(x, `${layer}.weight`, `${layer}.bias`);
  }

  /** Bring every row to mean 0 and variance 1, then scale and shift it. */
  norm(x, layer) {
    const [weight, bias] = [this.vector(`${layer}.weight`), this.vector(`${layer}.bias`)];
    const size = weight.length;
    for (let from = 0; from < x.length; from += size) {
      const row = x.subarray(from, from + size);
      const mean = row.reduce((sum, value) => sum + value, 0) / size;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      const factor = 1 / Math.sqrt(variance + EPSILON);
      for (let k = 0; k < size; k += 1) row[k] = (row[k] - mean) * factor * weight[k] + bias[k];
    }
    return x;
  }

  /** Look up the vector of each token and of its place. */
  embed(ids) {
    const words = this.tensors[EMBEDDINGS];
    const { [`${EMBEDDINGS}.up`]: up, [`${EMBEDDINGS}.down`]: down } = this.patch;
    const x = new Float64Array(ids.length * words.columns);
    ids.forEach((id, place) => {
      const row = x.subarray(place * words.columns, (place + 1) * words.columns);
      addRow(row, words, id);
      addRow(row, this.tensors["bert.embeddings.position_embeddings.weight"], place);
      for (let k = 0; k < (up?.columns ?? 0); k += 1) addRow(row, down, k, up.scale[id] * up.values[id * up.columns + k]);
    });
    return this.norm(x, "bert.embeddings.LayerNorm");
  }

  /** Let each row of `asking` take from all rows of `x` what it attends to, once per head. */
  attend(asking, x, layer) {
    const query = this.dense(asking, `${layer}.self.query`);
    const [key, value] = ["key", "value"].map((name) => this.dense(x, `${layer}.self.${name}`));
    const width = this.vector(`${layer}.self.query.bias`).length;
    const [numAsking, numTokens, size] = [query.length / width, key.length / width, width / HEADS];
    const mixed = new Float64Array(query.length);
    for (let head = 0; head < width; head += size) {
      for (let i = 0; i < numAsking; i += 1) {
        const scores = new Float64Array(numTokens);
        for (let j = 0; j < numTokens; j += 1) {
          for (let k = head; k < head + size; k += 1) scores[j] += query[i * width + k] * key[j * width + k];
          scores[j] /= Math.sqrt(size);
        }
        softmax(scores).forEach((share, j) => {
          for (let k = head; k < head + size; k += 1) mixed[i * width + k] += share * value[j * width + k];
        });
      }
    }
    return this.dense(mixed, `${layer}.output.dense`);
  }

  /** Return the last layer's vectors at some places; that layer computes no others, since no layer asks for them. */
  encode(ids, places) {
    let x = this.embed(ids);
    const nameLayer = (number) => `bert.encoder.layer.${number}`;
    const isThere = (number) => `${nameLayer(number)}.output.dense.weight` in this.tensors;
    for (let number = 0; isThere(number); number += 1) {
      const layer = nameLayer(number);
      const asking = isThere(number + 1) ? x : pickRows(x, places, x.length / ids.length);
      x = this.norm(add(asking, this.attend(asking, x, `${layer}.attention`)), `${layer}.attention.output.LayerNorm`);
      const inner = gelu(this.dense(x, `${layer}.intermediate.dense`));
      x = this.norm(add(x, this.dense(inner, `${layer}.output.dense`)), `${layer}.output.LayerNorm`);
    }
    return x;
  }

  /** Return the probabilities of the whole vocabulary at each of some places. */
  predict(ids, places) {
    const head = "cls.predictions";
    const hidden = this.encode(ids, places);
    const x = this.norm(gelu(this.dense(hidden, `${head}.transform.dense`)), `${head}.transform.LayerNorm`);
    const scores = this.linear(x, EMBEDDINGS, `${head}.bias`);
    return places.map((_, at) => softmax(pickRows(scores, [at], scores.length / places.length)));
  }
}
