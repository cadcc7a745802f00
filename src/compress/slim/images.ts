import { setImmediate } from "node:timers/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Normalisation } from "../../data/index.ts";
import { inputWriter } from "../../lanes/index.ts";
import { classifierOf, encodeModel, type Model } from "../../onnx/index.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import type { ImageBatch } from "../int8/images.ts";

/** Images as bytes and how networks read them. */
export interface SlimImages {
  /** Labels are not read. */
  readonly data: Dataset;
  readonly normalisation: Normalisation;
}

/** Images of one run. */
const batchSize = 32;

/** The images, or the first `most` of them, as inputs of the model. */
export function* inputBatches(
  model: Model,
  { data, normalisation }: SlimImages,
  most = Number.POSITIVE_INFINITY,
): Generator<ImageBatch> {
  const size = imageSize(data);
  const { layout } = classifierOf(model).input;
  const write = inputWriter({ input: { layout, shape: data.shape }, normalisation });
  const total = Math.min(most, data.labels.length);
  for (let from = 0; from < total; from += batchSize) {
    const count = Math.min(batchSize, total - from);
    const values = new Float32Array(count * size);
    write(values, { count, data: data.images.subarray(from * size, (from + count) * size) }, 0, count);
    yield { count, data: values };
  }
}

/** The logits of the images, or of the first `most` of them, row by row. */
export async function answersOf(
  model: Model,
  images: SlimImages,
  threads: number,
  most = Number.POSITIVE_INFINITY,
): Promise<Float32Array[]> {
  const { input, output } = classifierOf(model);
  const dims = model.graph.inputs[0]!.shape!.slice(1) as number[];
  const session = await InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const rows: Float32Array[] = [];
  for (const { count, data } of inputBatches(model, images, most)) {
    const results = await session.run({ [input.name]: new Tensor("float32", data, [count, ...dims]) });
    const logits = results[output.name]!.data as Float32Array;
    for (let row = 0; row < count; row++) rows.push(logits.slice(row * output.classes, (row + 1) * output.classes));
    await setImmediate();
  }
  await session.release();
  return rows;
}

const largest = (row: Float32Array): number => row.indexOf(Math.max(...row));

/** The share of images on which two networks give the same class. */
export const agreementOf = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.filter((row, i) => largest(row) === largest(b[i]!)).length / a.length;

/** The mean divergence KL(p || q) of two networks' answers, each a row of logits, in nats. */
export function divergenceOf(p: readonly Float32Array[], q: readonly Float32Array[]): number {
  const rows = p.map((row, i) => {
    const [a, b] = [logSoftmax(row), logSoftmax(q[i]!)];
    return a.reduce((sum, value, k) => sum + Math.exp(value) * (value - b[k]!), 0);
  });
  return rows.reduce((sum, value) => sum + value, 0) / rows.length;
}

function logSoftmax(row: Float32Array): Float64Array {
  const most = Math.max(...row);
  const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return Float64Array.from(row, (value) => value - most - total);
}
