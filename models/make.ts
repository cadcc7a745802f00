import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CompressResult, compress, loadImages } from "twindnn/compress";
import { type ImageSource, type Pixels, packNpz, selectImages, splitImages } from "twindnn/data";
import { trainOriginal } from "./original.ts";
import type { PairRecipe } from "./recipe.ts";

/** Where the images of a pair come from, and where what is made goes. */
export interface Sources {
  readonly training: ImageSource;
  readonly test: ImageSource;
  /** Class names in the order of the outputs. */
  readonly labels: readonly string[];
  /** Folder of checkpoints and networks, from which an interrupted run goes on. */
  readonly work: string;
  /** Folder that the pair goes to. */
  readonly output: string;
}

/** Images that choose between networks and place the thresholds, of those that do not calibrate: as many as `compress` takes. */
const selection = 2000;

/**
 * Makes a pair: trains the original, unless the work folder has one, compresses it, and writes the twin, `training.json` and
 * the packed test images.
 */
export async function makePair(recipe: PairRecipe, sources: Sources): Promise<void> {
  mkdirSync(sources.work, { recursive: true });
  const { learning, calibration } = await splitImages(
    sources.training,
    { learning: sources.training.count! - recipe.calibration, calibration: "rest" },
    recipe.seed,
  );
  const original = join(sources.work, "original.onnx");
  if (!existsSync(original)) {
    await trainOriginal(recipe, await imagesOf(recipe, learning, sources.test), sources.work);
  }
  const result = await compressed(recipe, sources, original, learning, calibration);
  const { seed } = recipe;
  const training = { seed, original: trainingOf(sources.work), compression: summaryOf(result) };
  writeFileSync(join(sources.output, "training.json"), `${JSON.stringify(training, null, 1)}\n`);
  if (recipe.packed !== undefined) await pack(join(sources.output, "test.npz"), sources.test, recipe.packed, seed);
}

async function imagesOf({ preprocessing, seed }: PairRecipe, learning: ImageSource, test: ImageSource) {
  const parts = await splitImages(learning, { selection, train: "rest" }, seed, { stratified: true });
  const load = async (source: ImageSource) => (await loadImages(source, preprocessing)).data;
  return { train: await load(parts.train), selection: await load(parts.selection), test: await load(test) };
}

function compressed(
  { preprocessing, maxDrop, macs, budget, seed, weightBits, flip, canaries }: PairRecipe,
  { labels, work, output }: Sources,
  original: string,
  images: ImageSource,
  calibration: ImageSource,
): Promise<CompressResult> {
  return compress({
    original,
    preprocessing,
    images,
    calibration,
    labels,
    output: join(output, "twin"),
    replace: true,
    promise: { kind: "drop", tolerance: maxDrop, probability: 0.95 },
    recipe: "student+int8",
    target: { macs },
    budget,
    seed,
    weightBits,
    flip,
    canaries,
    work: join(work, "compress"),
    onNote: console.log,
    onProgress: (step, done, total, detail = "") => {
      if (done === total || done % 50 === 0) console.log(`${step} ${done} of ${total} ${detail}`);
    },
  });
}

/** How the original was trained; null for one that came from elsewhere. */
function trainingOf(work: string): unknown {
  const file = join(work, "original.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

const summaryOf = ({ parts, chosen, scores, curves, minutes }: CompressResult) => ({
  parts,
  chosen,
  scores,
  minutes,
  curves,
});

async function pack(file: string, test: ImageSource, count: number, seed: number): Promise<void> {
  const images: Pixels[] = [];
  const labels: number[] = [];
  for await (const item of await selectImages(test, { shuffle: seed, take: count })) {
    images.push((await item.read()) as Pixels);
    labels.push(item.label!);
  }
  await packNpz(file, images, labels);
}
