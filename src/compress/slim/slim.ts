import { CalibrationError, UsageError } from "../../errors.ts";
import { quantity } from "../../figures.ts";
import { type Model, modelCost, producers } from "../../onnx/index.ts";
import { shuffledIndices } from "../../shuffle.ts";
import { subset } from "../../train/index.ts";
import { simplify } from "../surgery/index.ts";
import { Costs } from "./costs.ts";
import type { SlimImages } from "./images.ts";
import { fittedLayer } from "./layers.ts";
import { mimic } from "./mimic.ts";
import { widthOptions } from "./options.ts";
import { type Choice, prune, refit } from "./prune.ts";
import { Ranking } from "./ranking.ts";
import { type SiteOptions, searchWidths } from "./search.ts";
import { type Found, settle } from "./settle.ts";
import { type Fit, findSites, type Site } from "./sites.ts";
import { collectStatistics } from "./statistics.ts";
import { budgetFor, type Reach, withinReach } from "./target.ts";
import type { SlimKeeper, SlimLayer, SlimOptions, SlimReport, SlimTarget } from "./types.ts";

/** Images below which nothing can be fitted and compared. */
const leastImages = 20;
/** A fifth of the images, at most so many, compares networks; the others are fitted on. */
const heldShare = 0.2;
const mostHeld = 256;
/** Share of the time that exact elimination may take; what is left of it serves the search, the refits and mimicking. */
const eliminationShare = 0.5;
/** Pixels by which images are moved in mimicking. */
const shift = 2;

/**
 * Makes a classifier smaller from few images without labels: widths are searched under a target, channels eliminated and
 * layers refitted in closed form one after another, residual blocks removed where that costs least, and the result trained
 * to mimic the original.
 *
 * @param model - float32, with an open batch
 * @throws CalibrationError for too few images; UsageError for a target out of range or out of reach
 */
export async function slim(
  model: Model,
  images: SlimImages,
  options: SlimOptions,
): Promise<{ model: Model; report: SlimReport }> {
  const budget = budgetFor(options.target);
  const parts = splitImages(images, options.seed ?? 0);
  const original = await simplify(model);
  const run = new SlimRun(original, parts.fitting, parts.held, options);
  const { sites, kept } = findSites(original);
  if (sites.length === 0)
    throw new UsageError(`no group of channels can be thinned: ${kept[0]?.reason ?? "none found"}`);
  const costs = new Costs(original, sites, budget.measure);
  const reach = await withinReach(budget, sites, costs);
  const { widths, layers } = await run.widths(sites, reach, costs, options.target);
  const choices = sites.map((site, at) => ({ site, width: widths[at]! }));
  const { ranking, notMimicked } = await run.shrink(choices);
  const best = ranking.best.model;
  return {
    model: best,
    report: {
      layers,
      kept,
      hurried: run.hurried,
      macs: { before: modelCost(original).macs, after: modelCost(best).macs },
      networks: ranking.networks.map(({ name, divergence, agreement }) => ({ name, divergence, agreement })),
      ...(notMimicked === undefined ? {} : { notMimicked }),
    },
  };
}

interface FoundWidths extends Found {
  readonly layers: readonly SlimLayer[];
}

/** Keeps nothing. */
const forgetful: SlimKeeper = {
  once: (_, make) => make(),
  model: (_, make) => make(),
};

/** The steps of one run, on its images. */
class SlimRun {
  readonly #original: Model;
  readonly #fitting: SlimImages;
  readonly #held: SlimImages;
  /** Groups that were thinned without exact elimination. */
  #hurried = new Set<string>();
  readonly #options: Required<Omit<SlimOptions, "target" | "signal">> & Pick<SlimOptions, "signal">;

  constructor(original: Model, fitting: SlimImages, held: SlimImages, options: SlimOptions) {
    const defaults = {
      seed: 0,
      threads: 1,
      fitted: 500,
      candidates: 50,
      steps: 400,
      deadline: Number.POSITIVE_INFINITY,
      flip: true,
      onProgress: () => {},
      mimicking: {},
      keeper: forgetful,
    };
    this.#original = original;
    this.#fitting = fitting;
    this.#held = held;
    this.#options = { ...defaults, ...options };
  }

  /** The width of each site, and what became of each. */
  async widths(sites: readonly Site[], reach: Reach, costs: Costs, target: SlimTarget) {
    const kept = await this.#options.keeper.once("widths", async () => {
      const { choices, layers } = await this.#search(await this.#widthOptions(sites), reach, costs, target);
      return { widths: choices.map(({ width }) => width), layers, hurried: [...this.#hurried] };
    });
    this.#hurried = new Set(kept.hurried);
    return kept;
  }

