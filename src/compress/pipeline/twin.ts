import { CalibrationError } from "../../errors.ts";
import { readModel } from "../../onnx/index.ts";
import { type CalibrateResult, calibrateTwin, moveTwin, pairTwin } from "../../twin/index.ts";
import { integerForm, integerFormFiles } from "../ternary/integer-form/index.ts";
import { type Candidate, type Compression, counted } from "./context.ts";
import { type LoadedParts, loadedSource } from "./images.ts";
import { int8Beside } from "./int8.ts";
import type { CompressOptions } from "./options.ts";
import type { WorkFolder } from "./work-folder.ts";

/**
 * Makes the twin of a candidate in the work folder, proves the promise on the images in memory, and moves it to its place.
 *
 * @throws CalibrationError when the promise cannot be kept; says where the twin is
 */
export async function makeTwin(
  candidate: Candidate,
  images: LoadedParts,
  compression: Compression,
  options: CompressOptions,
): Promise<CalibrateResult> {
  const twin = compression.work.file("twin");
  const [int8] = await int8Beside(compression);
  const second = int8?.name === candidate.name ? undefined : int8;
  await pairCandidate(candidate, second, twin, images, compression, options);
  const calibrated = await prove(twin, images, second !== undefined, options);
  await moveTwin(twin, options.output, { replace: options.replace ?? false });
  return calibrated;
}

/** Pairs a candidate with the original, and `second` as its int8 form, in the folder `twin`. */
async function pairCandidate(
  candidate: Candidate,
  second: Candidate | undefined,
  twin: string,
  { training, selection }: LoadedParts,
  { work, original }: Compression,
  options: CompressOptions,
): Promise<void> {
  const { preprocessing, labels, seed } = options;
  const { recipe, network } = candidate;
  await pairTwin({
    original: options.original,
    compressed: work.file(network.file),
    originalInt8: second && work.file(second.network.file),
    integerForm: integerFormOf(candidate, work),
    preprocessing,
    labels,
    output: twin,
    replace: true,
    compression: {
      recipe,
      options: recorded(options),
      seed,
      sourceSha256: original.entry.sha256,
      training,
      selection,
    },
  });
}

/** Calibrates the twin on images in memory. Throws CalibrationError. */
async function prove(
  twin: string,
  images: LoadedParts,
  trySecond: boolean,
  { promise, seed, canaries, signal, onProgress }: CompressOptions,
): Promise<CalibrateResult> {
  const [selection, calibration] = [loadedSource(images.selection), loadedSource(images.calibration)];
  try {
    return await calibrateTwin(twin, calibration, {
      promise,
      selection,
      seed,
      trySecond,
      canaries,
      signal,
      onProgress: counted(onProgress, "calibrating", selection.count! + calibration.count!),
    });
  } catch (error) {
    throw error instanceof CalibrationError ? unproven(error, twin) : error;
  }
}

/** The files that a twin for hardware takes, where the network computes in integers alone. */
const integerFormOf = ({ network, inIntegers = false }: Candidate, work: WorkFolder) =>
  inIntegers ? integerFormFiles("compressed.integer", integerForm(readModel(work.file(network.file)))) : undefined;

/** What a promise that cannot be kept leaves: the best twin, which promises nothing yet. */
const unproven = (cause: CalibrationError, twin: string): CalibrationError =>
  new CalibrationError(`${cause.message}. The best twin so far is in ${twin}, without a promise`, { cause });

function recorded({ budget, flip, weightBits, target = {} }: CompressOptions): Record<string, number | boolean> {
  const given = Object.entries({ ...target, weightBits }).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  return { budgetSeconds: budget, flip, ...Object.fromEntries(given) };
}
