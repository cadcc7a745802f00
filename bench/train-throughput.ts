/**
 * Speed of a training step, in turns with PyTorch's where asked: forward pass, gradients and SGD update on random images of
 * 3 x 32 x 32. A network trains in a process of its own.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/train-throughput.js [--batch 128] [--threads 2] [--rounds 7] [--steps 3] \
 *       [--peer FOLDER] [--json FILE]
 *
 * `--peer` makes a Python environment with PyTorch for CPUs in FOLDER. One row a network: GMAC/s = 3 x forward
 * multiply-adds x images/s (median, with the smallest and largest round), and the share of the time that preparing batches
 * took.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../src/figures.ts";
import { modelCost } from "../src/onnx/index.ts";
import { BatchSource } from "../src/train/augment.ts";
import { type ResidualNetwork, residualNetwork } from "../src/train/index.ts";
import { Stepper } from "../src/train/stepper.ts";
import { TorchTrainer } from "./peers/train-throughput.ts";
import { augmentation, networkNamed, networks, optionsOf, randomImages } from "./train-networks.ts";

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

/** What was measured of one network; each sample is one round. */
interface Result {
  readonly network: string;
  readonly macs: number;
  readonly secondsPerStep: readonly number[];
  readonly peerSecondsPerStep: readonly number[];
  /** Share of the time between two steps that went into preparing batches. */
  readonly preparation: number;
}

async function measure(network: ResidualNetwork): Promise<Result> {
  const model = residualNetwork(network, 1);
  const data = randomImages(batch * steps);
  const batches = new BatchSource(data, batch, augmentation, 1);
  await using stepper = await Stepper.open(model, data, optionsOf(batch, threads));
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
  };
}

/** "median (smallest to largest)" */
function spread(values: readonly number[], digits = 1): string {
  if (values.length === 0) return "-";
  const ordered = values.toSorted((a, b) => a - b);
  return `${median(values).toFixed(digits)} (${ordered[0]!.toFixed(digits)} to ${ordered.at(-1)!.toFixed(digits)})`;
}

function rowOf(result: Result): string {
  const speed = (seconds: readonly number[]): number[] => seconds.map((time) => (3 * result.macs * batch) / time / 1e9);
  const ratio = result.peerSecondsPerStep.map((time, i) => time / result.secondsPerStep[i]!);
  const cells = [
    result.network,
    (result.macs / 1e6).toFixed(1),
    spread(speed(result.secondsPerStep)),
    spread(speed(result.peerSecondsPerStep)),
    spread(ratio, 2),
    `${(100 * result.preparation).toFixed(2)} %`,
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
  const heads = ["network", "MMAC", "GMAC/s", "PyTorch GMAC/s", "ratio", "preparation"];
  console.log(`| ${heads.join(" | ")} |\n|${" --- |".repeat(heads.length)}`);
  for (const result of results) console.log(rowOf(result));
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ batch, threads, results }, null, 1)}\n`);
} else {
  console.log(JSON.stringify(await measure(networkNamed(options.only))));
}
