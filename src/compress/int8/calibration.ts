import { CalibrationError } from "../../errors.ts";
import { quantity } from "../../figures.ts";
import type { Model } from "../../onnx/index.ts";
import { type ImageBatch, imagesOf, Reservoir } from "./images.ts";
import { Observer } from "./observe.ts";
import type { CheckedOptions } from "./options.ts";

/** What one pass over the images leaves: histograms of all, and two bounded samples. */
export interface Calibration {
  readonly histograms: Observer["histograms"];
  /** Images that the histograms have seen. */
  readonly count: number;
  /** Some of them, for means and for the order of nodes. */
  readonly sample: readonly Float32Array[];
  /** Other images, for the agreement. */
  readonly heldOut: readonly Float32Array[];
}

/** One image in four is held out, while there is room. */
export const heldOutEvery = 4;
const sampleImages = 512;
const sampleBytes = 2 ** 27;
/** From which activation ranges can be told. */
export const fewestImages = 8;

/**
 * Reads the images once, in memory that does not grow with their number: every fourth is held out for the agreement,
 * the others are observed; of both at most 512 are kept, at most 128 MiB. Throws CalibrationError below 8 images.
 */
export async function calibrate(
  model: Model,
  values: readonly string[],
  batches: AsyncIterable<ImageBatch>,
  { threads, signal, onProgress }: CheckedOptions,
): Promise<Calibration> {
  await using observer = await Observer.open(model, values, threads);
  const capacity = Math.max(1, Math.min(sampleImages, Math.floor(sampleBytes / 4 / observer.imageSize)));
  const [sample, heldOut] = [new Reservoir(capacity), new Reservoir(capacity)];
  let seen = 0;
  for await (const batch of batches) {
    for (const image of imagesOf(batch, observer.imageSize)) {
      signal?.throwIfAborted();
      const observed = ++seen % heldOutEvery === 0 ? heldOut.offer(image) : image;
      if (observed === undefined) continue;
      sample.offer(observed);
      await observer.add(observed);
      onProgress("observe", seen);
    }
  }
  await observer.finish();
  if (seen < fewestImages) {
    throw new CalibrationError(
      `received ${quantity(seen, "image")}, too few to see the ranges of activations by: give at least ${fewestImages}, better 500`,
    );
  }
  return { histograms: observer.histograms, count: observer.count, sample: sample.images, heldOut: heldOut.images };
}
