import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { pictureOf } from "../../src/bench/pictures.ts";
import { latency, measured, pairedRatio } from "../../src/bench/statistics.ts";
import type { BenchResult, SystemName, SystemResult } from "../../src/bench/types.ts";

// A bench result that nobody measured: a simulated pair on simulated images, to try tables and plots on.

export const cifarLabels = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

export interface FixtureOptions {
  readonly seed?: number;
  readonly images?: number;
  readonly labels?: readonly string[];
  /** Whether the images have labels. */
  readonly labelled?: boolean;
  /** Whether an int8 original takes part. */
  readonly int8?: boolean;
  /** How many escalated images are shown. */
  readonly pictures?: number;
}

interface Simulated {
  readonly margin: number;
  readonly label: number;
  readonly compressed: number;
  readonly original: number;
  readonly int8: number;
}

type Draw = () => number;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const share = <T>(list: readonly T[], holds: (item: T) => boolean): number =>
  list.length === 0 ? 0 : list.filter(holds).length / list.length;

function simulate(count: number, labels: number, draw: Draw): Simulated[] {
  return Array.from({ length: count }, (_, i) => {
    const label = Math.floor((i * labels) / count);
    const difficulty = label === 3 || label === 5 ? 0.55 : 1;
    const margin = difficulty * 7 * Math.sqrt(-Math.log(1 - draw())) * 0.9;
    const other = (label + 1 + Math.floor(draw() * (labels - 1))) % labels;
    const answer = (right: number): number => (draw() < right ? label : other);
    const original = answer(Math.min(0.985, sigmoid(0.62 * margin + 0.1)));
    const compressed = draw() < sigmoid(1.75 * margin - 1.1) ? original : answer(0.42);
    return { margin, label, compressed, original, int8: draw() < 0.992 ? original : label };
  });
}

const rounds = <T>(make: () => T): T[] => Array.from({ length: 5 }, make);
const plan = (networks: ("compressed" | "original-int8" | "original")[], threads: number) => ({
  lanes: Array.from({ length: threads === 1 ? 2 : 1 }, () => ({ kind: "cpu", networks, threads })),
  batch: Object.fromEntries(networks.map((network) => [network, threads === 1 ? 32 : 1])),
  idleTakesFresh: false,
  isolation: "thread" as const,
});

