import { join } from "node:path";
import { imageBatches, quantizeModel } from "../../src/compress/index.ts";
import { createPreprocessor, type ImageSource, prepareAll, selectImages } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import type { Network } from "../../src/lanes/index.ts";
import { readModel, writeModel } from "../../src/onnx/index.ts";
import { collectLogits, logitsOf, networkOf, type TwinFolder, usualBatch, withLanes } from "../../src/twin/index.ts";
import type { LabelledOutputs } from "./policy.ts";

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

/** The low-precision network as a lane loads it: it takes the place of the compressed one. */
export const lowPrecisionNetwork = (folder: TwinFolder, file: string): Network => ({
  ...networkOf(folder, "original"),
  name: "compressed",
  file,
});

/** What the low-precision network in `file` and the original put out. Throws UsageError where an image has no class. */
export async function outputsOf(folder: TwinFolder, file: string, images: ImageSource): Promise<LabelledOutputs> {
  const networks = [lowPrecisionNetwork(folder, file), networkOf(folder, "original")];
  const prepared = prepareAll(images, createPreprocessor(folder.manifest.preprocessing));
  const batch = usualBatch(networks[0]!);
  const collected = await withLanes(networks, (lanes) => collectLogits(prepared, networks, { lanes, batch }));
  const { labels, names } = collected;
  const unlabelled = labels.indexOf(-1);
  if (unlabelled >= 0)
    throw new UsageError(`${images.name}: "${names[unlabelled]}" has no class; give labelled images`);
  return { lowPrecision: logitsOf(collected, "compressed"), original: logitsOf(collected, "original"), labels };
}
