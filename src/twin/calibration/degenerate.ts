import { CalibrationError } from "../../errors.ts";
import { binomialUpperBound } from "../statistics/index.ts";
import {
  describePromise,
  imagesNeeded,
  percent,
  probabilityAllowed,
  spending,
  type TwinPromise,
  toleranceAllowed,
} from "./promise.ts";
import type { Sample } from "./sample.ts";

/** Names of classes, where they have any. */
type Names = readonly string[] | undefined;

const nameOf = (index: number, names: Names): string => names?.[index] ?? String(index);

/** @throws CalibrationError when these images cannot decide between thresholds. */
export function checkDecidable(sample: Sample, promise: TwinPromise, names: Names): void {
  checkConfidences(sample.confidence);
  checkClasses(sample.answers.original, names);
  checkDisagreement(sample, promise.probability);
}

function checkConfidences(confidence: Float64Array): void {
  if (confidence.some((value) => value !== confidence[0])) return;
  throw new CalibrationError(
    `all ${confidence.length} images have the confidence ${confidence[0]}: no threshold can tell them apart. Check the compressed network's output, or choose another confidence`,
  );
}

function checkClasses(answers: Int32Array, names: Names): void {
  if (answers.some((answer) => answer !== answers[0])) return;
  throw new CalibrationError(
    `the original gives all ${answers.length} images class ${nameOf(answers[0]!, names)}: calibrate on images of every class, and check the preprocessing`,
  );
}

/**
 * Images of one class are a mistake: a promise holds for images like these, and nobody needs a classifier for those. Two or
 * more classes out of many pass, because that may be all that the user's images show, and the promise is then true for them.
 * Where some labels are missing, one class says nothing: the known ones need not be a fair part of the images.
 *
 * @throws CalibrationError when every image has a label, and the same one
 */
export function checkLabelledClasses(labels: Int32Array, names: Names): void {
  const [first] = labels;
  if (labels.some((label) => label < 0 || label !== first)) return;
  throw new CalibrationError(
    `all ${labels.length} images are labelled as one class (${nameOf(first!, names)}): a promise would hold for that class alone. Give images of every class that the twin will meet, drawn as they occur`,
  );
}

function checkDisagreement({ answers, images }: Sample, probability: number): void {
  if (answers.compressed.some((answer, i) => answer !== answers.original[i])) return;
  const bound = binomialUpperBound(0, images, 1 - probability);
  throw new CalibrationError(
    `the compressed network gives the original's answer on all ${images} images, so there is nothing to escalate: use it alone. With ${percent(probability)} % probability it differs on at most ${percent(bound)} % of such images`,
  );
}

/** What is tested, and with how much of the promise's error probability. */
interface Testing {
  /** Which images, to follow "images" in a sentence; default all that calibrate. */
  readonly group?: string;
  readonly errorShare?: number | undefined;
}

/** @throws CalibrationError when so many images cannot prove the promise whatever the networks answer. */
export function checkEnough(images: number, promise: TwinPromise, { group = "", errorShare }: Testing): void {
  const needed = imagesNeeded(spending(promise, errorShare));
  if (images >= needed) return;
  const allowed = images === 0 ? "" : `; these allow ${alternatives(images, promise)}`;
  throw new CalibrationError(
    `${describePromise(promise)} needs at least ${needed} images${group || " beside those that place the thresholds"}, received ${images}${allowed}`,
  );
}

/** @throws CalibrationError when some class has too few images of its own. */
export function checkEachEnough(
  classes: readonly (readonly number[])[],
  promise: TwinPromise,
  { names, errorShare }: Pick<Testing, "errorShare"> & { readonly names?: Names },
): void {
  for (const [index, { length }] of classes.entries()) {
    checkEnough(length, promise, { group: ` of class ${nameOf(index, names)}`, errorShare });
  }
}

function alternatives(images: number, promise: TwinPromise): string {
  const { kind, tolerance, probability } = promise;
  const looser = { ...promise, tolerance: toleranceAllowed(kind, images, probability) };
  const surer = { ...promise, probability: probabilityAllowed(kind, images, tolerance) };
  return `at best ${describePromise(looser)}, or ${describePromise(surer)}`;
}