/** The simulated result. The same options give the same result. */
export async function syntheticResult(options: FixtureOptions = {}): Promise<BenchResult> {
  const { seed = 1, images = 5000, labels = cifarLabels, labelled = true, int8 = true, pictures = 12 } = options;
  const random = xoroshiro128plus(seed);
  const draw = (): number => uniformFloat64(random);
  const all = simulate(images, labels.length, draw);
  const sorted = all.map(({ margin }) => margin).sort((a, b) => a - b);
  const threshold = sorted[Math.floor(0.12 * images)]!;
  const twinAnswer = (x: Simulated, t = threshold): number => (x.margin >= t ? x.compressed : x.original);
  const accuracyOf = (answer: (x: Simulated) => number) => share(all, (x) => answer(x) === x.label);
  const agreementOf = (answer: (x: Simulated) => number) => share(all, (x) => answer(x) === x.original);
  const labelledOnly = <T>(value: T): { accuracy?: T } => (labelled ? { accuracy: value } : {});
  const macs = { original: 125_747_840, compressed: 15_890_432 };
  const costs = { compressed: 0.141, second: int8 ? 0.6 : 1 };

  const point = (t: number) => {
    const escalationRate = share(all, (x) => x.margin < t);
    return {
      threshold: t,
      escalationRate,
      agreement: agreementOf((x) => twinAnswer(x, t)),
      ...labelledOnly(accuracyOf((x) => twinAnswer(x, t))),
      speedUp: 1 / (costs.compressed + costs.second * escalationRate + 0.01),
    };
  };
  const curve = Array.from({ length: 61 }, (_, i) => point(sorted[Math.floor((i / 61) * images)]!));
  const ladder = [0.5, 0.4, 0.3, 0.25, 0.2, 0.16, 0.14, 0.12].map((rate) => {
    const at = point(sorted[Math.floor(rate * images)]!);
    return { ...at, bound: labelled ? 0.0049 - 0.008 * (rate - 0.12) : 1 - at.agreement + 0.004 };
  });

  const baseRate = 1180;
  const speeds: Record<SystemName, number> = {
    "original-float32": 1,
    "original-int8": 1.68,
    compressed: 1 / costs.compressed,
    twin: point(threshold).speedUp * 0.985,
  };
  const names = (["original-float32", "original-int8", "compressed", "twin"] as const).filter(
    (n) => int8 || n !== "original-int8",
  );
  const weather = Array.from({ length: 5 }, () => 1 + 0.05 * (draw() - 0.5));
  const tail = (mean: number, count: number): number[] =>
    Array.from({ length: count }, () => mean * (0.9 + 0.08 * -Math.log(1 - draw())));
  const second = int8 ? ("original-int8" as const) : ("original" as const);
  const escalationRate = point(threshold).escalationRate;
  const system = (name: SystemName): SystemResult => {
    const answer = {
      "original-float32": (x: Simulated) => x.original,
      "original-int8": (x: Simulated) => x.int8,
      compressed: (x: Simulated) => x.compressed,
      twin: (x: Simulated) => twinAnswer(x),
    }[name];
    const rate = baseRate * speeds[name];
    const samples = weather.map((factor) => rate * factor * (1 + 0.012 * (draw() - 0.5)));
    const network = {
      "original-float32": "original",
      "original-int8": "original-int8",
      compressed: "compressed",
      twin: "compressed",
    } as const;
    const networks =
      name === "twin" ? (["compressed", second] as ("compressed" | "original-int8" | "original")[]) : [network[name]];
    const alone = 2300 / rate;
    const single = (): number[] =>
      name === "twin"
        ? [...tail(2300 / (baseRate * speeds.compressed), 170), ...tail(2000 / baseRate, 30)]
        : tail(alone, 200);
    return {
      ...labelledOnly(accuracyOf(answer)),
      agreement: agreementOf(answer),
      imagesPerSecond: measured(samples),
      latencyMs: latency(rounds(single)),
      peakMemoryMiB: { "original-float32": 171, "original-int8": 158, compressed: 132, twin: 188 }[name],
      macsPerImage: {
        "original-float32": macs.original,
        "original-int8": macs.original,
        compressed: macs.compressed,
        twin: macs.compressed + escalationRate * macs.original,
      }[name],
      fromFiles: {
        imagesPerSecond: measured(samples.map((sample) => 1 / (1 / sample + 1 / 21_000))),
        decodingShare: rate / (rate + 21_000),
      },
      server: [0.5, 0.8].map((load) => ({
        load,
        arrivalsPerSecond: load * rate,
        latencyMs: latency(rounds(() => tail((alone * 1.2) / (1 - load), 150))),
      })),
      plans: { throughput: plan(networks, 1), latency: plan(networks, 2) },
    };
  };
  const systems = Object.fromEntries(names.map((name) => [name, system(name)])) as Record<SystemName, SystemResult>;
  const samplesOf = (name: SystemName): number[] => systems[name].imagesPerSecond.samples;
  const kept = all.filter((x) => x.margin >= threshold);
  const escalated = all.filter((x) => x.margin < threshold);
  const accuracy = {
    original: accuracyOf((x) => x.original),
    compressed: accuracyOf((x) => x.compressed),
    twin: accuracyOf((x) => twinAnswer(x)),
  };
  const drop = accuracy.original - accuracy.twin;

  const changed = escalated.filter((x) => x.compressed !== x.original).slice(0, pictures);
  const shown = changed.map((x, i) => ({
    name: `${labels[x.label]}/${String(i * 37).padStart(4, "0")}.jpg`,
    planes: smudge(draw),
    confidence: x.margin,
    ...(labelled && { label: labels[x.label]! }),
    compressed: { label: labels[x.compressed]!, probability: 0.35 + 0.2 * draw() },
    original: { label: labels[x.original]!, probability: 0.6 + 0.39 * draw() },
  }));

  return {
    schemaVersion: "1.0",
    twin: {
      name: "cifar10-resnet56",
      networks: {
        original: { macs: macs.original, parameters: 855_770, bytes: 3_439_146 },
        compressed: { macs: macs.compressed, parameters: 272_474, bytes: 301_022 },
        ...(int8 && { "original-int8": { macs: macs.original, parameters: 855_770, bytes: 961_204 } }),
      },
      confidence: "margin",
      threshold,
      recipe: "student+int8",
    },
    machine: {
      cpu: "AMD EPYC 7B13",
      cpuClass: "x64 avx2",
      cores: 2,
      memoryMiB: 7950,
      system: "Linux 6.1",
      node: "20.20.2",
      onnxRuntime: "1.30.0",
      twindnn: "0.1.0",
    },
    command: 'npx twindnn bench cifar10-resnet56 --data "cifar10/test" --report out.html',
    started: "2026-11-20T09:12:44.000Z",
    finished: "2026-11-20T09:15:02.000Z",
    images,
    failures: [],
    split: { source: "cifar10/test, images 5,000 to 9,999 of the order drawn from seed 7" },
    rounds: rounds(() => [...names]).map((order, i) => [
      ...order.slice(i % order.length),
      ...order.slice(0, i % order.length),
    ]),
    systems,
    escalationRate,
    ...(labelled && {
      recovery: (accuracy.twin - accuracy.compressed) / (accuracy.original - accuracy.compressed),
      drop: { value: drop, low: drop - 0.004, high: drop + 0.004, probability: 0.95 },
    }),
    speedUp: {
      versusFloat32: pairedRatio(samplesOf("twin"), samplesOf("original-float32")),
      ...(int8 && { versusInt8: pairedRatio(samplesOf("twin"), samplesOf("original-int8")) }),
      byOperations: macs.original / (macs.compressed + escalationRate * macs.original),
    },
    guarantee: {
      kind: labelled ? "drop" : "agreement",
      tolerance: labelled ? 0.005 : 0.02,
      probability: 0.95,
      images: 4000,
      batch: 32,
      provider: "cpu",
      cpuClass: "x64 avx2",
      worstClass: false,
    },
    curve,
    ladder,
    reliability: reliabilityOf(all, labelled),
    answeredBy: [
      {
        network: "compressed",
        images: kept.length,
        agreement: share(kept, (x) => x.compressed === x.original),
        ...labelledOnly(share(kept, (x) => x.compressed === x.label)),
      },
      {
        network: second,
        images: escalated.length,
        agreement: 1,
        ...labelledOnly(share(escalated, (x) => x.original === x.label)),
      },
    ],
    outcomes: {
      kept: outcomesOf(kept),
      escalated: outcomesOf(escalated),
    },
    classes: labels.map((label, index) => {
      const own = all.filter((x) => x.label === index);
      const right = (answer: (x: Simulated) => number) => share(own, (x) => answer(x) === index);
      return {
        label,
        images: own.length,
        agreement: share(own, (x) => twinAnswer(x) === x.original),
        escalationRate: share(own, (x) => x.margin < threshold),
        ...labelledOnly({
          original: right((x) => x.original),
          compressed: right((x) => x.compressed),
          twin: right((x) => twinAnswer(x)),
        }),
      };
    }),
    escalatedImages: await Promise.all(
      shown.map(async ({ planes, ...image }) => ({ ...image, picture: await pictureOf(planes, [3, 32, 32]) })),
    ),
    timeline: timelineOf(second, escalationRate),
  };
}

