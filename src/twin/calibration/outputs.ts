import { CalibrationError } from "../../errors.ts";
import type { Logits } from "../types.ts";

/** The stage between: the original in int8. */
export interface SecondStage {
  readonly logits: Logits;
  /** Its answers with confidence >= threshold stand, others go on to the float32 original; absent: all of them stand. */
  readonly threshold?: number;
}

/** What each network of a twin answered, on the same images in the same order. */
export interface TwinOutputs {
  readonly compressed: Logits;
  /** Of the float32 original, which all losses are counted against. */
  readonly original: Logits;
  readonly second?: SecondStage;
  /** Index of each image's true class; -1 where it is not known. */
  readonly labels?: Int32Array;
}

/** @throws CalibrationError when counts, classes, logits or labels do not fit together. */
export function checkOutputs(outputs: TwinOutputs): void {
  const { original, labels } = outputs;
  const networks = { compressed: outputs.compressed, original, "original-int8": outputs.second?.logits };
  if (original.count === 0) throw new CalibrationError("there are no images: give a folder that holds some");
  for (const [name, logits] of Object.entries(networks)) {
    if (logits === undefined) continue;
    checkShape(name, logits, original);
    checkFinite(name, logits);
  }
  if (labels !== undefined) checkLabels(labels, original);
}

function checkShape(name: string, { data, count, classes }: Logits, original: Logits): void {
  if (classes !== original.classes) {
    throw new CalibrationError(
      `the ${name} network has ${classes} classes, the original ${original.classes}: they cannot be a pair`,
    );
  }
  if (count !== original.count || data.length !== count * classes) {
    throw new CalibrationError(
      `the ${name} network answered ${count} images with ${data.length} logits, but ${original.count} images of ${classes} classes were expected`,
    );
  }
  if (classes < 2) throw new CalibrationError(`the ${name} network has ${classes} class: nothing can be told apart`);
}

function checkFinite(name: string, { data, classes }: Logits): void {
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong === -1) return;
  const [image, index] = [Math.floor(wrong / classes), wrong % classes];
  throw new CalibrationError(
    `the ${name} network put out ${data[wrong]} for class ${index} of image ${image}: check its weights and the preprocessing`,
  );
}

function checkLabels(labels: Int32Array, { count, classes }: Logits): void {
  if (labels.length !== count)
    throw new CalibrationError(`${count} images but ${labels.length} labels: give one for each`);
  const wrong = labels.findIndex((label) => label < -1 || label >= classes);
  if (wrong === -1) return;
  throw new CalibrationError(
    `image ${wrong} has label ${labels[wrong]}, but the networks know classes 0 to ${classes - 1} (-1: not known)`,
  );
}
