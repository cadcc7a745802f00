import { UsageError } from "../../errors.ts";
import { percent } from "../../figures.ts";
import { LatencyTable, shapeMacs, shapeWeights } from "../latency/index.ts";
import type { Costs, Measure } from "./costs.ts";
import { widthsOf } from "./options.ts";
import type { Site } from "./sites.ts";
import type { SlimTarget } from "./types.ts";

/** A target as the search wants it. */
export interface Budget {
  readonly measure: Measure;
  /** The most that the model may cost, given what the original costs. */
  readonly limit: (original: number) => number;
}

const bytesPerWeight = 4;

/** @throws UsageError for a target out of range */
export function budgetFor(target: SlimTarget): Budget {
  if ("speedUp" in target) {
    check("speedUp", target.speedUp, target.speedUp > 1, "above 1");
    const table = new LatencyTable();
    return { measure: (shape) => table.milliseconds(shape), limit: (original) => original / target.speedUp };
  }
  if ("macs" in target) {
    check("macs", target.macs, target.macs > 0 && target.macs < 1, "a share between 0 and 1");
    return { measure: shapeMacs, limit: (original) => original * target.macs };
  }
  check("size", target.size, target.size > 0, "a number of bytes above 0");
  return { measure: (shape) => bytesPerWeight * shapeWeights(shape), limit: () => target.size };
}

/** What the model may cost. @throws UsageError when not even the narrowest widths cost so little */
export async function withinReach({ limit }: Budget, sites: readonly Site[], costs: Costs): Promise<number> {
  const full = await costs.of(sites.map(({ group }) => group.size));
  const least = await costs.of(sites.map((site) => widthsOf(site).at(-1)!));
  if (least <= limit(full)) return limit(full);
  throw new UsageError(
    `the target is ${percent(limit(full) / full, 0)} of the original; thinning its layers reaches ${percent(least / full, 0)} at the least, ask for no less`,
  );
}

function check(name: string, value: number, isAllowed: boolean, wanted: string): void {
  if (!isAllowed) throw new UsageError(`the target ${name} must be ${wanted}, received ${value}`);
}
