import { CalibrationError } from "../../errors.ts";
import { accuracyOf } from "../../train/index.ts";
import { logitsOf } from "../../twin/index.ts";
import { answersTo } from "./answers.ts";
import type { Compression } from "./context.ts";

/** An accuracy below so many times chance means that model, preprocessing or labels do not belong together. */
const nearChance = 1.5;
/** Nobody classifies new images so well: they are likely those that the network was trained on. */
const tooGood = 0.995;

/**
 * Runs the original on the selection images: refuses images that it cannot tell apart, and says when it knows them too well.
 *
 * @throws CalibrationError
 */
export async function checkOriginal(compression: Compression, note: (text: string) => void): Promise<void> {
  const { selection, labelled, original, signal, work } = compression;
  const { accuracy, answers } = await work.once("original", async () => {
    const collected = await answersTo(selection, labelled, [original.network], { signal });
    const { data, classes, count } = logitsOf(collected, "original");
    const given = new Set(
      Array.from({ length: count }, (_, i) => topOf(data.subarray(i * classes, (i + 1) * classes))),
    );
    return { accuracy: labelled ? accuracyOf(data, selection.labels) : undefined, answers: given.size };
  });
  const { classes } = original.entry.output;
  if (answers < 2) throw unfit("gives all of these images one class");
  if (accuracy === undefined) return;
  if (accuracy < nearChance / classes)
    throw unfit(`has an accuracy of ${percent(accuracy)} on these images, near chance`);
  if (accuracy > tooGood) {
    note(
      `the original is right on ${percent(accuracy)} of the images: if it was trained on them, calibrate on others, or the promise is worth nothing`,
    );
  }
}

const unfit = (what: string): CalibrationError =>
  new CalibrationError(`the original ${what}; check --preprocess, and that the labels are in the order of its outputs`);

const topOf = (row: Float32Array): number => row.indexOf(Math.max(...row));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
