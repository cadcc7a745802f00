import { alternate } from "../../src/bench/rounds.ts";
import { offline } from "../../src/bench/scenarios.ts";
import { openSystem, type SystemSpec } from "../../src/bench/systems.ts";
import { createPreprocessor, type ImageSource, type Planes, prepareAll } from "../../src/data/index.ts";
import {
  cascadeOf,
  defaultConfidence,
  networkNames,
  networkOf,
  type Scheduler,
  type TwinFolder,
  usualPlan,
} from "../../src/twin/index.ts";
import { lowPrecisionNetwork } from "./low-precision.ts";

/** A baseline to time: its network, and the images that it hands on. */
export interface TimedBaseline {
  readonly name: string;
  readonly file: string;
  readonly escalated: readonly number[];
}

/**
 * Seconds that the original, the twin and each baseline take for all images, one sample a round, in turn. All have the same
 * lanes: one for each core. A baseline runs every image through its low-precision network, then the escalated ones through
 * the original.
 */
export async function timeSystems(
  folder: TwinFolder,
  baselines: readonly TimedBaseline[],
  source: ImageSource,
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const images = await planesOf(folder, source);
  const schedulers: Scheduler[] = [];
  const open = async (spec: SystemSpec): Promise<Scheduler> => {
    const scheduler = await openSystem(spec, usualPlan(spec.networks));
    schedulers.push(scheduler);
    return scheduler;
  };
  try {
    const original = await open(originalOf(folder));
    const twin = await open(twinOf(folder));
    const systems = new Map([
      ["original", () => seconds(original, images)],
      ["twin", () => seconds(twin, images)],
    ]);
    for (const { name, file, escalated } of baselines) {
      const lowPrecision = await open(lowPrecisionOf(folder, file));
      const second = escalated.map((image) => images[image]!);
      systems.set(name, async () => (await seconds(lowPrecision, images)) + (await seconds(original, second)));
    }
    return await inTurn(systems, rounds);
  } finally {
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
  }
}

/** A first round warms up and is not kept. */
async function inTurn(
  systems: ReadonlyMap<string, () => Promise<number>>,
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const sample = (name: string) => systems.get(name)!();
  await alternate([...systems.keys()], sample, { rounds: 1 });
  return (await alternate([...systems.keys()], sample, { rounds })).samples;
}

async function seconds(scheduler: Scheduler, images: readonly Planes[]): Promise<number> {
  return images.length === 0 ? 0 : images.length / (await offline(scheduler, images));
}

async function planesOf({ manifest }: TwinFolder, source: ImageSource): Promise<Planes[]> {
  const images: Planes[] = [];
  for await (const image of prepareAll(source, createPreprocessor(manifest.preprocessing))) {
    if (!("error" in image)) images.push(image.planes);
  }
  return images;
}

const originalOf = (folder: TwinFolder): SystemSpec => ({
  name: "original-float32",
  cascade: [{ network: "original" }],
  networks: [networkOf(folder, "original")],
  confidence: defaultConfidence,
});

const lowPrecisionOf = (folder: TwinFolder, file: string): SystemSpec => ({
  name: "compressed",
  cascade: [{ network: "compressed" }],
  networks: [lowPrecisionNetwork(folder, file)],
  confidence: defaultConfidence,
});

function twinOf(folder: TwinFolder): SystemSpec {
  const cascade = cascadeOf(folder.manifest);
  const networks = networkNames(cascade).map((name) => networkOf(folder, name));
  return { name: "twin", cascade, networks, confidence: folder.manifest.confidence };
}
