import { readFileSync } from "node:fs";
import type { TwinOutputs } from "../../src/twin/calibration/index.ts";
import type { Logits } from "../../src/twin/types.ts";

/** Readers of the measurements that fixtures/README.md describes. */

const images = 10_000;
const classes = 10;

function bytesOf(file: string): ArrayBuffer {
  const bytes = readFileSync(new URL(`fixtures/${file}`, import.meta.url));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** Logits that have the given answer and margin: the margin for the answer, zero elsewhere. */
function logitsWith(answers: Uint8Array, margins: Float32Array): Logits {
  const data = new Float32Array(answers.length * classes);
  answers.forEach((answer, i) => {
    data[i * classes + answer] = margins[i]!;
  });
  return { data, count: answers.length, classes };
}

/** The answers of compressed, int8 and float32 network to 10,000 images, as logits with the true answers and margins. */
export function storedAnswers(): Required<TwinOutputs> {
  const buffer = bytesOf("cifar10-answers.bin");
  const margins = (plane: number) => new Float32Array(buffer, plane * images * 4, images);
  const bytes = (plane: number) => new Uint8Array(buffer, images * 8 + plane * images, images);
  return {
    compressed: logitsWith(bytes(0), margins(0)),
    second: { logits: logitsWith(bytes(1), margins(1)) },
    original: logitsWith(bytes(2), new Float32Array(images).fill(1)),
    labels: Int32Array.from(bytes(3)),
  };
}

/** All logits of compressed network and original on 2,000 of the images. */
export function storedLogits(): { compressed: Logits; original: Logits; labels: Int32Array } {
  const buffer = bytesOf("cifar10-logits.bin");
  const count = images / 5;
  const network = (index: number): Logits => {
    return { data: new Float32Array(buffer, index * count * classes * 4, count * classes), count, classes };
  };
  const labels = storedAnswers().labels.filter((_, i) => i % 5 === 0);
  return { compressed: network(0), original: network(1), labels };
}

/** The outputs of some images; repeats are allowed. */
export function pick(outputs: TwinOutputs, indices: ArrayLike<number>): TwinOutputs {
  const rows = (logits: Logits): Logits => {
    const data = new Float32Array(indices.length * logits.classes);
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i]! * logits.classes;
      data.set(logits.data.subarray(start, start + logits.classes), i * logits.classes);
    }
    return { data, count: indices.length, classes: logits.classes };
  };
  const { compressed, original, second, labels } = outputs;
  return {
    compressed: rows(compressed),
    original: rows(original),
    ...(second && { second: { ...second, logits: rows(second.logits) } }),
    ...(labels && { labels: Int32Array.from(indices, (i) => labels[i]!) }),
  };
}

/** Every second image from an offset of 0 or 1. */
export function half(offset: 0 | 1): Uint32Array {
  return Uint32Array.from({ length: images / 2 }, (_, i) => 2 * i + offset);
}
