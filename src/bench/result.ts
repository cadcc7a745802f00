import { median } from "../figures.ts";
import type { NetworkName } from "../lanes/index.ts";
import { expectedSpeedUp, type Manifest, type StageCosts, summaryOf } from "../twin/index.ts";
import { arrivalRate, type Measurements } from "./measure.ts";
import type { Quality } from "./quality.ts";
import { latency, measured, pairedRatio } from "./statistics.ts";
import type { Plans, SystemSpec } from "./systems.ts";
import {
  type BenchResult,
  benchVersion,
  type CurvePoint,
  type Rung,
  type SystemName,
  type SystemResult,
} from "./types.ts";

/** Everything that a result is put together from. */
export interface ResultParts {
  readonly about: Pick<
    BenchResult,
    "command" | "started" | "machine" | "split" | "escalatedImages" | "timeline" | "failures"
  > & { readonly name: string };
  readonly manifest: Manifest;
  readonly specs: readonly SystemSpec[];
  readonly quality: Quality;
  readonly plans: ReadonlyMap<SystemName, Plans>;
  readonly memory: ReadonlyMap<SystemName, number>;
}

/** Puts a result together from what has been measured so far: the offline scenario at least once. */
export function resultOf(parts: ResultParts, measurements: Measurements): BenchResult {
  const { about, manifest, specs, quality } = parts;
  const { name, ...rest } = about;
  const { evaluation } = quality;
  const costs = costsOf(manifest, measurements);
  const speed = (system: SystemName): readonly number[] => measurements.offline.get(system)!;
  const int8 = measurements.offline.has("original-int8");
  return {
    schemaVersion: benchVersion,
    ...rest,
    twin: summaryOf(name, manifest),
    finished: new Date().toISOString(),
    images: evaluation.images,
    rounds: measurements.order.map((order) => [...order]),
    systems: Object.fromEntries(specs.map((spec) => [spec.name, systemOf(spec, parts, measurements)])),
    escalationRate: evaluation.escalationRate.value,
    ...labelledOf(quality),
    speedUp: {
      versusFloat32: pairedRatio(speed("twin"), speed("original-float32")),
      ...(int8 && { versusInt8: pairedRatio(speed("twin"), speed("original-int8")) }),
      byOperations: manifest.networks.original.macs / macsPerImage("twin", parts),
    },
    ...(manifest.guarantee && { guarantee: guaranteeOf(manifest.guarantee) }),
    curve: evaluation.curve
      .filter(({ threshold }) => Number.isFinite(threshold))
      .map((point) => curvePoint(point, costs)),
    ladder: ladderOf(manifest, quality, costs),
    reliability: reliabilityOf(quality),
    answeredBy: quality.answeredBy,
    outcomes: quality.outcomes,
    classes: quality.classes,
  };
}

function systemOf({ name }: SystemSpec, parts: ResultParts, measurements: Measurements): SystemResult {
  const { offline, singleStream, server } = measurements;
  const single = singleStream?.get(name);
  const memory = parts.memory.get(name);
  return {
    ...parts.quality.scores.get(name)!,
    imagesPerSecond: measured(offline.get(name)!),
    ...(single?.length && { latencyMs: latency(single) }),
    ...(memory !== undefined && { peakMemoryMiB: memory }),
    macsPerImage: macsPerImage(name, parts),
    ...filesOf(name, measurements),
    server: server.map(({ load, latencies }) => ({
      load,
      arrivalsPerSecond: arrivalRate(measurements, name, load),
      latencyMs: latency(latencies.get(name)!),
    })),
    plans: parts.plans.get(name)!,
  };
}

function filesOf(name: SystemName, { files }: Measurements): Pick<SystemResult, "fromFiles"> {
  const samples = files?.get(name);
  const decoding = files?.get("decoding");
  if (!samples?.length || !decoding?.length) return {};
  const share = Math.min(1, median(samples.map((sample, round) => sample / decoding[round]!)));
  return { fromFiles: { imagesPerSecond: measured(samples), decodingShare: share } };
}

/** Multiply-adds that an image costs on average: those of each network, times the share of the images that reach it. */
function macsPerImage(system: SystemName, { manifest, specs, quality }: ResultParts): number {
  const { cascade } = specs.find(({ name }) => name === system)!;
  const reach = (network: NetworkName): number => (system === "twin" ? quality.reach.get(network)! : 1);
  return cascade.reduce((sum, { network }) => sum + reach(network) * manifest.networks[network]!.macs, 0);
}

/** Times of one image relative to the original's: what the measured speed-ups say, turned over. */
function costsOf({ secondStage }: Manifest, { offline }: Measurements): StageCosts {
  const cost = (name: SystemName): number =>
    1 / median(pairedRatio(offline.get(name)!, offline.get("original-float32")!).samples);
  return { compressed: cost("compressed"), ...(secondStage === "original-int8" && { second: cost("original-int8") }) };
}

type EvaluatedPoint = Quality["evaluation"]["curve"][number];

function curvePoint({ originalRate, ...point }: EvaluatedPoint, costs: StageCosts): CurvePoint {
  return { ...point, speedUp: expectedSpeedUp(costs, point.escalationRate, originalRate) };
}

/** The ladder's thresholds as these images show them, with the bounds that calibration proved. */
function ladderOf({ ladder }: Manifest, { evaluation: { curve } }: Quality, costs: StageCosts): Rung[] {
  return ladder.map(({ threshold, bound }) => {
    const here = curve.findLast((point) => point.threshold <= threshold) ?? curve[0]!;
    return { ...curvePoint(here, costs), threshold, bound };
  });
}

function labelledOf({ evaluation: { labelled } }: Quality): Pick<BenchResult, "recovery" | "drop"> {
  if (labelled === undefined) return {};
  const { recovery, drop } = labelled;
  return {
    ...(recovery !== undefined && { recovery }),
    drop: { value: drop.value, low: drop.low, high: drop.high, probability: 0.95 },
  };
}

function guaranteeOf({
  kind,
  tolerance,
  probability,
  images,
  batch,
  provider,
  cpuClass,
  worstClass,
}: NonNullable<Manifest["guarantee"]>) {
  return { kind, tolerance, probability, images, batch, provider, cpuClass, worstClass };
}

function reliabilityOf({ evaluation: { reliability } }: Quality): BenchResult["reliability"] {
  const { against, compressed } = reliability;
  return {
    against,
    expectedCalibrationError: compressed.calibrationError,
    bins: compressed.bins.map(({ accuracy, ...bin }) => ({ ...bin, right: accuracy })),
  };
}
