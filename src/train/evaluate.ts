import { Tensor as OrtTensor } from "onnxruntime-node";
import type { Normalisation } from "../data/types.ts";
import type { Model } from "../onnx/index.ts";
import { type Dataset, imageSize } from "./dataset.ts";
import { openSession } from "./session.ts";

/** How to run a network over a set. */
export interface InferenceOptions {
  readonly normalisation: Normalisation;
  readonly threads: number;
  /** Images at a time; default 100. */
  readonly batch?: number;
}

/** The logits of every image, [image, class]. */
export async function logitsOf(network: Model, data: Dataset, options: InferenceOptions): Promise<Float32Array> {
  const { normalisation, threads, batch = 100 } = options;
  const session = await openSession(network, { intraOpNumThreads: threads });
  const rows: Float32Array[] = [];
  for (let first = 0; first < data.labels.length; first += batch) {
    const count = Math.min(batch, data.labels.length - first);
    const size = imageSize(data);
    const bytes = data.images.subarray(first * size, (first + count) * size);
    const input = new OrtTensor("float32", normalised(bytes, data, normalisation), [count, ...data.shape]);
    const results = await session.run({ [network.graph.inputs[0]!.name]: input });
    rows.push(results[network.graph.outputs[0]!.name]!.data as Float32Array);
  }
  await session.release();
  return joined(rows);
}

/** The share of images whose largest logit is that of their label. */
export function accuracyOf(logits: Float32Array, labels: ArrayLike<number>): number {
  const classes = logits.length / labels.length;
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    if (row.indexOf(Math.max(...row)) === labels[i]) right++;
  }
  return right / labels.length;
}

/** Every image mirrored left and right. */
export function mirrored(data: Dataset): Dataset {
  const width = data.shape[2];
  const images = data.images.slice();
  for (let row = 0; row < images.length; row += width) images.subarray(row, row + width).reverse();
  return { ...data, images };
}

function normalised(bytes: Uint8Array, { shape }: Dataset, { scale, offset }: Normalisation): Float32Array {
  const plane = shape[1] * shape[2];
  return Float32Array.from(bytes, (value, i) => {
    const channel = Math.floor(i / plane) % shape[0];
    return value * scale[channel]! + offset[channel]!;
  });
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
