import { alternate } from "../src/bench/rounds.ts";
import { offline } from "../src/bench/scenarios.ts";
import { openSystem, type SystemSpec } from "../src/bench/systems.ts";
import type { Planes } from "../src/data/index.ts";
import {
  cascadeOf,
  defaultConfidence,
  networkNames,
  networkOf,
  type TwinFolder,
  usualPlan,
} from "../src/twin/index.ts";
import { rivalNetwork } from "./rival.ts";

/** One network or cascade, and the images that it answers. */
export interface Pass {
  readonly spec: SystemSpec;
  readonly images: readonly Planes[];
}

/** Seconds of each round, by system. */
export type Seconds = ReadonlyMap<string, readonly number[]>;

/**
 * Times systems in turn: each does its passes one after the other, once a round, the order turned by one place from round to
 * round. All have the same lanes, one for each core. A first round warms up and is not kept.
 */
export async function timeInTurn(systems: ReadonlyMap<string, readonly Pass[]>, rounds: number): Promise<Seconds> {
  await using opened = await openAll([...systems.values()].flat());
  const sample = async (name: string): Promise<number> => {
    let seconds = 0;
    for (const { spec, images } of systems.get(name)!) {
      if (images.length > 0) seconds += images.length / (await offline(opened.schedulers.get(spec)!, images));
    }
    return seconds;
  };
  return sampleInTurn([...systems.keys()], sample, rounds);
}

/** Samples in turn, once a round. A first round warms up and is not kept. */
export async function sampleInTurn(
  names: readonly string[],
  sample: (name: string) => Promise<number>,
  rounds: number,
): Promise<Seconds> {
  await alternate(names, sample, { rounds: 1 });
  return (await alternate(names, sample, { rounds })).samples;
}

/** Opens each system once. */
async function openAll(passes: readonly Pass[]) {
  const schedulers = new Map<SystemSpec, Awaited<ReturnType<typeof openSystem>>>();
  const close = async (): Promise<void> => void (await Promise.all([...schedulers.values()].map((one) => one.close())));
  try {
    for (const spec of new Set(passes.map(({ spec }) => spec))) {
      schedulers.set(spec, await openSystem(spec, usualPlan(spec.networks)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { schedulers, [Symbol.asyncDispose]: close };
}

export const originalSpec = (folder: TwinFolder): SystemSpec => ({
  name: "original-float32",
  cascade: [{ network: "original" }],
  networks: [networkOf(folder, "original")],
  confidence: defaultConfidence,
});

/** A rival's network alone. */
export const rivalSpec = (folder: TwinFolder, file: string): SystemSpec => ({
  name: "compressed",
  cascade: [{ network: "compressed" }],
  networks: [rivalNetwork(folder, file)],
  confidence: defaultConfidence,
});

export function twinSpec(folder: TwinFolder): SystemSpec {
  const cascade = cascadeOf(folder.manifest);
  const networks = networkNames(cascade).map((name) => networkOf(folder, name));
  return { name: "twin", cascade, networks, confidence: folder.manifest.confidence };
}
