import type { Model } from "../../onnx/index.ts";
import { type Keep, removeBlock, removeChannels } from "../surgery/index.ts";
import type { SlimImages } from "./images.ts";
import { weightsOf, withWeights } from "./layers.ts";
import type { Fit, Site } from "./sites.ts";
import { biasFor, type CentredProblem, collectStatistics, type StatisticsOptions } from "./statistics.ts";
import { thinningOf } from "./thinning.ts";

/** How many units of a site stay; none removes its residual block. */
export interface Choice {
  readonly site: Site;
  readonly width: number;
}

export interface PruneOptions extends StatisticsOptions {
  /** Whether there is time for the exact elimination of a site's units; default always. */
  readonly isExact?: ((site: Site) => boolean) | undefined;
  readonly onSite?: ((done: number, total: number) => void) | undefined;
}

/**
 * Thins groups one after another in the order of the graph: each layer is fitted to the original's output on the inputs
 * that the network so far gives it, so that later layers repair what earlier ones lost. In closed form: nothing is trained.
 * Source: He et al., "Channel pruning for accelerating very deep neural networks", 2017, section 3 (asymmetric refit).
 *
 * @param original - simplified; the sites are its own
 */
export async function prune(
  original: Model,
  choices: readonly Choice[],
  images: SlimImages,
  options: PruneOptions,
): Promise<Model> {
  let current = original;
  const keeps: Keep[] = [];
  const thinned = choices.filter(({ site, width }) => width < site.group.size);
  for (const [at, { site, width }] of thinned.entries()) {
    const problem = await statisticsOf(original, current, site, images, options);
    const thinning = await thinningOf(
      problem,
      weightsOf(current, site.layer),
      site.units,
      options.isExact?.(site) ?? true,
    );
    thinning.reduceTo(width);
    const weights = await thinning.refitted();
    const bias = width > 0 ? biasFor(problem, weights) : new Float64Array(site.layer.outputs);
    current = withWeights(current, site.layer, weights, bias);
    if (width > 0) keeps.push({ group: site.group, keep: thinning.kept });
    options.onSite?.(at + 1, thinned.length);
  }
  return withoutBlocks(removeChannels(current, keeps), thinned);
}

/** The network of these widths, its weights not fitted to them: to be timed. */
export function ofWidths(original: Model, choices: readonly Choice[]): Model {
  const thinned = choices.filter(({ site, width }) => width > 0 && width < site.group.size);
  const keeps = thinned.map(({ site, width }) => ({ group: site.group, keep: [...Array(width).keys()] }));
  return withoutBlocks(removeChannels(original, keeps), choices);
}

function withoutBlocks(model: Model, choices: readonly Choice[]): Model {
  return choices.reduce(
    (result, { site, width }) => (width === 0 && site.block !== undefined ? removeBlock(result, site.block) : result),
    model,
  );
}

/** Fits one layer anew to what the original gives, without removing anything. */
export async function refit(
  original: Model,
  current: Model,
  fit: Fit,
  images: SlimImages,
  options: StatisticsOptions,
): Promise<Model> {
  const problem = await statisticsOf(original, current, fit, images, options);
  const weights = await (await thinningOf(problem, weightsOf(current, fit.layer), [], true)).refitted();
  return withWeights(current, fit.layer, weights, biasFor(problem, weights));
}

async function statisticsOf(
  original: Model,
  current: Model,
  fit: Fit,
  images: SlimImages,
  options: StatisticsOptions,
): Promise<CentredProblem> {
  const [problem] = await collectStatistics(original, current, [fit], images, options);
  return problem!;
}
