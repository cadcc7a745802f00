import type { Model } from "../../onnx/index.ts";
import type { Logits } from "../../twin/index.ts";
import { joinLogits } from "../logits.ts";
import { inBatches } from "./images.ts";
import { CalibrationNetwork } from "./network.ts";

const batchSize = 16;

/** Runs a model as it is used, fused. */
export async function answersOf(
  model: Model,
  images: readonly Float32Array[],
  threads: number,
  signal?: AbortSignal,
): Promise<Logits> {
  await using network = await CalibrationNetwork.open(model, { threads });
  const parts: Float32Array[] = [];
  for (const batch of inBatches(images, network.batchSize(batchSize))) {
    signal?.throwIfAborted();
    parts.push((await network.run(batch)).get(network.output)!);
  }
  const values = parts.reduce((sum, { length }) => sum + length, 0);
  return joinLogits(parts, values / images.length);
}

/** Mean squared distance between logits, relative to the mean square of the first's. */
export function relativeError({ data: wanted }: Logits, { data: got }: Logits): number {
  let error = 0;
  let size = 0;
  for (const [at, value] of wanted.entries()) {
    error += (value - got[at]!) ** 2;
    size += value * value;
  }
  return error / size;
}
