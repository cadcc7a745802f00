import { CalibrationError } from "../../errors.ts";
import { percent } from "../../figures.ts";
import { accuracyOf, type Dataset, subset } from "../../train/index.ts";
import { looksLearned, type ManifestNetwork, type Standing, standingOf, topClasses } from "../../twin/index.ts";
import { originalAnswers } from "./answers.ts";
import type { Compression } from "./context.ts";
import type { LoadedImages, LoadedParts } from "./images.ts";

/** An accuracy below so many times chance means that model, preprocessing or labels do not belong together. */
const nearChance = 1.5;
/** Nobody classifies new images so much better than others: they are likely those that the network was trained on. */
const tooMuchBetter = 0.05;
/** Calibration images that show whether they are such: their accuracy is then known to a point. */
const shownImages = 1000;

/**
 * Looks at the original's answers on the selection images, and on some that calibrate: refuses images that it cannot tell
 * apart, and says when it knows those that calibrate too well.
 *
 * @throws CalibrationError
 */
export async function checkOriginal(compression: Compression, calibration: LoadedImages): Promise<void> {
  const { selection, labelled, originalLogits, onNote } = compression;
  if (new Set(topClasses(originalLogits)).size < 2) throw unfit("gives all of these images one class");
  if (!labelled) {
    const note = mostlyOneClass(topClasses(originalLogits));
    if (note !== undefined) onNote(note);
    return;
  }
  const accuracy = accuracyOf(originalLogits.data, selection.labels);
  if (accuracy < nearChance / originalLogits.classes) {
    throw unfit(`has an accuracy of ${percent(accuracy)} on these images, near chance`);
  }
  if (!calibration.labelled) return;
  const calibrating = await calibrationStanding(calibration.data, compression);
  if (calibrating !== undefined && isKnown(calibrating, accuracy)) {
    const { accuracy: right, probability } = calibrating;
    onNote(
      `the original is right on ${percent(right)} of the calibration images, says ${percent(probability)} itself, and is right on ${percent(accuracy)} of others: if it was trained on them, calibrate on new ones, or the promise is worth nothing`,
    );
  }
}

/** Images without labels of which the original gives so many one class are likely to be of that class alone. */
const mostlyOne = 0.8;

/** What to say where the original answers mostly with one class. */
export function mostlyOneClass(answers: Int32Array): string | undefined {
  const counts = new Map<number, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const [common, count] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most));
  const share = count / answers.length;
  if (share < mostlyOne) return undefined;
  return `the original gives ${percent(share)} of these images class ${common}: a promise holds for images like these. Give images of every class that the twin will meet, drawn as they occur`;
}

/** @throws CalibrationError for an image of a class that the original does not know */
export function refuseUnknownClasses(parts: LoadedParts, { output }: ManifestNetwork): void {
  for (const { source, names, classes } of Object.values(parts)) {
    const at = classes.findIndex((label) => label !== undefined && label >= output.classes);
    if (at < 0) continue;
    throw new CalibrationError(
      `${source}: "${names[at]}" has class ${classes[at]}, and the original knows 0 to ${output.classes - 1}; leave out folders that are no classes, or give --labels`,
    );
  }
}

/** Whether images look like those that the original was trained on, by its accuracy on others as well. */
export const isKnown = (standing: Standing, elsewhere: number): boolean =>
  looksLearned(standing) || standing.accuracy > elsewhere + tooMuchBetter;

/** Every so many images are taken: those of a folder come class by class. */
async function calibrationStanding(data: Dataset, compression: Compression): Promise<Standing | undefined> {
  const step = Math.ceil(data.labels.length / shownImages);
  const few = subset(
    data,
    [...data.labels.keys()].filter((i) => i % step === 0),
  );
  return standingOf(
    await originalAnswers("original on calibration images", few, compression),
    Int32Array.from(few.labels),
  );
}

const unfit = (what: string): CalibrationError =>
  new CalibrationError(`the original ${what}; check --preprocess, and that the labels are in the order of its outputs`);
