import { join } from "node:path";
import { imageBatches, quantizeModel } from "../../src/compress/index.ts";
import { type ImageSource, selectImages } from "../../src/data/index.ts";
import { readModel, writeModel } from "../../src/onnx/index.ts";
import type { TwinFolder } from "../../src/twin/index.ts";

/** Images from which ranges of activations are taken. */
const rangeImages = 256;

/** Writes the twin's original with weights of so many bits and activations of 8, not retrained. */
export async function writeLowPrecision(
  { path, manifest }: TwinFolder,
  calibration: ImageSource,
  { bits, file }: { readonly bits: number; readonly file: string },
): Promise<void> {
  const original = readModel(join(path, manifest.networks.original.file));
  const take = Math.min(rangeImages, calibration.count ?? rangeImages);
  const images = await selectImages(calibration, { shuffle: 1, take });
  const batches = imageBatches(original, manifest.preprocessing, images);
  const { model } = await quantizeModel(original, batches, { weightBits: bits });
  await writeModel(file, model);
}
