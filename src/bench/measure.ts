import type { Planes } from "../data/types.ts";
import { median } from "../figures.ts";
import { poissonArrivals } from "./arrivals.ts";
import { type Clock, systemClock } from "./clock.ts";
import { alternate, type Rounds } from "./rounds.ts";
import { type Inputs, offline, type ScenarioOptions, type System, server, singleStream } from "./scenarios.ts";
import type { SystemName } from "./types.ts";

/** A system, open, at its best settings. */
export interface Contestant {
  readonly name: SystemName;
  /** Set for the most images per second. */
  readonly throughput: System;
  /** Set for the shortest wait; used for single streams. */
  readonly latency: System;
}

/** What can be measured besides offline throughput from tensors, which always is. */
export const scenarioNames = ["single-stream", "files", "server"] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** Arrival rates of the server scenario, as shares of a system's own offline throughput. */
export const serverLoads = [0.5, 0.8] as const;

export interface MeasureOptions {
  /** Prepared images in random order; each round starts elsewhere in them. */
  readonly images: readonly Planes[];
  /** Reads, decodes and prepares so many images; for the scenario `files`. */
  readonly files?: ((count: number) => Inputs) | undefined;
  readonly scenarios: readonly ScenarioName[];
  /** At least 1; fewer than 5 say little about the spread. */
  readonly rounds: number;
  /** How long a sample takes, about. */
  readonly seconds: number;
  /** Decides the arrivals of the server scenario. */
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
  /** Called after each round with everything so far; the next round waits for it. */
  readonly onRound?: ((soFar: Measurements) => Promise<void> | void) | undefined;
}

type BySystem<Sample, Name extends string = SystemName> = ReadonlyMap<Name, readonly Sample[]>;

/** An entry a round, everywhere. */
export interface Measurements {
  /** Which system came when in the offline scenario. */
  readonly order: readonly (readonly SystemName[])[];
  /** Images per second, from tensors. */
  readonly offline: BySystem<number>;
  /** Milliseconds of each image. */
  readonly singleStream?: BySystem<readonly number[]>;
  /** Images per second from files; `decoding` is reading, decoding and preparing them alone. */
  readonly files?: BySystem<number, SystemName | "decoding">;
  readonly server: readonly ServerMeasurements[];
}

export interface ServerMeasurements {
  readonly load: number;
  /** Milliseconds of each image. */
  readonly latencies: BySystem<readonly number[]>;
}

/** Measures all systems alternately: scenario after scenario, each over all rounds. */
export async function measure(contestants: readonly Contestant[], options: MeasureOptions): Promise<Measurements> {
  const { scenarios, files } = options;
  const setup = await warmUp(contestants, options);
  let soFar = await offlineRounds(setup);
  if (scenarios.includes("single-stream")) soFar = await singleStreamRounds(setup, soFar);
  if (scenarios.includes("files") && files !== undefined) soFar = await fileRounds(setup, soFar, files);
  if (scenarios.includes("server")) for (const load of serverLoads) soFar = await serverRounds(setup, soFar, load);
  return soFar;
}

/** How many rounds `measure` reports, for progress bars. */
export function roundsInAll({
  rounds,
  scenarios,
  files,
}: Pick<MeasureOptions, "rounds" | "scenarios" | "files">): number {
  const single = scenarios.includes("single-stream") ? 1 : 0;
  const fromFiles = scenarios.includes("files") && files !== undefined ? 1 : 0;
  const servers = scenarios.includes("server") ? serverLoads.length : 0;
  return rounds * (1 + single + fromFiles + servers);
}

/** A contestant with its rough speed, which sets how many images a sample takes. */
interface WarmContestant extends Contestant {
  readonly imagesPerSecond: number;
  readonly latencyMs: number;
}

interface Setup {
  readonly names: readonly SystemName[];
  readonly contestants: ReadonlyMap<SystemName, WarmContestant>;
  readonly options: MeasureOptions;
  readonly scenario: ScenarioOptions;
}

/** Images of the first warm-up run, and the share of a sample's time that the second takes. */
const firstRun = 64;
const secondRun = 0.5;
/** Fewest images of a sample of latencies, so that five rounds have a 99th percentile. */
const fewestLatencies = 20;

