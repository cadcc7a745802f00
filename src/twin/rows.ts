import type { Collected } from "./collect.ts";
import type { Logits } from "./types.ts";

/** Where each value stands first. */
export function firstRows(values: readonly string[]): Uint32Array {
  const seen = new Set<string>();
  return Uint32Array.from([...values.keys()].filter((i) => !seen.has(values[i]!) && seen.add(values[i]!)));
}

/** The answers on some of the images, in the order of `rows`. */
export function pickRows(collected: Collected, rows: Uint32Array): Collected {
  const indices = [...rows];
  const { kept } = collected;
  const firstNotKept = indices.findIndex((i) => i >= kept.length);
  return {
    ...collected,
    kept: indices.slice(0, firstNotKept < 0 ? indices.length : firstNotKept).map((i) => kept[i]!),
    names: indices.map((i) => collected.names[i]!),
    labels: Int32Array.from(indices, (i) => collected.labels[i]!),
    fingerprints: indices.map((i) => collected.fingerprints[i]!),
    logits: new Map([...collected.logits].map(([name, logits]) => [name, pickLogits(logits, indices)])),
  };
}

function pickLogits({ data, classes }: Logits, rows: readonly number[]): Logits {
  const picked = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => {
    picked.set(data.subarray(row * classes, (row + 1) * classes), i * classes);
  });
  return { data: picked, count: rows.length, classes };
}