const outcomesOf = (list: readonly Simulated[]) => {
  const same = list.filter((x) => x.compressed === x.original).length;
  return { same, different: list.length - same };
};

function reliabilityOf(all: readonly Simulated[], labelled: boolean): NonNullable<BenchResult["reliability"]> {
  const probability = (x: Simulated): number => 0.1 + 0.9 * sigmoid(1.1 * x.margin - 1.2);
  const right = (x: Simulated): boolean => x.compressed === (labelled ? x.label : x.original);
  const bins = Array.from({ length: 15 }, (_, i) => {
    const [low, high] = [i / 15, (i + 1) / 15];
    const inside = all.filter((x) => probability(x) > low && probability(x) <= high);
    const mean = inside.length === 0 ? 0 : inside.reduce((sum, x) => sum + probability(x), 0) / inside.length;
    return { low, high, images: inside.length, probability: mean, right: share(inside, right) };
  });
  const error = bins.reduce((sum, bin) => sum + (bin.images / all.length) * Math.abs(bin.right - bin.probability), 0);
  return { against: labelled ? "label" : "original", expectedCalibrationError: error, bins };
}

/** A blurred blob of colour, where a photograph would be. */
function smudge(draw: Draw): Uint8Array {
  const planes = new Uint8Array(3 * 32 * 32);
  const [x0, y0, r] = [8 + 16 * draw(), 8 + 16 * draw(), 5 + 6 * draw()];
  for (let channel = 0; channel < 3; channel++) {
    const [inside, outside] = [255 * draw(), 255 * draw()];
    for (let i = 0; i < 1024; i++) {
      const weight = sigmoid(Math.hypot((i % 32) - x0, Math.floor(i / 32) - y0) - r);
      planes[channel * 1024 + i] = Math.round(inside + weight * (outside - inside));
    }
  }
  return planes;
}

function timelineOf(second: "original" | "original-int8", escalationRate: number): BenchResult["timeline"] {
  const runs: BenchResult["timeline"] = [];
  let waiting = 0;
  for (const lane of ["cpu-0", "cpu-1"]) {
    let now = lane === "cpu-0" ? 0 : 1.3;
    while (now < 120) {
      const escalations = waiting >= 32;
      const length = escalations ? 31 : 7.6;
      runs.push({
        lane,
        network: escalations ? second : "compressed",
        images: 32,
        started: now,
        finished: now + length,
      });
      waiting += escalations ? -32 : 32 * escalationRate * 2;
      now += length + 0.2;
    }
  }
  return runs;
}
