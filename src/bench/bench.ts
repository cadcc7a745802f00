import { basename, resolve } from "node:path";
import { type ImageSource, partHash } from "../data/index.ts";
import type { Scheduler, TwinFolder } from "../twin/index.ts";
import { escalatedImages } from "./escalated.ts";
import { machineHere } from "./machine.ts";
import { type Contestant, type MeasureOptions, measure, roundsInAll, scenarioNames } from "./measure.ts";
import type { BenchOptions } from "./options.ts";
import { type Preparation, planesOf, prepare } from "./prepare.ts";
import { type ResultParts, resultOf } from "./result.ts";
import { offline } from "./scenarios.ts";
import { openSystem } from "./systems.ts";
import { TimelineRecorder } from "./timeline.ts";
import type { BenchResult } from "./types.ts";

/** Escalated images shown in a result. */
const pictures = 24;

/**
 * Measures original, int8 original (where the twin has one), compressed network and twin on the same images: what they
 * answer, and how fast, in turn.
 *
 * @throws InputError when no image can be read, LaneError when a network cannot be run
 */
export async function benchTwin(folder: TwinFolder, source: ImageSource, options: BenchOptions): Promise<BenchResult> {
  const started = new Date().toISOString();
  const preparation = await prepare(folder, source, options);
  const parts = await partsOf(folder, source, preparation, { command: options.command, started });
  options.onStep?.("rounds");
  const recorder = new TimelineRecorder();
  await using systems = await openAll(preparation, recorder);
  const measuring = measuringOptions(folder, source, parts, options);
  const measurements = await measure(systems.contestants, measuring);
  const twin = systems.contestants.find(({ name }) => name === "twin")!.throughput;
  const timeline = await recorder.record(() => offline(twin, measuring.images, { signal: options.signal }));
  return resultOf({ ...parts, about: { ...parts.about, timeline } }, measurements);
}

async function partsOf(
  folder: TwinFolder,
  source: ImageSource,
  preparation: Preparation,
  about: Pick<BenchResult, "command" | "started">,
): Promise<ResultParts & Preparation> {
  const { collected, quality, sample } = preparation;
  return {
    ...preparation,
    manifest: folder.manifest,
    about: {
      ...about,
      name: basename(resolve(folder.path)),
      machine: machineHere(),
      split: { source: basename(source.name), sha256: partHash(collected.fingerprints) },
      failures: collected.failures.map(({ name, error }) => ({ name, problem: error.message })),
      escalatedImages: await escalatedImages(folder, collected, quality.answers, sample, pictures),
      timeline: [],
    },
  };
}

function measuringOptions(
  folder: TwinFolder,
  source: ImageSource,
  parts: ResultParts & Preparation,
  { rounds = 5, seconds = 1, scenarios = scenarioNames, seed = 0, signal, onRound, save }: BenchOptions,
): MeasureOptions {
  const files = (count: number) => planesOf(folder, source, count);
  const total = roundsInAll({ rounds, scenarios, files });
  let done = 0;
  return {
    files,
    scenarios,
    rounds,
    seconds,
    seed,
    signal,
    images: parts.sample.map(({ planes }) => planes),
    onRound: async (soFar) => {
      onRound?.(++done, total);
      await save?.(resultOf(parts, soFar));
    },
  };
}

interface OpenSystems extends AsyncDisposable {
  readonly contestants: readonly Contestant[];
}

/** Opens every system at both its settings; if one cannot be opened, the others are closed. */
async function openAll({ specs, plans }: Preparation, recorder: TimelineRecorder): Promise<OpenSystems> {
  const open: Scheduler[] = [];
  const close = async (): Promise<void> => void (await Promise.all(open.map((system) => system.close())));
  try {
    const contestants: Contestant[] = [];
    for (const spec of specs) {
      const { throughput, latency } = plans.get(spec.name)!;
      const fast = await openSystem(spec, throughput, spec.name === "twin" ? recorder.onBatch : undefined);
      open.push(fast);
      const prompt = await openSystem(spec, latency);
      open.push(prompt);
      contestants.push({ name: spec.name, throughput: fast, latency: prompt });
    }
    return { contestants, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
