import { inputWriter } from "../../lanes/index.ts";
import { readModel } from "../../onnx/index.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import type { ImageBatch } from "../int8/images.ts";
import { quantizeModel } from "../int8/quantize.ts";
import { makeStudent } from "../student/student.ts";
import { type Candidate, type Compression, storeCandidate } from "./context.ts";

/** Ways to compress. */
export const recipeNames = ["int8", "student", "student+int8"] as const;
export type RecipeName = (typeof recipeNames)[number];

/** What the user has. */
export interface Means {
  readonly images: number;
  readonly labelled: boolean;
  readonly classes: number;
}

/** Training images a class from which a student learns more than int8 keeps. */
const imagesPerClass = 500;

/** The recipe for what the user has, and why. */
export function chooseRecipe({ images, labelled, classes }: Means): { recipe: RecipeName; reason: string } {
  const wanted = imagesPerClass * classes;
  if (images >= wanted) {
    const learns = labelled ? "labels and the original's answers" : "the original's answers, for want of labels";
    return {
      recipe: "student+int8",
      reason: `${images} images to train on are enough for a new small network, which learns from ${learns}`,
    };
  }
  return {
    recipe: "int8",
    reason: `${images} images to train on are fewer than the ${wanted} that a new network of ${classes} classes wants`,
  };
}

/** Carries a recipe out. Gives every network that it makes; the best of them is to be chosen. */
export async function runRecipe(recipe: RecipeName, compression: Compression): Promise<Candidate[]> {
  if (recipe === "int8") {
    return [await quantizeCandidate("original-int8", "int8", compression.original.network.file, compression)];
  }
  const student = await makeStudent(compression);
  if (recipe === "student") return [student];
  return [student, await quantizeCandidate(`${student.name}-int8`, recipe, student.network.file, compression)];
}

/** Images that calibrate an int8 network. */
const int8Images = 512;

async function quantizeCandidate(
  name: string,
  recipe: string,
  file: string,
  compression: Compression,
): Promise<Candidate> {
  const { training, original, threads, signal, onProgress } = compression;
  const model = readModel(file);
  const { layout } = file === original.network.file ? original.entry.input : { layout: "NCHW" as const };
  const { model: quantized } = await quantizeModel(model, batches(training, layout, compression), {
    threads,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (step, done, total) => onProgress(`int8: ${step}`, done, total ?? done),
  });
  return storeCandidate(compression, name, recipe, quantized);
}

async function* batches(
  data: Dataset,
  layout: "NCHW" | "NHWC",
  { normalisation }: Pick<Compression, "normalisation">,
): AsyncGenerator<ImageBatch> {
  const size = imageSize(data);
  const write = inputWriter({ input: { layout, shape: data.shape }, normalisation });
  const images = Math.min(int8Images, data.labels.length);
  for (let from = 0; from < images; from += 16) {
    const count = Math.min(16, images - from);
    const values = new Float32Array(count * size);
    write(values, { count, data: data.images.subarray(from * size, (from + count) * size) }, 0, count);
    yield { count, data: values };
  }
}
