import { join } from "node:path";
import type { ImageSource } from "../data/index.ts";
import { readModel } from "../onnx/index.ts";
import { addNetwork, admitModel, readTwin } from "../twin/index.ts";
import { type BatchOptions, imageBatches } from "./batches.ts";
import { quantizeModel } from "./int8/quantize.ts";

/** Quantises a twin's original to int8 on the given images and adds it to the twin, to be tried as the second stage. */
export async function addOriginalInt8(path: string, images: ImageSource, options: BatchOptions = {}): Promise<void> {
  const folder = await readTwin(path);
  const { networks, preprocessing } = folder.manifest;
  const original = readModel(join(path, networks.original.file));
  const { model } = await quantizeModel(original, imageBatches(original, preprocessing, images, options));
  await addNetwork(folder, "original-int8", await admitModel(model, "original-int8.onnx"));
}
