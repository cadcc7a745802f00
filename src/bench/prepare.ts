import { createPreprocessor, type ImageSource, type Planes, prepareAll } from "../data/index.ts";
import { InputError } from "../errors.ts";
import { type Collected, collectLogits, networkOf, type TwinFolder, usualBatch, withLanes } from "../twin/index.ts";
import { Reservoir, type SampledImage } from "./images.ts";
import { peakMemory } from "./memory.ts";
import type { BenchOptions } from "./options.ts";
import { type Quality, qualityOf } from "./quality.ts";
import { bestPlans, type Plans, type SystemSpec, systemSpecs, usualPlans } from "./systems.ts";
import type { SystemName } from "./types.ts";

/** All that is found out before anything is timed. */
export interface Preparation {
  readonly specs: readonly SystemSpec[];
  readonly collected: Collected;
  readonly quality: Quality;
  /** Images to time on, in random order. */
  readonly sample: readonly SampledImage[];
  readonly plans: ReadonlyMap<SystemName, Plans>;
  /** Peak memory in MiB. */
  readonly memory: ReadonlyMap<SystemName, number>;
}

/** Bytes of prepared images to time on. */
const heldBytes = 2 ** 27;
/** Images of a memory probe. */
const probeImages = 256;

/** Answers all images with all networks, and finds each system's best settings and peak memory. */
export async function prepare(folder: TwinFolder, source: ImageSource, options: BenchOptions): Promise<Preparation> {
  const { onStep, signal } = options;
  const specs = systemSpecs(folder);
  onStep?.("answers");
  const { collected, sample } = await answer(folder, source, options);
  const quality = qualityOf(folder.manifest, collected);
  onStep?.("plans");
  const plans = await plansOf(specs, quality, options);
  onStep?.("memory");
  const images = sample.slice(0, probeImages).map(({ planes }) => planes);
  const memory = new Map<SystemName, number>();
  for (const spec of specs) {
    signal?.throwIfAborted();
    memory.set(spec.name, await peakMemory(spec, plans.get(spec.name)!.throughput, images));
  }
  return { specs, collected, quality, sample, plans, memory };
}

async function answer(
  folder: TwinFolder,
  source: ImageSource,
  { seed = 0, signal }: BenchOptions,
): Promise<Pick<Preparation, "collected" | "sample">> {
  const { manifest } = folder;
  const names = ["compressed", "original", "original-int8"] as const;
  const networks = names.filter((name) => manifest.networks[name] !== undefined).map((name) => networkOf(folder, name));
  const size = networks[0]!.input.shape.reduce((product, side) => product * side, 1);
  const reservoir = new Reservoir(Math.max(1, Math.floor(heldBytes / size)), seed);
  const prepared = prepareAll(
    source,
    createPreprocessor(manifest.preprocessing),
    signal === undefined ? {} : { signal },
  );
  const collected = await withLanes(networks, (lanes) =>
    collectLogits(reservoir.watch(prepared), networks, { lanes, batch: usualBatch(networks[0]!), signal }),
  );
  if (collected.names.length > 0) return { collected, sample: reservoir.images };
  const problem = collected.failures[0]?.error.message ?? "it is empty";
  throw new InputError(source.name, `holds no image that can be read (${problem}); give other images`);
}

async function plansOf(
  specs: readonly SystemSpec[],
  { reach }: Quality,
  { isolation, plan, planning, signal }: BenchOptions,
): Promise<Map<SystemName, Plans>> {
  const options = { ...(isolation && { isolation }), ...(signal && { signal }) };
  const plans = new Map<SystemName, Plans>();
  for (const spec of specs) {
    const best = planning === "usual" ? usualPlans(spec, options) : await bestPlans(spec, reach, options);
    plans.set(spec.name, spec.name === "twin" && plan !== undefined ? { ...best, throughput: plan } : best);
  }
  return plans;
}

/** Reads, decodes and prepares so many images of a source, from its start again where they run out. */
export async function* planesOf(folder: TwinFolder, source: ImageSource, count: number): AsyncGenerator<Planes> {
  const preprocessor = createPreprocessor(folder.manifest.preprocessing);
  for (let left = count; left > 0; ) {
    const before = left;
    for await (const image of prepareAll(source, preprocessor)) {
      if ("error" in image) continue;
      yield image.planes;
      if (--left === 0) return;
    }
    if (left === before) return;
  }
}