  /** What every site loses at every width, each on its own. */
  async #widthOptions(sites: readonly Site[]): Promise<SiteOptions[]> {
    const found: SiteOptions[] = [];
    const { deadline } = this.#options;
    const end = performance.now() + eliminationShare * (deadline - performance.now());
    for (const some of inChunks(sites)) {
      const problems = await collectStatistics(this.#original, this.#original, some, this.#fitting, this.#statistics);
      for (const [at, site] of some.entries()) {
        found.push({
          site,
          options: await widthOptions(problems[at]!, this.#original, site, this.#hasTime(site, end)),
        });
        this.#options.onProgress("slim: elimination", found.length, sites.length);
      }
    }
    return found;
  }

  /** Half of the time that is left is for mimicking. */
  #search(found: readonly SiteOptions[], reach: Reach, costs: Costs, target: SlimTarget): Promise<FoundWidths> {
    const { onProgress, candidates, deadline, seed, threads, signal } = this.#options;
    const end = (performance.now() + deadline) / 2;
    return settle(this.#original, target, reach, end, async (budget, searches) => {
      const chosen = await searchWidths(this.#original, found, {
        budget,
        costs,
        deadline: performance.now() + (end - performance.now()) / searches,
        held: this.#held,
        candidates,
        seed,
        threads,
        signal,
        onCandidate: (done, total) => onProgress("slim: search", done, total),
      });
      const choices = found.map(({ site, options }, at) => ({ site, width: options[chosen[at]!]!.width }));
      const layers = found.map((site, at) => layerReport(site, chosen[at]!));
      return { choices, layers, cost: await costs.of(choices.map(({ width }) => width)) };
    });
  }

  /** Prunes in closed form, refits the classifier and mimics; all networks on the way are ranked. */
  async shrink(choices: readonly Choice[]): Promise<{ ranking: Ranking; notMimicked?: string }> {
    const { onProgress, threads, deadline, keeper } = this.#options;
    const isExact = (site: Site): boolean => this.#hasTime(site, deadline);
    const onSite = (done: number, total: number): void => onProgress("slim: refitting", done, total);
    const pruned = await keeper.model("refitted", () =>
      prune(this.#original, choices, this.#fitting, { ...this.#statistics, isExact, onSite }),
    );
    this.#hurried = new Set(await keeper.once("hurried layers", async () => [...this.#hurried]));
    const ranking = await Ranking.start(this.#original, this.#held, threads);
    await ranking.add("refitted layers", pruned);
    const answer = answerFit(this.#original);
    await this.#refitAnswer(ranking, answer, "refitted classifier");
    const reason = await this.#mimic(ranking, answer);
    return reason === undefined ? { ranking } : { ranking, notMimicked: reason };
  }

  /** Layers that were thinned without exact elimination for want of time. */
  get hurried(): number {
    return this.#hurried.size;
  }

  #hasTime(site: Site, end: number): boolean {
    const isExact = performance.now() < end;
    if (!isExact) this.#hurried.add(site.group.id);
    return isExact;
  }

  async #refitAnswer(ranking: Ranking, answer: Fit | undefined, name: string): Promise<void> {
    const { model } = ranking.networks.at(-1)!;
    const own = answerFit(model);
    if (answer === undefined || own === undefined) return;
    const fit = { ...answer, layer: own.layer };
    await ranking.add(name, await refit(this.#original, model, fit, this.#fitting, this.#statistics));
  }

  /** Why it was not done, if so. */
  async #mimic(ranking: Ranking, answer: Fit | undefined): Promise<string | undefined> {
    const { onProgress, steps, deadline, flip, seed, threads, signal, mimicking, keeper } = this.#options;
    if (steps === 0) return undefined;
    const trained = await mimic(this.#original, ranking.networks[0]!.model, answer, this.#fitting, {
      steps,
      deadline,
      flip,
      shift,
      seed,
      threads,
      keeper,
      signal,
      ...mimicking,
      onStep: (progress) => {
        mimicking.onStep?.(progress);
        onProgress("slim: mimicking", progress.step, progress.steps);
      },
    });
    if ("reason" in trained) return trained.reason;
    await ranking.add("mimicking", trained);
    await this.#refitAnswer(ranking, answer, "mimicking, refitted classifier");
    return undefined;
  }

  get #statistics() {
    const { seed, threads, fitted, signal } = this.#options;
    return { seed, threads, most: fitted, signal };
  }
}

/** Operators that leave the answers as they are. */
const reshaping = new Set(["Flatten", "Reshape", "Squeeze", "Identity"]);

/** The layer that gives the answers, fitted to the original's; undefined where the answers come from something else. */
function answerFit(model: Model): Fit | undefined {
  const makers = producers(model.graph);
  let node = makers.get(model.graph.outputs[0]!.name);
  while (node !== undefined && reshaping.has(node.op)) node = makers.get(node.inputs[0]!);
  const layer = node && fittedLayer(model, node);
  if (layer === undefined || "reason" in layer) return undefined;
  return { layer, target: { value: layer.node.outputs[0]! } };
}

/** Images to fit on, and others to compare networks on. @throws CalibrationError for too few */
function splitImages({ data, normalisation }: SlimImages, seed: number): { fitting: SlimImages; held: SlimImages } {
  const count = data.labels.length;
  if (count < leastImages)
    throw new CalibrationError(`received ${quantity(count, "image")}, too few; slim needs at least ${leastImages}`);
  const order = shuffledIndices(count, seed);
  const held = Math.min(mostHeld, Math.floor(heldShare * count));
  const part = (from: number, to: number): SlimImages => ({
    data: subset(data, order.subarray(from, to)),
    normalisation,
  });
  return { held: part(0, held), fitting: part(held, count) };
}

/** Elements of the matrices that are summed up in one pass over the images. */
const elementsPerPass = 2 ** 25;

function inChunks(sites: readonly Site[]): Site[][] {
  const chunks: Site[][] = [];
  let room = 0;
  for (const site of sites) {
    const size = (site.layer.columns + site.layer.outputs) ** 2;
    if (size > room || chunks.length === 0) {
      chunks.push([]);
      room = elementsPerPass;
    }
    chunks.at(-1)!.push(site);
    room -= size;
  }
  return chunks;
}

function layerReport({ site, options }: SiteOptions, chosen: number): SlimLayer {
  const { width, error } = options[chosen]!;
  return { group: site.group.id, layer: site.layer.node.name, before: site.group.size, after: width, error };
}
