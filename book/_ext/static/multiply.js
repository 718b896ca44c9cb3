/* Multiplication by int8 matrices: once to read, and once in WebAssembly, which computes four numbers at a time.

   Both compute scale * (w · x) for each row w of the matrix and each row x of the input, and both return Float64Array. */

/** Multiply in plain JavaScript. Two tokens meet four rows of the matrix at a time: eight sums stay in registers. */
export function multiply(x, { values, scale, rows, columns }) {
  const numTokens = x.length / columns;
  const y = new Float64Array(numTokens * rows);
  for (let row = 0; row < rows; row += 4) {
    // behind the last one, of rows as of tokens, the last one is computed again, which changes nothing
    const next = Math.min(row + 1, rows - 1), third = Math.min(row + 2, rows - 1), fourth = Math.min(row + 3, rows - 1);
    const w0 = row * columns, w1 = next * columns, w2 = third * columns, w3 = fourth * columns;
    for (let token = 0; token < numTokens; token += 2) {
      const other = Math.min(token + 1, numTokens - 1);
      const x0 = token * columns, x1 = other * columns;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let k = 0; k < columns; k += 1) {
        const a = x[x0 + k], b = x[x1 + k];
        const v0 = values[w0 + k], v1 = values[w1 + k], v2 = values[w2 + k], v3 = values[w3 + k];
        a0 += v0 * a; a1 += v1 * a; a2 += v2 * a; a3 += v3 * a;
        b0 += v0 * b; b1 += v1 * b; b2 += v2 * b; b3 += v3 * b;
      }
      const ya = token * rows, yb = other * rows;
      y[ya + row] = a0 * scale[row]; y[yb + row] = b0 * scale[row];
      y[ya + next] = a1 * scale[next]; y[yb + next] = b1 * scale[next];
      y[ya + third] = a2 * scale[third]; y[yb + third] = b2 * scale[third];
      y[ya + fourth] = a3 * scale[fourth]; y[yb + fourth] = b3 * scale[fourth];
    }
  }
  return y;
}

// the memory of the WebAssembly module: the input, the output, one row of the matrix in floats, then the weights
const [INPUT, OUTPUT, ROW, WEIGHTS] = [0, 1 << 20, 2 << 20, (2 << 20) + (1 << 16)];

/** Return memory for some bytes of weights, where they begin, and a function for matrices that lie there. */
export function makeFastMultiply(numBytes) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((WEIGHTS + numBytes) / (1 << 16)) });
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { js: { memory } }).exports;
  const input = new Float32Array(memory.buffer, INPUT, (OUTPUT - INPUT) / 4);
  const output = new Float32Array(memory.buffer, OUTPUT, (ROW - OUTPUT) / 4);

  function multiply(x, { values, scale, rows, columns }) {
    const numTokens = x.length / columns;
    const y = new Float64Array(numTokens * rows);
    // as many tokens as there is memory for, in fours
    const size = Math.floor(Math.min(input.length / columns, output.length / rows) / 4) * 4;
    for (let from = 0; from < numTokens; from += size) {
      const count = Math.min(size, numTokens - from);
      const padded = Math.ceil(count / 4) * 4;
      input.fill(0, count * columns, padded * columns);
      input.set(x.subarray(from * columns, (from + count) * columns));
      run(values.byteOffset, scale.byteOffset, padded, rows, columns);
      y.set(output.subarray(0, count * rows), from * rows);
    }
    return y;
  }

  return { buffer: memory.buffer, start: WEIGHTS, multiply };
}

/** Assemble the module: one function `run(values, scale, tokens, rows, columns)`, whose numbers are places in memory. */
function assemble() {
  const number = (value) => {
    const bytes = []; // LEB128: seven bits a byte, the last with its sign
    for (;;) {
      const bits = value & 127;
      value >>= 7;
      if ((value === 0 && !(bits & 64)) || (value === -1 && bits & 64)) return [...bytes, bits];
      bytes.push(bits | 128);
    }
  };
  const sized = (bytes) => [...unsigned(bytes.length), ...bytes];
  const unsigned = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)]);
  const section = (id, bytes) => [id, ...sized(bytes)];
  const name = (text) => sized([...new TextEncoder().encode(text)]);

  const [values, scale, tokens, rows, columns, row, token, k, x, y] = Array(10).keys(); // i32, five of them arguments
  const sums = [10, 11, 12, 13]; // f32x4
  const weight = 14;
  const get = (local) => [0x20, local];
  const set = (local) => [0x21, local];
  const int = (value) => [0x41, ...number(value)];
  const [add, times, less] = [[0x6a], [0x6c], [0x48]];
  const four = (code, ...rest) => [0xfd, ...unsigned(code), ...rest]; // an instruction on four numbers, or eight
  const at = (offset) => [0, ...unsigned(offset)];
  const load = (offset) => four(0, ...at(offset));
  const store = (offset) => four(11, ...at(offset));
  /** Repeat for local = 0, step, ... while it is below the end. */
  const repeat = (local, end, step, body) => [
    ...int(0), ...set(local), 0x03, 0x40, ...body,
    ...get(local), ...int(step), ...add, ...set(local), ...get(local), ...get(end), ...less, 0x0d, 0, 0x0b,
  ];
  const bytesOf = (local) => [...get(local), ...int(4), ...times];

  // eight int8 become eight floats
  const unpack = repeat(k, columns, 8, [
    ...get(values), ...get(k), ...add, ...four(1, ...at(0)), ...set(weight),
    ...bytesOf(k), ...get(weight), ...four(0xa7), ...four(0xfa), ...store(ROW),
    ...bytesOf(k), ...get(weight), ...four(0xa8), ...four(0xfa), ...store(ROW + 16),
  ]);
  // x: where the token's numbers are; each of four tokens has a sum of its own
  const next = [...get(x), ...bytesOf(columns), ...add, ...set(x)];
  const accumulate = repeat(k, columns, 4, [
    ...bytesOf(k), ...load(ROW), ...set(weight),
    ...get(token), ...get(columns), ...times, ...get(k), ...add, ...int(4), ...times, ...set(x),
    ...sums.flatMap((sum) => [...get(sum), ...get(weight), ...get(x), ...load(INPUT), ...four(0xe6), ...four(0xe4), ...set(sum), ...next]),
  ]);
  const lane = (sum, number) => [...get(sum), ...four(0x1f, number)];
  const finish = (sum, number) => [
    ...get(token), ...int(number), ...add, ...get(rows), ...times, ...get(row), ...add, ...int(4), ...times, ...set(y),
    ...get(y), ...lane(sum, 0), ...lane(sum, 1), 0x92, ...lane(sum, 2), 0x92, ...lane(sum, 3), 0x92,
    ...get(scale), 0x2a, ...at(0), 0x94, 0x38, ...at(OUTPUT),
  ];
  const zero = sums.flatMap((sum) => [...four(12, ...Array(16).fill(0)), ...set(sum)]);
  const body = repeat(row, rows, 1, [
    ...unpack,
    ...repeat(token, tokens, 4, [...zero, ...accumulate, ...sums.flatMap(finish)]),
    ...get(values), ...get(columns), ...add, ...set(values), ...get(scale), ...int(4), ...add, ...set(scale),
  ]);
  const code = [2, 5, 0x7f, 5, 0x7b, ...body, 0x0b]; // locals: five more i32, five v128
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0]),
    ...section(2, [1, ...name("js"), ...name("memory"), 2, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("run"), 0, 0]),
    ...section(10, [1, ...sized(code)]),
  ]);
}
