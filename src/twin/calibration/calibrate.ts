import { CalibrationError } from "../../errors.ts";
import { defaultConfidence } from "../confidence/index.ts";
import type { ConfidenceMeasure, ConfidenceSpec } from "../types.ts";
import { raised, tested } from "./allowance.ts";
import { type ClassResult, classResults, groupByClass, imagesOfClasses } from "./classes.ts";
import { checkDecidable, checkEachEnough, checkEnough, checkLabelledClasses } from "./degenerate.ts";
import { checkGrid } from "./grid.ts";
import { checkOutputs, type TwinOutputs } from "./outputs.ts";
import {
  checkPromise,
  describePromise,
  type LossTest,
  percent,
  promiseTest,
  spending,
  sum,
  type TwinPromise,
} from "./promise.ts";
import { type LossTable, lossesAt, lossesOf, type Sample, sampleOf } from "./sample.ts";
import { acceptedOf, startsOf, testGroups } from "./sequence.ts";

/** What calibration starts from. */
export interface CalibrationRequest extends TwinOutputs {
  /** Falling thresholds from other images: see `thresholdGrid`. */
  readonly grid: readonly number[];
  readonly promise: TwinPromise;
  /** Margin unless given. */
  readonly confidence?: ConfidenceSpec;
  /** Whether the promise is to hold for each class on its own, not only for all images together. */
  readonly worstClass?: boolean;
  /**
   * Share of the error probability that this calibration may use, where the caller tries another when it is refused: their
   * shares make 1 at most (Bonferroni). Default 1.
   */
  readonly errorShare?: number;
  /** Names of the classes, for messages; numbered when absent. */
  readonly names?: readonly string[];
}

/** One threshold of the ladder. It is used raised by its allowance, and so are the rates below. */
export interface Rung {
  readonly threshold: number;
  /**
   * The smallest tolerance that the images prove at this threshold, at the promise's probability (less where
   * `errorShare` leaves less), for this rung on its own; with `worstClass`, of the worst class.
   */
  readonly bound: number;
  /** Share of the images that the compressed network hands on. */
  readonly escalationRate: number;
  /** Share of the images that reach the float32 original: less than the escalation rate with a second stage. */
  readonly originalRate: number;
  /** Share of the images on which twin and original give the same class. */
  readonly agreement: number;
  /** Accuracy lost on the images; present with labels, and an unlabelled answer that differs counts as lost. */
  readonly drop?: number;
}

/** A threshold with its guarantee. */
export interface Calibration {
  readonly promise: TwinPromise;
  readonly worstClass: boolean;
  readonly confidence: ConfidenceSpec;
  /** How many images calibrated. */
  readonly images: number;
  /** Accepted thresholds, from high escalation to low. All of them keep the promise, with its probability. */
  readonly ladder: readonly Rung[];
  /** The last accepted rung: the fewest escalations that the promise allows. */
  readonly chosen: Rung;
  /** The threshold behind the chosen one, which could not be proven; absent at the end of the grid. */
  readonly refused?: Rung;
  /** Per class at the chosen rung, by label where every image has one, else by the original's answer. */
  readonly classes: { readonly by: "label" | "original"; readonly results: readonly ClassResult[] };
}

/**
 * Finds the lowest threshold that keeps a promise, by testing along the grid from high escalation to low (`acceptedOf`).
 * The promise holds for new images of the distribution that these were drawn from, independently, provided that none of
 * them trained a network, chose the confidence or placed the grid.
 *
 * @throws UsageError when the promise makes no sense.
 * @throws CalibrationError when outputs, labels and grid do not fit together, when the images cannot tell (all
 *   confidences equal, one class, no disagreement, too few images), or when no threshold keeps the promise; the message
 *   tells the numbers and the way out.
 */
export function calibrate(request: CalibrationRequest): Calibration {
  const { grid, promise, confidence = defaultConfidence, worstClass = false } = request;
  checkGrid(grid);
  const task = prepare(request, (sample, groups) => checkImages(sample, groups, request));
  const starts = startsOf(grid, spending(promise, request.errorShare), task.fewest);
  const accepted = acceptedOf(grid, starts, task.accepts);
  const ladder = accepted.map((index) => rungAt(grid[index]!, task));
  const chosen = ladder.at(-1);
  if (chosen === undefined) throw nothingAccepted(rungAt(grid[0]!, task), { ...promise, worstClass }, task);
  const next = grid[accepted.at(-1)! + 1];
  const refused = next === undefined ? undefined : rungAt(next, task);
  const { sample, by, groups } = task;
  const results = classResults(groups, sample, raised(confidence.measure, chosen.threshold), promise.probability);
  const common = { promise, worstClass, confidence, images: sample.images, ladder, chosen };
  return { ...common, ...(refused && { refused }), classes: { by, results } };
}

