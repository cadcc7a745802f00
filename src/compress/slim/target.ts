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

/** What the model costs, in the unit of the target. */
export interface Reach {
  readonly full: number;
  /** With all sites at their narrowest. */
  readonly least: number;
  /** The most that it may cost by the target. */
  readonly limit: number;
}

/** @throws UsageError when not even the narrowest widths cost as little as the target allows */
export async function withinReach(budget: Budget, sites: readonly Site[], costs: Costs): Promise<Reach> {
  const full = await costs.of(sites.map(({ group }) => group.size));
  const least = await costs.of(sites.map((site) => widthsOf(site).at(-1)!));
  const limit = budget.limit(full);
  if (least <= limit) return { full, least, limit };
  throw new UsageError(
    `the target is ${percent(limit / full, 0)} of the original; thinning its layers reaches ${percent(least / full, 0)} at the least, ask for no less`,
  );
}

function check(name: string, value: number, isAllowed: boolean, wanted: string): void {
  if (!isAllowed) throw new UsageError(`the target ${name} must be ${wanted}, received ${value}`);
}
