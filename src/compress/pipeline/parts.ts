import { type ImageSource, selectImages, splitImages } from "../../data/index.ts";
import { CalibrationError } from "../../errors.ts";
import { quantity } from "../../figures.ts";
import { describePromise, imagesNeeded, sharedImages, type TwinPromise } from "../../twin/index.ts";
import { fewestImages } from "../int8/calibration.ts";

/** The three disjoint parts of a run. */
export interface Parts {
  readonly training: ImageSource;
  readonly selection: ImageSource;
  readonly calibration: ImageSource;
}

/** What the parts are cut from. */
export interface PartsRequest {
  readonly images: ImageSource;
  /** Images that calibrate; a part of `images` when absent. */
  readonly calibration?: ImageSource | undefined;
  readonly promise: TwinPromise;
  readonly seed: number;
}

/** Selection serves to rank candidates and to place thresholds: a twentieth, at most so many. */
const mostSelection = 2000;
const selectionShare = 0.05;
/** Calibration takes a quarter, at most so many. */
const mostCalibration = 5000;
const calibrationShare = 0.25;
/** A promise that holds only if not one image is lost is of little use: twice the least number and more. */
const spare = 2;

/** The few images of a rare class are else easily all in one part. What calibrates is drawn regardless: its bounds are of independent images. */
const byClass = { stratified: true } as const;

/**
 * Cuts the images into those that train, those that select and those that calibrate, drawn by the seed: what calibrates first,
 * the others class by class where all images have one.
 *
 * @throws CalibrationError when they are too few for the promise; says how many it needs
 */
export async function cutParts({ images, calibration, promise, seed }: PartsRequest): Promise<Parts> {
  const { count } = await selectImages(images, {});
  const needed = imagesNeeded(promise);
  const selection = Math.min(mostSelection, Math.max(50, Math.round(selectionShare * count!)));
  if (calibration !== undefined) {
    const available = (await selectImages(calibration, {})).count!;
    refuseTooFew(calibration.name, available, needed, describePromise(promise));
    refuseTooFew(images.name, count!, selection + fewestImages, "training and selection");
    return { ...(await cutRest(images, selection, seed)), calibration };
  }
  const calibrating = Math.max(Math.min(mostCalibration, Math.round(calibrationShare * count!)), spare * needed);
  refuseTooFew(images.name, count!, selection + calibrating + fewestImages, describePromise(promise));
  const drawn = await splitImages(images, { calibration: calibrating, others: "rest" }, seed);
  return { ...(await cutRest(drawn.others, selection, seed)), calibration: drawn.calibration };
}

const cutRest = (images: ImageSource, selection: number, seed: number): Promise<Omit<Parts, "calibration">> =>
  splitImages(images, { selection, training: "rest" }, seed, byClass);

function refuseTooFew(name: string, available: number, needed: number, purpose: string): void {
  if (available >= needed) return;
  throw new CalibrationError(
    `${name}: gives ${quantity(available, "image")}; ${needed} are needed at least, for ${purpose}. Give more images, or ask for less`,
  );
}

/** Refuses calibration images that also train: they would promise too much. */
export function refuseShared(training: readonly string[], calibration: readonly string[], name: string): void {
  const shared = sharedImages(training, calibration);
  if (shared === 0) return;
  throw new CalibrationError(
    `${name}: ${shared} of ${calibration.length} images also train; give others to calibrate on`,
  );
}