/** Runs every system twice, the first time to get it going, so that no sample pays for a cold start. */
async function warmUp(contestants: readonly Contestant[], options: MeasureOptions): Promise<Setup> {
  const { images, seconds, signal, clock = systemClock } = options;
  const scenario = { signal, clock };
  const warm = new Map<SystemName, WarmContestant>();
  for (const contestant of contestants) {
    const cold = await offline(contestant.throughput, window(images, 0, firstRun), scenario);
    const enough = Math.max(firstRun, Math.ceil(cold * seconds * secondRun));
    const imagesPerSecond = await offline(contestant.throughput, window(images, 0, enough), scenario);
    const latencyMs = median(await singleStream(contestant.latency, window(images, 0, fewestLatencies), scenario));
    warm.set(contestant.name, { ...contestant, imagesPerSecond, latencyMs });
  }
  return { names: contestants.map(({ name }) => name), contestants: warm, options, scenario };
}

/** `count` images from place `start` on, going round. */
function window(images: readonly Planes[], start: number, count: number): Planes[] {
  return Array.from({ length: count }, (_, i) => images[(start + i) % images.length]!);
}

/** Where a round starts in the images: another place each time, the same for all systems. */
const startOf = (round: number, { images, rounds }: MeasureOptions): number =>
  Math.floor((round * images.length) / rounds);

/** Runs a scenario over all rounds; `merge` adds what it gave to what was measured before. */
async function stage<Name extends string, Sample>(
  { signal, onRound, rounds }: MeasureOptions,
  names: readonly Name[],
  sample: (name: Name, round: number) => Promise<Sample>,
  merge: (rounds: Rounds<Name, Sample>) => Measurements,
): Promise<Measurements> {
  const save = (soFar: Rounds<Name, Sample>) => onRound?.(merge(soFar));
  return merge(await alternate(names, sample, { rounds, signal, onRound: save }));
}

function offlineRounds({ names, contestants, options, scenario }: Setup): Promise<Measurements> {
  const sample = (name: SystemName, round: number) => {
    const { throughput, imagesPerSecond } = contestants.get(name)!;
    const count = Math.ceil(imagesPerSecond * options.seconds);
    return offline(throughput, window(options.images, startOf(round, options), count), scenario);
  };
  return stage(options, names, sample, ({ order, samples }) => ({ order, offline: samples, server: [] }));
}

function singleStreamRounds(
  { names, contestants, options, scenario }: Setup,
  before: Measurements,
): Promise<Measurements> {
  const sample = (name: SystemName, round: number) => {
    const { latency, latencyMs } = contestants.get(name)!;
    const count = Math.max(fewestLatencies, Math.ceil((1000 * options.seconds) / latencyMs));
    return singleStream(latency, window(options.images, startOf(round, options), count), scenario);
  };
  return stage(options, names, sample, ({ samples }) => ({ ...before, singleStream: samples }));
}

/** The contestant that only reads: what is left is what the files cost. */
const decodingOnly: System = {
  async *run(inputs) {
    for await (const input of inputs) yield input;
  },
};

function fileRounds(
  { names, contestants, options, scenario }: Setup,
  before: Measurements,
  files: (count: number) => Inputs,
): Promise<Measurements> {
  const fastest = Math.max(...names.map((name) => contestants.get(name)!.imagesPerSecond));
  const sample = (name: SystemName | "decoding") => {
    const { throughput, imagesPerSecond } =
      name === "decoding" ? { throughput: decodingOnly, imagesPerSecond: fastest } : contestants.get(name)!;
    return offline(throughput, files(Math.ceil(imagesPerSecond * options.seconds)), scenario);
  };
  return stage(options, [...names, "decoding" as const], sample, ({ samples }) => ({ ...before, files: samples }));
}

function serverRounds(
  { names, contestants, options, scenario }: Setup,
  before: Measurements,
  load: number,
): Promise<Measurements> {
  const { images, seconds, seed } = options;
  const sample = (name: SystemName, round: number) => {
    const rate = arrivalRate(before, name, load);
    const arrivals = poissonArrivals(rate, Math.max(fewestLatencies, Math.ceil(rate * seconds)), seed + round);
    const inputs = window(images, startOf(round, options), arrivals.length);
    return server(contestants.get(name)!.throughput, inputs, arrivals, scenario);
  };
  return stage(options, names, sample, ({ samples }) => ({
    ...before,
    server: [...before.server, { load, latencies: samples }],
  }));
}

/** Arrivals a second that are this share of what the system did offline. */
export const arrivalRate = ({ offline }: Measurements, name: SystemName, load: number): number =>
  load * median(offline.get(name)!);
