/** One way to have a site: what it costs, and what it loses. */
export interface CostedOption {
  /** In the unit of the budget; not negative. */
  readonly cost: number;
  readonly error: number;
}

/** Steps into which the budget is cut: costs are rounded up to whole steps, so a choice never breaks the budget. */
const resolution = 4096;

/**
 * One option for each site, so that the sum of errors is least while the sum of costs stays within the budget: a knapsack
 * with one item of each class, by dynamic programme over costs. Source: SPDY, Frantar & Alistarh 2022, section 3.1.
 *
 * @returns the index of the chosen option of each site; undefined when the budget does not allow any choice
 */
export function chooseOptions(sites: readonly (readonly CostedOption[])[], budget: number): number[] | undefined {
  if (budget < 0) return undefined;
  const stepsOf = ({ cost }: CostedOption): number =>
    cost === 0 ? 0 : budget === 0 ? Number.POSITIVE_INFINITY : Math.ceil((cost / budget) * resolution - 1e-9);
  let least = new Float64Array(resolution + 1);
  const chosen = sites.map((options) => {
    const table = addSite(least, options, stepsOf);
    least = table.least;
    return table.choice;
  });
  return Number.isFinite(least[resolution]!) ? traceBack(sites, chosen, stepsOf) : undefined;
}

interface SiteTable {
  /** The least sum of errors so far, for at most so many steps of cost. */
  readonly least: Float64Array<ArrayBuffer>;
  /** The option of this site that gives it. */
  readonly choice: Int32Array;
}

function addSite(
  before: Float64Array,
  options: readonly CostedOption[],
  stepsOf: (option: CostedOption) => number,
): SiteTable {
  const least = new Float64Array(before.length).fill(Number.POSITIVE_INFINITY);
  const choice = new Int32Array(before.length).fill(-1);
  for (const [index, option] of options.entries()) {
    for (let steps = stepsOf(option), at = steps; at < before.length; at++) {
      const error = before[at - steps]! + option.error;
      if (error >= least[at]!) continue;
      least[at] = error;
      choice[at] = index;
    }
  }
  return { least, choice };
}

function traceBack(
  sites: readonly (readonly CostedOption[])[],
  chosen: readonly Int32Array[],
  stepsOf: (option: CostedOption) => number,
): number[] {
  const result: number[] = [];
  let at = resolution;
  for (let site = sites.length - 1; site >= 0; site--) {
    const index = chosen[site]![at]!;
    result.unshift(index);
    at -= stepsOf(sites[site]![index]!);
  }
  return result;
}
