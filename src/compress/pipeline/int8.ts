import { CalibrationError, ModelError, TrainingError, UnsupportedOperatorError, UsageError } from "../../errors.ts";
import { inputWriter } from "../../lanes/index.ts";
import { readModel } from "../../onnx/index.ts";
import { imageSize } from "../../train/index.ts";
import type { ManifestNetwork } from "../../twin/index.ts";
import type { ImageBatch } from "../int8/images.ts";
import { quantizeModel } from "../int8/quantize.ts";
import { type Candidate, type Compression, storeCandidate } from "./context.ts";
import type { Recipe } from "./recipe.ts";

/** The original in int8. */
export const int8: Recipe = {
  source: "Nagel et al., A White Paper on Neural Network Quantization, 2021",
  judge: () => ({ suits: true, reason: "int8 asks for a few hundred images, and for no labels" }),
  run: async (compression) => [await originalInt8(compression)],
};

/** The original in int8, made once a run: to be the compressed network, or the second stage behind another. */
export const originalInt8 = (compression: Compression): Promise<Candidate> =>
  compression.work.once("original in int8", () =>
    quantized(compression.original.entry, "original-int8", "int8", compression),
  );

/** The original in int8, where it can be had. */
export async function int8Beside(compression: Compression): Promise<Candidate[]> {
  try {
    return [await originalInt8(compression)];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    compression.onNote(`the original is not used in int8: ${error.message}`);
    return [];
  }
}

/** Whether an error says that a model, these images or a target are nothing for a recipe. */
export const isRefusal = (error: unknown): error is Error =>
  [CalibrationError, ModelError, TrainingError, UnsupportedOperatorError, UsageError].some(
    (kind) => error instanceof kind,
  );

/** A recipe whose networks are offered in int8 as well. */
export const withInt8 = (recipe: Recipe): Recipe => ({
  ...recipe,
  run: async (compression, name) => {
    const candidates = await recipe.run(compression, name);
    const inInt8: Candidate[] = [];
    for (const { network, name: plain } of candidates) {
      inInt8.push(await quantized(network, `${plain}-int8`, name, compression));
    }
    return [...candidates, ...inInt8];
  },
});

/** Images that calibrate an int8 network, and how many run at once. */
const int8Images = 512;
const batch = 16;

/**
 * A network of the work folder in int8.
 *
 * @param images - that calibrate it; a few do where only its speed is asked for
 */
export async function quantized(
  network: ManifestNetwork,
  name: string,
  recipe: string,
  compression: Compression,
  images = int8Images,
): Promise<Candidate> {
  const { work, threads, weightBits, signal, onProgress } = compression;
  const { model } = await quantizeModel(readModel(work.file(network.file)), batches(network, compression, images), {
    threads,
    ...(weightBits === undefined ? {} : { weightBits }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (step, done, total) => onProgress(`int8: ${step}`, done, total ?? done),
  });
  return storeCandidate(compression, name, recipe, model);
}

async function* batches(
  { input }: ManifestNetwork,
  { training, normalisation }: Pick<Compression, "training" | "normalisation">,
  most: number,
): AsyncGenerator<ImageBatch> {
  const size = imageSize(training);
  const write = inputWriter({ input: { layout: input.layout, shape: training.shape }, normalisation });
  const images = Math.min(most, training.labels.length);
  for (let from = 0; from < images; from += batch) {
    const count = Math.min(batch, images - from);
    const values = new Float32Array(count * size);
    write(values, training.images.subarray(from * size, (from + count) * size));
    yield { count, data: values };
  }
}
