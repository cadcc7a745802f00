import type { Model } from "../../onnx/index.ts";
import { inBatches } from "./images.ts";
import { CalibrationNetwork } from "./network.ts";

/** What a classifier says of images: `classes` outputs each. */
export interface Answers {
  readonly outputs: Float32Array;
  readonly classes: number;
}

const batchSize = 16;

/** Runs a model as it is used, fused. */
export async function answersOf(
  model: Model,
  images: readonly Float32Array[],
  threads: number,
  signal?: AbortSignal,
): Promise<Answers> {
  await using network = await CalibrationNetwork.open(model, { threads });
  const parts: Float32Array[] = [];
  for (const batch of inBatches(images, network.batchSize(batchSize))) {
    signal?.throwIfAborted();
    parts.push((await network.run(batch)).get(network.output)!);
  }
  const outputs = Float32Array.from(parts.flatMap((part) => [...part]));
  return { outputs, classes: outputs.length / images.length };
}

/** The share of images that get the same class. */
export function agreementOf(a: Answers, b: Answers): number {
  const [ours, theirs] = [classesOf(a), classesOf(b)];
  return ours.filter((label, at) => label === theirs[at]).length / ours.length;
}

/** The class that each image gets: the first of the largest outputs. */
export function classesOf(answers: Answers): number[] {
  return rows(answers).map((row) => row.indexOf(Math.max(...row)));
}

const rows = ({ outputs, classes }: Answers): Float32Array[] =>
  Array.from({ length: outputs.length / classes }, (_, row) => outputs.subarray(row * classes, (row + 1) * classes));

/** Mean squared distance between outputs, relative to the mean square of the first's. */
export function relativeError(wanted: Answers, got: Answers): number {
  let error = 0;
  let size = 0;
  for (const [at, value] of wanted.outputs.entries()) {
    error += (value - got.outputs[at]!) ** 2;
    size += value * value;
  }
  return error / size;
}
