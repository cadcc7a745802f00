import { createPreprocessor, type ImageSource, type Planes, prepareAll } from "../src/data/index.ts";
import { UsageError } from "../src/errors.ts";
import type { Network } from "../src/lanes/index.ts";
import {
  collectLogits,
  type Logits,
  logitsOf,
  networkOf,
  type TwinFolder,
  topClasses,
  usualBatch,
  withLanes,
} from "../src/twin/index.ts";

/** What a rival's network and the twin's original put out on labelled images. */
export interface LabelledOutputs {
  readonly rival: Logits;
  readonly original: Logits;
  readonly labels: Int32Array;
}

/** A network with the original's inputs and outputs, as a lane loads it in the place of the compressed one. */
export const rivalNetwork = (folder: TwinFolder, file: string): Network => ({
  ...networkOf(folder, "original"),
  name: "compressed",
  file,
});

/** Runs the network in `file` and the original. Throws UsageError where an image has no class. */
export async function outputsOf(folder: TwinFolder, file: string, images: ImageSource): Promise<LabelledOutputs> {
  const networks = [rivalNetwork(folder, file), networkOf(folder, "original")];
  const prepared = prepareAll(images, createPreprocessor(folder.manifest.preprocessing));
  const batch = usualBatch(networks[0]!);
  const collected = await withLanes(networks, (lanes) => collectLogits(prepared, networks, { lanes, batch }));
  const { labels, names } = collected;
  const unlabelled = labels.indexOf(-1);
  if (unlabelled >= 0)
    throw new UsageError(`${images.name}: "${names[unlabelled]}" has no class; give labelled images`);
  return { rival: logitsOf(collected, "compressed"), original: logitsOf(collected, "original"), labels };
}

/** Whether each answer is the labelled one. */
export const rightAnswers = (logits: Logits, labels: Int32Array): boolean[] =>
  Array.from(topClasses(logits), (answer, i) => answer === labels[i]);

/** The images that can be read, prepared. */
export async function planesOf({ manifest }: TwinFolder, source: ImageSource): Promise<Planes[]> {
  const images: Planes[] = [];
  for await (const image of prepareAll(source, createPreprocessor(manifest.preprocessing))) {
    if (!("error" in image)) images.push(image.planes);
  }
  return images;
}
