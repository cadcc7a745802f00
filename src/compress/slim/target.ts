import { UsageError } from "../../errors.ts";
import { percent } from "../../figures.ts";
import { int8Bytes, LatencyTable, shapeMacs } from "../latency/index.ts";
import type { Costs, Measure } from "./costs.ts";
import { widthsOf } from "./options.ts";
import type { Site } from "./sites.ts";
import type { SlimTarget } from "./types.ts";

/** A target as the search wants it. */
export interface Budget {
  /** How a model that costs so much is called, and one that costs the least. */
  readonly describe: (cost: number, original: number) => string;
  readonly measure: Measure;
  /** The most that the model may cost, given what the original costs. */
  readonly limit: (original: number) => number;
}

/** @throws UsageError for a target out of range */
export function budgetFor(target: SlimTarget): Budget {
  if ("speedUp" in target) {
    check("speedUp", target.speedUp, target.speedUp > 1, "above 1");
    const table = new LatencyTable();
    return {
      measure: (shape) => table.milliseconds(shape),
      limit: (original) => original / target.speedUp,
      describe: (cost, original) => `a speed-up of ${(original / cost).toFixed(1)}`,
    };
  }
  if ("macs" in target) {
    check("macs", target.macs, target.macs > 0 && target.macs < 1, "a share between 0 and 1");
    return {
      measure: shapeMacs,
      limit: (original) => original * target.macs,
      describe: (cost, original) => `${percent(cost / original, 2)} of the multiply-adds`,
    };
  }
  check("size", target.size, target.size > 0, "a number of bytes above 0");
  return {
    measure: int8Bytes,
    limit: () => target.size,
    describe: (cost) => `${Math.ceil(cost)} bytes in int8`,
  };
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
    `${budget.describe(limit, full)} cannot be had by thinning the layers, which reaches ${budget.describe(least, full)}; ask for no more than that`,
  );
}

function check(name: string, value: number, isAllowed: boolean, wanted: string): void {
  if (!isAllowed) throw new UsageError(`the target ${name} must be ${wanted}, received ${value}`);
}