/** What images prove at one threshold. */
export interface Proof {
  readonly proven: boolean;
  /** Its bound is the smallest tolerance that would have been proven. */
  readonly rung: Rung;
}

/**
 * Tests a promise at one threshold that was fixed before these images were seen, as calibration did.
 *
 * @throws CalibrationError when outputs and labels do not fit together, or are of one class; with `worstClass`, when some
 *   class has too few images
 */
export function proveAt(threshold: number, request: Omit<CalibrationRequest, "grid">): Proof {
  const { promise, worstClass = false, labels, names } = request;
  const task = prepare(request, (_, groups) => {
    if (labels !== undefined) checkLabelledClasses(labels, names);
    if (worstClass) checkEachEnough(groups, promise, { names });
  });
  return { proven: task.accepts(threshold, 1), rung: rungAt(threshold, task) };
}

/** A request that has been checked and made ready. */
interface Task {
  readonly sample: Sample;
  readonly measure: ConfidenceMeasure;
  /** Tests the promise at a threshold with a share of its error probability. */
  readonly accepts: (threshold: number, share: number) => boolean;
  /** The smallest tolerance that would have been accepted at a threshold. */
  readonly boundAt: (threshold: number) => number;
  /** Images in the smallest group that is tested on its own. */
  readonly fewest: number;
  readonly by: "label" | "original";
  /** The images of each class. */
  readonly groups: readonly number[][];
}

/** `check` refuses images that cannot do what is asked. */
function prepare(
  request: Omit<CalibrationRequest, "grid">,
  check: (sample: Sample, groups: readonly number[][]) => void,
): Task {
  const { promise, confidence = defaultConfidence, worstClass = false, errorShare = 1 } = request;
  checkPromise(promise);
  checkOutputs(request);
  const sample = sampleOf(request, confidence);
  const grouping = groupByClass(request, sample);
  const groups = imagesOfClasses(grouping);
  const losses = requireLosses(sample, promise);
  check(sample, groups);
  const apart = worstClass ? groups : [[...sample.confidence.keys()]];
  const testOf = (share: number): LossTest => testGroups(promiseTest(spending(promise, errorShare * share)), apart);
  const { measure } = confidence;
  const lossesAround = (threshold: number) => tested(measure, threshold).map((place) => lossesAt(losses, place));
  return {
    sample,
    measure,
    accepts: (threshold, share) => lossesAround(threshold).every((all) => testOf(share).accepts(all)),
    boundAt: (threshold) => Math.max(...lossesAround(threshold).map((all) => testOf(1).bound(all))),
    fewest: Math.min(...apart.map(({ length }) => length)),
    by: grouping.by,
    groups,
  };
}

function checkImages(
  sample: Sample,
  groups: readonly number[][],
  { promise, labels, names, errorShare, worstClass = false }: CalibrationRequest,
): void {
  checkDecidable(sample, promise, names);
  if (worstClass) checkEachEnough(groups, promise, { names, errorShare });
  else checkEnough(sample.images, promise, { errorShare });
  if (labels !== undefined) checkLabelledClasses(labels, names);
}

function requireLosses(sample: Sample, { kind }: TwinPromise): LossTable {
  const losses = lossesOf(sample, kind);
  if (losses !== undefined) return losses;
  throw new CalibrationError(
    "a promise on the drop needs labels where the networks differ: list those images with calibrate --to-label (labelsNeeded in the library), or promise an agreement, which needs none",
  );
}

function rungAt(threshold: number, { sample, boundAt, measure }: Task): Rung {
  const { images, confidence, differing, lost, passesSecond } = sample;
  const inUse = raised(measure, threshold);
  const escalated = [...confidence.keys()].filter((image) => confidence[image]! < inUse);
  const rung = {
    threshold,
    bound: boundAt(threshold),
    escalationRate: escalated.length / images,
    originalRate: escalated.filter(passesSecond).length / images,
    agreement: (images - sum(lossesAt(differing, inUse))) / images,
  };
  return lost === undefined ? rung : { ...rung, drop: sum(lossesAt(lost, inUse)) / images };
}

function nothingAccepted(
  { bound, escalationRate }: Rung,
  promise: Parameters<typeof describePromise>[0],
  { sample }: Task,
): CalibrationError {
  const provable = describePromise({ ...promise, tolerance: bound });
  return new CalibrationError(
    `no threshold keeps ${describePromise(promise)} on these ${sample.images} images: at an escalation rate of ${percent(escalationRate)} % they prove no more than ${provable}. Promise less, or give more images or labels; what is tried again and again on the same images is less sure than it says`,
  );
}
