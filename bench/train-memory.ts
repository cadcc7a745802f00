/**
 * Peak memory of a training step against the activations that it must keep.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/train-memory.js [--batch 128] [--threads 2] [--steps 5]
 *
 * One row a network, each measured in a process of its own: the activations (inputs of convolutions, products and
 * normalisation), what the opened training holds before its first step (ONNX Runtime, the graph, this program), and what the
 * steps add to that at their peak, as resident memory.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BatchSource } from "../src/train/augment.ts";
import { residualNetwork } from "../src/train/index.ts";
import { Stepper } from "../src/train/stepper.ts";
import { activationBytes, augmentation, networkNamed, networks, optionsOf, randomImages } from "./train-networks.ts";

const { values: options } = parseArgs({
  options: {
    batch: { type: "string", default: "128" },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
const [batch, threads, steps] = [options.batch, options.threads, options.steps].map(Number) as [number, number, number];

const mebibytes = (bytes: number): number => bytes / 2 ** 20;
const resident = (): number => mebibytes(process.memoryUsage().rss);
const peak = (): number => process.resourceUsage().maxRSS / 1024;

async function rowOf(name: string): Promise<string> {
  const model = residualNetwork(networkNamed(name), 1);
  const data = randomImages(batch * steps);
  const batches = new BatchSource(data, batch, augmentation, 1);
  const before = resident();
  await using stepper = await Stepper.open(model, data, optionsOf(batch, threads));
  const opened = resident();
  for (let step = 0; step < steps; step++) await stepper.run(batches.at(step), 0.01, Number.POSITIVE_INFINITY);
  const activations = mebibytes(activationBytes(model, batch));
  const added = peak() - opened;
  const cells = [activations, opened - before, added].map((value) => value.toFixed(0));
  return `| ${[name, ...cells, `${(added / activations).toFixed(2)} x`].join(" | ")} |`;
}

function measureApart(name: string): string {
  const script = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, [script, ...process.argv.slice(2), "--only", name], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (child.status !== 0) throw new Error(`measuring ${name} ended with code ${child.status}`);
  return child.stdout;
}

if (options.only === undefined) {
  const heads = ["network", "activations, MiB", "opened, MiB", "steps, MiB", "steps / activations"];
  console.log(`| ${heads.join(" | ")} |\n|${" --- |".repeat(heads.length)}`);
  for (const { name } of networks) process.stdout.write(measureApart(name));
} else {
  console.log(await rowOf(options.only));
}
