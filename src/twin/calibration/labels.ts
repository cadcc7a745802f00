import { defaultConfidence } from "../confidence/index.ts";
import type { ConfidenceSpec } from "../types.ts";
import { checkGrid } from "./grid.ts";
import { checkOutputs, type TwinOutputs } from "./outputs.ts";
import { sampleOf } from "./sample.ts";

/** Which labels would serve a promise on the drop. */
export interface LabelRequest extends TwinOutputs {
  /** The grid that calibration will walk. */
  readonly grid: readonly number[];
  /** Margin unless given. */
  readonly confidence?: ConfidenceSpec;
  /** The lowest threshold that matters; the grid's last unless given. */
  readonly downTo?: number;
}

/**
 * The images whose label a promise on the drop needs and lacks: those with an answer that differs from the original's and
 * that stands at some threshold. The others lose nothing, whatever they show. Surest answers first: each label of the list
 * serves its own threshold and all lower ones, so labelling may stop anywhere; what is left counts as lost.
 *
 * @returns indices of images
 */
export function labelsNeeded(request: LabelRequest): number[] {
  const { grid, labels, confidence: spec = defaultConfidence, downTo = grid.at(-1)! } = request;
  checkOutputs(request);
  checkGrid(grid);
  const { confidence, answers } = sampleOf(request, spec);
  const { compressed, escalated, original } = answers;
  const stands = (image: number) => confidence[image]! >= downTo && compressed[image] !== original[image];
  const standsLater = (image: number) => confidence[image]! < grid[0]! && escalated[image] !== original[image];
  return [...confidence.keys()]
    .filter((image) => (labels?.[image] ?? -1) < 0 && (stands(image) || standsLater(image)))
    .sort((a, b) => confidence[b]! - confidence[a]!);
}
