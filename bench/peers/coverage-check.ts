/**
 * Whether each recipe takes one classifier: the smallest step of it that meets all of the network, on a few random images.
 * coverage.ts calls it, a process a model: `coverage-check.js MODEL RECIPE...` prints a line of JSON for each recipe.
 */
import { basename } from "node:path";
import type { SlimImages } from "../../src/compress/index.ts";
import { quantizeModel } from "../../src/compress/index.ts";
import { taught } from "../../src/compress/pipeline/teacher.ts";
import { answersOf, inputBatches } from "../../src/compress/slim/images.ts";
import { widthsOf } from "../../src/compress/slim/options.ts";
import { prune } from "../../src/compress/slim/prune.ts";
import { findSites } from "../../src/compress/slim/sites.ts";
import { channelGroups, simplify } from "../../src/compress/surgery/index.ts";
import { integerForm } from "../../src/compress/ternary/integer-form/index.ts";
import { integerModel } from "../../src/compress/ternary/integers.ts";
import { learnIntegers } from "../../src/compress/ternary/learn.ts";
import { integerUnits, prepareToLearn } from "../../src/compress/ternary/prepare.ts";
import { linearNames, withQuantisers } from "../../src/compress/ternary/quantise.ts";
import { UsageError } from "../../src/errors.ts";
import { decodeModel, type Model, modelCost } from "../../src/onnx/index.ts";
import { imageSize } from "../../src/train/index.ts";
import { type AdmittedNetwork, admitNetwork } from "../../src/twin/index.ts";
import { type RecipeName, type RecipeVerdict, recipeNames } from "./coverage-page.ts";

/** What the recipes are tried on. */
interface Subject {
  readonly entry: AdmittedNetwork["entry"];
  readonly model: Model;
  readonly images: SlimImages;
}

type Check = (subject: Subject) => string | Promise<string>;

/** Each says how much of the network the recipe can work on, or throws the reason why it cannot. */
const checks: Readonly<Record<RecipeName, Check>> = { student, int8, slim, ternary };

const threads = 1;
const seed = 1;

async function main([path, ...asked]: readonly string[]): Promise<void> {
  if (path === undefined) throw new UsageError("the model is missing: coverage-check.js MODEL RECIPE...");
  const subject = await attempt(() => subjectOf(path));
  for (const recipe of recipeNames.filter((name) => asked.includes(name))) {
    const said = "reason" in subject ? subject : await attempt(() => checks[recipe](subject));
    const verdict: RecipeVerdict =
      typeof said === "string"
        ? { recipe, accepted: true, detail: said }
        : { recipe, accepted: false, detail: said.reason.replace(path, basename(path)) };
    console.log(JSON.stringify(verdict));
  }
}

/** What was attempted, or the first line of the error. */
async function attempt<T>(what: () => T | Promise<T>): Promise<T | { readonly reason: string }> {
  try {
    return await what();
  } catch (error) {
    return { reason: (error instanceof Error ? error.message : String(error)).split("\n")[0]! };
  }
}

/** The classifier as `compress` takes it up, and eight pictures of one colour and some noise. */
async function subjectOf(path: string): Promise<Subject> {
  const { entry, bytes } = await admitNetwork(path, "original.onnx");
  const count = 8;
  const shape = entry.input.shape;
  const labels = new Uint8Array(count);
  const size = imageSize({ images: labels, labels, shape });
  const images = Uint8Array.from(
    { length: count * size },
    (_, at) => 24 * Math.floor(at / size) + 40 * (1 + Math.sin(1.7 * at * at)),
  );
  const normalisation = { scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] };
  return { entry, model: decodeModel(bytes), images: { data: { images, shape, labels }, normalisation } };
}

/** The student is a new network: its teacher has to answer. */
async function student({ entry, model, images }: Subject): Promise<string> {
  await finiteAnswers(model, images);
  return entry.fixedBatch === undefined ? "any batch" : `batch of ${entry.fixedBatch}`;
}

async function int8({ model, images }: Subject): Promise<string> {
  async function* batches() {
    yield* inputBatches(model, images);
  }
  const { model: quantised, report } = await quantizeModel(model, batches(), { threads });
  await finiteAnswers(quantised, images);
  const inInt8 = report.nodes.filter(({ precision }) => precision === "int8").length;
  if (inInt8 === 0) throw new Error(`no node computes in int8: ${report.nodes[0]?.reason}`);
  return `${inInt8} of ${report.nodes.length} nodes`;
}

/** Thins the group whose layer is fitted soonest by one step, and refits that layer. */
async function slim({ model, images }: Subject): Promise<string> {
  const original = await simplify(model);
  const { sites, kept } = findSites(original);
  const [site] = sites.toSorted((a, b) => a.layer.columns - b.layer.columns);
  if (site === undefined) throw new Error(`no group of channels can be thinned: ${kept[0]?.reason ?? "none found"}`);
  const [, width] = widthsOf(site) as [number, number];
  const thinned = await prune(original, [{ site, width }], images, { seed, threads, most: 8 });
  await finiteAnswers(thinned, images);
  if (modelCost(thinned).macs >= modelCost(original).macs)
    throw new Error("the thinned network does as much as before");
  const all = sum(channelGroups(original).map(({ size }) => size));
  return `${sum(sites.map(({ group }) => group.size))} of ${all} channels`;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** Puts quantisers in, makes one training step, and writes the integers. */
async function ternary({ model, images: { data, normalisation } }: Subject): Promise<string> {
  const prepared = await prepareToLearn(model);
  const layers = linearNames(integerUnits(prepared));
  const { data: plain, classes } = await answersOf(model, { data, normalisation }, threads);
  const taughtData = taught(data, { classes, plain }, false);
  const network = await withQuantisers(prepared, taughtData, { normalisation, threads, ternary: layers.slice(1, -1) });
  const setting = { seed, normalisation, threads, labelled: false, flip: false };
  const trained = await learnIntegers(network, taughtData, { rate: 1e-3, epochs: 1 }, setting);
  const integers = integerModel(trained);
  integerForm(integers);
  await finiteAnswers(integers, { data, normalisation });
  return `${layers.length} layers`;
}

/** @throws Error when the network gives something else than numbers */
async function finiteAnswers(model: Model, images: SlimImages): Promise<void> {
  const { data } = await answersOf(model, images, threads);
  if (!data.every(Number.isFinite)) throw new Error("its answers are not finite");
}

await main(process.argv.slice(2));
