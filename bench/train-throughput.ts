/**
 * Speed and memory of a training step, in turns with PyTorch's where asked: forward pass, gradients and SGD update on random
 * images of 3 x 32 x 32. A network trains in a process of its own, so that its peak memory is its own.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/train-throughput.js [--batch 128] [--threads 2] [--rounds 7] [--steps 3] \
 *       [--peer FOLDER] [--json FILE]
 *
 * `--peer` makes a Python environment with PyTorch for CPUs in FOLDER. One row a network: GMAC/s = 3 x forward
 * multiply-adds x images/s (median, with the smallest and largest round), the share of the time that preparing batches took,
 * and the growth of resident memory against the activations that gradients need.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inferValues, type Model, modelCost, sizeOf } from "../src/onnx/index.ts";
import { BatchSource } from "../src/train/augment.ts";
import { crossEntropy, type Dataset, type ResidualNetwork, residualNetwork, sgd } from "../src/train/index.ts";
import { Stepper } from "../src/train/stepper.ts";
import { TorchTrainer } from "./peers/train-throughput.ts";

const { values: options } = parseArgs({
  options: {
    batch: { type: "string", default: "128" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "3" },
    peer: { type: "string" },
    json: { type: "string" },
    only: { type: "string" },
  },
});
const [batch, threads, rounds, steps] = [options.batch, options.threads, options.rounds, options.steps].map(Number) as [
  number,
  number,
  number,
  number,
];

const images = { input: [3, 32, 32], classes: 10 } as const;
const networks: readonly ResidualNetwork[] = [
  {
    ...images,
    name: "ResNet-20",
    stages: [
      { channels: 16, stride: 1, blocks: 3 },
      { channels: 32, stride: 2, blocks: 3 },
      { channels: 64, stride: 2, blocks: 3 },
    ],
  },
  {
    ...images,
    name: "T32",
    stages: [
      { channels: 16, stride: 1, blocks: 0 },
      { channels: 32, stride: 2, blocks: 1 },
      { channels: 64, stride: 2, blocks: 1 },
      { channels: 128, stride: 2, blocks: 1 },
    ],
  },
];

/** What was measured of one network; each sample is one round. */
interface Result {
  readonly network: string;
  readonly macs: number;
  readonly secondsPerStep: readonly number[];
  readonly peerSecondsPerStep: readonly number[];
  /** Share of the time between two steps that went into preparing batches. */
  readonly preparation: number;
  /** Resident memory at its peak over that before the training was opened. */
  readonly memoryMiB: number;
  readonly activationsMiB: number;
}

/** Random images, enough for one round without repetition. */
function randomImages(count: number): Dataset {
  const size = count * 3 * 32 * 32;
  const bytes = Uint8Array.from({ length: size }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
  return { images: bytes, labels: Uint8Array.from({ length: count }, (_, i) => i % 10), shape: [3, 32, 32] };
}

/** Bytes of the values that gradients read: inputs of convolutions, products and normalisation. */
function activationBytes(model: Model): number {
  const values = inferValues(model, { dims: { batch } });
  const readers = new Set(["Conv", "Gemm", "BatchNormalization"]);
  const kept = new Set(model.graph.nodes.filter(({ op }) => readers.has(op)).map(({ inputs }) => inputs[0]!));
  return [...kept].reduce((sum, name) => sum + 4 * sizeOf(values.get(name)!.shape as number[]), 0);
}

async function measure(network: ResidualNetwork): Promise<Result> {
  const model = residualNetwork(network, 1);
  const data = randomImages(batch * steps);
  const before = process.memoryUsage().rss;
  const augmentation = { shift: 2, alternatingFlip: true };
  const batches = new BatchSource(data, batch, augmentation, 1);
  await using stepper = await Stepper.open(model, data, {
    epochs: 1,
    batch,
    threads,
    augmentation,
    loss: crossEntropy,
    optimiser: sgd(),
    rate: () => 0.01,
    normalisation: { scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] },
  });
  using peer = options.peer === undefined ? undefined : TorchTrainer.start(options.peer, network, batch, threads);
  const [own, peers]: [number[], number[]] = [[], []];
  let [prepared, total] = [0, 0];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    for (let step = 0; step < steps; step++) {
      const fresh = performance.now();
      const next = batches.at(stepper.step);
      prepared += performance.now() - fresh;
      await stepper.run(next, 0.01, Number.POSITIVE_INFINITY);
    }
    const spent = performance.now() - start;
    total += spent;
    const rival = await peer?.seconds(steps);
    if (round === 0) continue;
    own.push(spent / 1000 / steps);
    if (rival !== undefined) peers.push(rival / steps);
  }
  return {
    network: network.name,
    macs: modelCost(model).macs,
    secondsPerStep: own,
    peerSecondsPerStep: peers,
    preparation: prepared / total,
    memoryMiB: process.resourceUsage().maxRSS / 1024 - before / 2 ** 20,
    activationsMiB: activationBytes(model) / 2 ** 20,
  };
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[values.length >> 1]!;

/** "median (smallest to largest)" */
function spread(values: readonly number[], digits = 1): string {
  if (values.length === 0) return "-";
  const ordered = sorted(values);
  return `${median(values).toFixed(digits)} (${ordered[0]!.toFixed(digits)} to ${ordered.at(-1)!.toFixed(digits)})`;
}

function rowOf(result: Result): string {
  const speed = (seconds: readonly number[]): number[] => seconds.map((time) => (3 * result.macs * batch) / time / 1e9);
  const ratio = result.peerSecondsPerStep.map((time, i) => time / result.secondsPerStep[i]!);
  const memory = `${result.memoryMiB.toFixed(0)} of ${result.activationsMiB.toFixed(0)} MiB (${(result.memoryMiB / result.activationsMiB).toFixed(1)} x)`;
  const cells = [
    result.network,
    (result.macs / 1e6).toFixed(1),
    spread(speed(result.secondsPerStep)),
    spread(speed(result.peerSecondsPerStep)),
    spread(ratio, 2),
    `${(100 * result.preparation).toFixed(2)} %`,
    memory,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Measures one network in a process of its own. */
function measureApart({ name }: ResidualNetwork): Result {
  const script = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, [script, ...process.argv.slice(2), "--only", name], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (child.status !== 0) throw new Error(`measuring ${name} ended with code ${child.status}`);
  return JSON.parse(child.stdout) as Result;
}

if (options.only === undefined) {
  const results = networks.map(measureApart);
  const heads = ["network", "MMAC", "GMAC/s", "PyTorch GMAC/s", "ratio", "preparation", "memory of activations"];
  console.log(`| ${heads.join(" | ")} |\n|${" --- |".repeat(heads.length)}`);
  for (const result of results) console.log(rowOf(result));
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ batch, threads, results }, null, 1)}\n`);
} else {
  const network = networks.find(({ name }) => name === options.only);
  if (network === undefined) throw new Error(`unknown network "${options.only}"`);
  console.log(JSON.stringify(await measure(network)));
}
