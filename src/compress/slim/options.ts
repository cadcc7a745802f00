import type { Model } from "../../onnx/index.ts";
import { weightsOf } from "./layers.ts";
import { copyMatrix, type Matrix } from "./linear-algebra.ts";
import type { Site } from "./sites.ts";
import { biasFor, type CentredProblem } from "./statistics.ts";
import { thinningOf } from "./thinning.ts";

/** A site at one of its widths: what it would lose, and the layer that would remain. */
export interface WidthOption {
  readonly width: number;
  /** Relative to the sum of squares of what the original gives there. */
  readonly error: number;
  /** Zero in the rows of removed units. */
  readonly weights: Matrix;
  readonly bias: Float64Array;
}

/** Widths that a site may have, from the widest: in steps, and 0 where its whole block can go. */
export function widthsOf({ group: { size }, block }: Site): number[] {
  const step = size >= 128 ? 8 : size >= 16 ? 4 : Math.max(1, Math.floor(size / 4));
  const stepped = Array.from({ length: Math.floor(size / step) }, (_, i) => (i + 1) * step);
  return [...new Set([...(block === undefined ? [] : [0]), ...stepped, size])].toReversed();
}

/** What a site loses at each of its widths: one elimination gives them all, exact or in less time. */
export async function widthOptions(
  problem: CentredProblem,
  model: Model,
  site: Site,
  isExact: boolean,
): Promise<WidthOption[]> {
  const given = weightsOf(model, site.layer);
  const thinning = await thinningOf(problem, given, site.units, isExact);
  return widthsOf(site).map((width) => {
    if (width === site.group.size) return { width, error: 0, weights: given, bias: biasFor(problem, given) };
    thinning.reduceTo(width);
    const weights = copyMatrix(thinning.weights);
    if (width === 0) return { width, error: withoutBlock(thinning.error, problem), weights, bias: noBias(problem) };
    return { width, error: thinning.error / problem.scale, weights, bias: biasFor(problem, weights) };
  });
}

/** A block that goes takes its bias along. */
const noBias = ({ targetMeans }: CentredProblem): Float64Array => new Float64Array(targetMeans.length);

function withoutBlock(error: number, { samples, targetMeans, scale }: CentredProblem): number {
  return (error + samples * targetMeans.reduce((sum, mean) => sum + mean ** 2, 0)) / scale;
}
