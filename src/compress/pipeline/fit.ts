import { CalibrationError } from "../../errors.ts";
import { accuracyOf } from "../../train/index.ts";
import { logitsOf, topClasses } from "../../twin/index.ts";
import { answersTo } from "./answers.ts";
import type { Compression } from "./context.ts";
import type { LoadedImages } from "./images.ts";

/** An accuracy below so many times chance means that model, preprocessing or labels do not belong together. */
const nearChance = 1.5;
/** Nobody classifies new images so well: they are likely those that the network was trained on. */
const tooGood = 0.995;
/** Nor so much better than other images. */
const tooMuchBetter = 0.05;

/** What the original makes of some images. */
interface Fit {
  /** Classes that it gives. */
  readonly answers: number;
  /** Where the images have labels. */
  readonly accuracy?: number;
}

/**
 * Runs the original on the selection and calibration images: refuses images that it cannot tell apart, and says when it
 * knows those that calibrate too well.
 *
 * @throws CalibrationError
 */
export async function checkOriginal(
  compression: Compression,
  calibration: LoadedImages,
  note: (text: string) => void,
): Promise<void> {
  const { selection, labelled, original, work } = compression;
  const selected = await work.once("original", () => fitTo({ data: selection, labelled }, compression));
  if (selected.answers < 2) throw unfit("gives all of these images one class");
  if (selected.accuracy === undefined) return;
  if (selected.accuracy < nearChance / original.entry.output.classes) {
    throw unfit(`has an accuracy of ${percent(selected.accuracy)} on these images, near chance`);
  }
  if (!calibration.labelled) return;
  const { accuracy } = await work.once("original on calibration images", () => fitTo(calibration, compression));
  if (isKnown(accuracy!, selected.accuracy)) {
    note(
      `the original is right on ${percent(accuracy!)} of the calibration images and on ${percent(selected.accuracy)} of others: if it was trained on them, calibrate on new ones, or the promise is worth nothing`,
    );
  }
}

/** Whether images look like those that the original was trained on, by its accuracy on them and on others. */
export const isKnown = (accuracy: number, elsewhere: number): boolean =>
  accuracy > tooGood || accuracy > elsewhere + tooMuchBetter;

async function fitTo(
  { data, labelled }: Pick<LoadedImages, "data" | "labelled">,
  { original, signal }: Compression,
): Promise<Fit> {
  const logits = logitsOf(await answersTo(data, labelled, [original.network], { signal }), "original");
  const answers = new Set(topClasses(logits)).size;
  return labelled ? { answers, accuracy: accuracyOf(logits.data, data.labels) } : { answers };
}

const unfit = (what: string): CalibrationError =>
  new CalibrationError(`the original ${what}; check --preprocess, and that the labels are in the order of its outputs`);

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
