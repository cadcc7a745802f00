import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Model } from "../../onnx/index.ts";
import { divergenceOf } from "../logits.ts";
import { chooseOptions } from "./choose.ts";
import type { Costs } from "./costs.ts";
import { answersOf, type SlimImages } from "./images.ts";
import { withWeights } from "./layers.ts";
import type { WidthOption } from "./options.ts";
import type { Site } from "./sites.ts";

/** A site with the widths that it may have, from the widest. */
export interface SiteOptions {
  readonly site: Site;
  readonly options: readonly WidthOption[];
}

export interface SearchOptions {
  /** The most that the model may cost. */
  readonly budget: number;
  readonly costs: Costs;
  /** Images to compare candidates on, other than those that the fits are made on. */
  readonly held: SlimImages;
  /** Random re-weightings of the errors, as many as there is time for. */
  readonly candidates: number;
  /** When to take the best so far, by `performance.now()`. */
  readonly deadline: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onCandidate?: ((done: number, total: number) => void) | undefined;
}

/**
 * Widths for all sites within the budget. Errors of single layers only say roughly what the whole network loses, so the
 * choice is made under random re-weightings of them too, and the networks stitched together from the layers' own fits are
 * compared by their divergence from the original. Sources: SPDY, 2022; ZipLM, 2023.
 *
 * @returns the index of the option of each site
 */
export async function searchWidths(
  original: Model,
  sites: readonly SiteOptions[],
  options: SearchOptions,
): Promise<number[]> {
  const { held, threads, candidates, deadline, onCandidate, signal } = options;
  const reference = await answersOf(original, held, threads);
  const chooser = await Chooser.create(sites, options);
  const weigh = reweighting(options.seed);
  const seen = new Set<string>();
  let best: { choice: number[]; divergence: number } | undefined;
  for (let candidate = 0; candidate <= candidates; candidate++) {
    signal?.throwIfAborted();
    if (best !== undefined && performance.now() > deadline) break;
    const choice = await chooser.choose(candidate === 0 ? sites.map(() => 1) : sites.map(weigh));
    onCandidate?.(candidate + 1, candidates + 1);
    if (seen.has(choice.join())) continue;
    seen.add(choice.join());
    const divergence = divergenceOf(reference, await answersOf(stitched(original, sites, choice), held, threads));
    if (best === undefined || divergence < best.divergence) best = { choice, divergence };
  }
  return best!.choice;
}

/** Factors with a logarithm that is uniform in [-1, 1]. */
function reweighting(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () => Math.exp(2 * uniformFloat64(random) - 1);
}

/** The original with each layer as its own elimination left it. */
function stitched(original: Model, sites: readonly SiteOptions[], choice: readonly number[]): Model {
  return sites.reduce((model, { site, options }, at) => {
    const { width, weights, bias } = options[choice[at]!]!;
    return width === site.group.size ? model : withWeights(model, site.layer, weights, bias);
  }, original);
}

/** How often the budget of the dynamic programme is halved in the search for one that meets the real cost. */
const bisections = 16;

/**
 * Chooses widths whose real cost keeps to the budget. The dynamic programme adds up what each site saves alone; where one
 * site's units are the inputs of the next one's producer, that counts some savings twice, and its budget is lowered until
 * the real cost fits.
 */
class Chooser {
  readonly #sites: readonly SiteOptions[];
  readonly #costs: Costs;
  readonly #budget: number;
  /** What each site adds at each of its options to the sum of all sites at their narrowest. */
  readonly #added: readonly (readonly number[])[];
  /** What the model would cost with all sites at their narrowest, were their savings independent. */
  readonly #base: number;

  private constructor(
    sites: readonly SiteOptions[],
    { costs, budget }: SearchOptions,
    full: number,
    alone: readonly (readonly number[])[],
  ) {
    const least = alone.map((row) => Math.min(...row));
    this.#sites = sites;
    this.#costs = costs;
    this.#budget = budget;
    this.#added = alone.map((row, at) => row.map((cost) => cost - least[at]!));
    this.#base = least.reduce((sum, cost) => sum + cost - full, full);
  }

  static async create(sites: readonly SiteOptions[], options: SearchOptions): Promise<Chooser> {
    const { costs } = options;
    const widest = sites.map(({ site }) => site.group.size);
    const alone: number[][] = [];
    for (const [at, site] of sites.entries()) {
      const row: number[] = [];
      for (const { width } of site.options) row.push(await costs.of(widest.with(at, width)));
      alone.push(row);
    }
    return new Chooser(sites, options, await costs.of(widest), alone);
  }

  /** The best choice when each site's error counts so much. */
  async choose(factors: readonly number[]): Promise<number[]> {
    let [low, high] = [0, this.#budget - this.#base];
    let best = this.#narrowest();
    for (let step = 0, aim = high; step < bisections; step++, aim = (low + high) / 2) {
      const choice = this.#within(aim, factors);
      const fits = choice !== undefined && (await this.#costOf(choice)) <= this.#budget * (1 + 1e-9);
      if (fits) best = choice;
      if (fits && step === 0) break;
      if (fits) low = aim;
      else high = aim;
    }
    return best;
  }

  #within(budget: number, factors: readonly number[]): number[] | undefined {
    const costed = this.#sites.map(({ options }, at) =>
      options.map(({ error }, index) => ({ cost: this.#added[at]![index]!, error: error * factors[at]! })),
    );
    return chooseOptions(costed, budget);
  }

  #narrowest(): number[] {
    return this.#sites.map(({ options }) => options.length - 1);
  }

  #costOf(choice: readonly number[]): Promise<number> {
    return this.#costs.of(choice.map((index, at) => this.#sites[at]!.options[index]!.width));
  }
}
