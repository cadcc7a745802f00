import { type Logits, logSumExp, topClasses } from "../twin/index.ts";

/** Rows of logits that came in parts. */
export function joinLogits(parts: readonly Float32Array[], classes: number): Logits {
  const data = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, count: data.length / classes, classes };
}

/** The share of images to which two networks give the same class. */
export function agreementOf(a: Logits, b: Logits): number {
  const [ours, theirs] = [topClasses(a), topClasses(b)];
  return ours.filter((label, at) => label === theirs[at]).length / a.count;
}

/** The mean divergence KL(p || q) of two networks' answers, in nats. */
export function divergenceOf(p: Logits, q: Logits): number {
  const { count, classes } = p;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const start = row * classes;
    const [offsetP, offsetQ] = [p, q].map(({ data }) => logSumExp(data, start, classes)) as [number, number];
    for (let i = start; i < start + classes; i++) {
      const [a, b] = [p.data[i]! - offsetP, q.data[i]! - offsetQ];
      sum += Math.exp(a) * (a - b);
    }
  }
  return sum / count;
}
