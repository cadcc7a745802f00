import { join } from "node:path";
import type { ImageSource } from "../data/index.ts";
import { readModel } from "../onnx/index.ts";
import { addNetwork, admitModel, removeNetwork, type TwinFolder } from "../twin/index.ts";
import { type BatchOptions, imageBatches } from "./batches.ts";
import { quantizeModel } from "./int8/quantize.ts";

/**
 * Quantises a twin's original to int8 on the given images, adds it to the twin and runs `action`, such as a calibration that
 * tries it as the second stage. Where the action fails the twin is again what it was.
 */
export async function withOriginalInt8<T>(
  folder: TwinFolder,
  images: ImageSource,
  options: BatchOptions,
  action: () => Promise<T>,
): Promise<T> {
  const { networks, preprocessing } = folder.manifest;
  const original = readModel(join(folder.path, networks.original.file));
  const { model } = await quantizeModel(original, imageBatches(original, preprocessing, images, options));
  const added = await addNetwork(folder, "original-int8", await admitModel(model, "original-int8.onnx"));
  try {
    return await action();
  } catch (error) {
    await removeNetwork(folder, added, "original-int8");
    throw error;
  }
}
