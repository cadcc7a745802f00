import { setImmediate } from "node:timers/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Normalisation } from "../../data/index.ts";
import { inputWriter } from "../../lanes/index.ts";
import { classifierOf, encodeModel, type Model } from "../../onnx/index.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import type { Logits } from "../../twin/index.ts";
import type { ImageBatch } from "../int8/images.ts";
import { joinLogits } from "../logits.ts";

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
    write(values, data.images.subarray(from * size, (from + count) * size));
    yield { count, data: values };
  }
}

/** The logits of the images, or of the first `most` of them. */
export async function answersOf(
  model: Model,
  images: SlimImages,
  threads: number,
  most = Number.POSITIVE_INFINITY,
): Promise<Logits> {
  const { input, output } = classifierOf(model);
  const dims = model.graph.inputs[0]!.shape!.slice(1) as number[];
  const session = await InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const parts: Float32Array[] = [];
  for (const { count, data } of inputBatches(model, images, most)) {
    const results = await session.run({ [input.name]: new Tensor("float32", data, [count, ...dims]) });
    parts.push(results[output.name]!.data as Float32Array);
    await setImmediate();
  }
  await session.release();
  return joinLogits(parts, output.classes);
}
