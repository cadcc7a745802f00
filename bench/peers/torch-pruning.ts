/**
 * Torch-Pruning with fine-tuning at a time budget, beside our twin of the same original: a CIFAR ResNet, the same training
 * images, the same images to evaluate on, timed in turn. Makes its own Python environment in the folder of results. Give it
 * the budget that the twin had (`twindnn compress --budget`), and images that did not calibrate the twin.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/peers/torch-pruning.js --twin TWIN --train train.tar.gz --test test.tar.gz --out FOLDER \
 *       [--minutes 120] [--macs 0.25,0.15] [--shuffle 1] [--skip 5000] [--evaluate 5000] [--take IMAGES] [--rounds 7] \
 *       [--threads 2] [--seed 1] [--json FILE]
 *
 * `--macs` are the shares of multiply-adds that stay, a network each; each has all the minutes.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machineHere } from "../../src/bench/machine.ts";
import { loadImages } from "../../src/compress/pipeline/images.ts";
import { createPreprocessor, openImages, selectImages } from "../../src/data/index.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { UsageError } from "../../src/errors.ts";
import { evaluateImages, readTwin } from "../../src/twin/index.ts";
import { originalSpec, type Pass, rivalSpec, timeInTurn, twinSpec } from "../in-turn.ts";
import { outputsOf, planesOf, rightAnswers } from "../rival.ts";
import { resultsOfTwin, type SystemResult, tableOf } from "../table.ts";
import { pythonWith } from "./python.ts";

const packages = ["torch==2.15.0", "torch-pruning==1.6.1", "onnx==1.23.2", "numpy==2.4.6"];
const script = join("bench", "peers", "torch-pruning.py");

const { values: options } = parseArgs({
  options: {
    twin: { type: "string" },
    train: { type: "string" },
    test: { type: "string" },
    out: { type: "string" },
    minutes: { type: "string", default: "120" },
    macs: { type: "string", default: "0.25,0.15" },
    shuffle: { type: "string", default: "1" },
    skip: { type: "string", default: "5000" },
    evaluate: { type: "string", default: "5000" },
    take: { type: "string" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const { twin, train, test, out } = options;
if (!twin || !train || !test || !out) throw new UsageError("--twin, --train, --test and --out are needed");

mkdirSync(out, { recursive: true });
const folder = await readTwin(twin);
await writeTrainingImages(train, out);
const pruned = options.macs.split(",").map((share) => prune(share, out));
const evaluation = await selectImages(await openImages(test), {
  shuffle: Number(options.shuffle),
  skip: Number(options.skip),
  take: Number(options.evaluate),
});
const results = await resultsOf();
const seconds = await timesOf();
console.log(tableOf(results, seconds));
if (options.json !== undefined) {
  const all = { machine: machineHere(), options, pruned, results, seconds: Object.fromEntries(seconds) };
  writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`);
}

/** Prepared training images as bytes, and their classes, where the script reads them. */
async function writeTrainingImages(path: string, target: string): Promise<void> {
  const chosen = options.take === undefined ? {} : { shuffle: 1, take: Number(options.take) };
  const source = await selectImages(await openImages(path), chosen);
  const { data, labelled } = await loadImages(source, folder.manifest.preprocessing);
  if (!labelled) throw new UsageError(`${path}: not every image has a class`);
  const labels = BigInt64Array.from(data.labels, BigInt);
  writeFileSync(join(target, "images.npy"), encodeNpy(data.images, [labels.length, ...data.shape]));
  writeFileSync(join(target, "labels.npy"), encodeNpy(labels, [labels.length]));
}

/** Prunes to a share of the multiply-adds and trains for the minutes given. */
function prune(share: string, target: string) {
  const python = pythonWith(packages, target);
  const original = join(folder.path, folder.manifest.networks.original.file);
  const file = join(target, `pruned-${share}.onnx`);
  const data = [join(target, "images.npy"), join(target, "labels.npy")];
  const args = [script, original, ...data, file, options.minutes, share, options.threads, options.seed];
  const { scale, offset } = createPreprocessor(folder.manifest.preprocessing).normalisation;
  const env = { ...process.env, SCALE: JSON.stringify([...scale]), OFFSET: JSON.stringify([...offset]) };
  const report = execFileSync(python, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  console.log(report.trim());
  return { name: `Torch-Pruning, ${share} of the MACs`, file, report: JSON.parse(report) as Record<string, number> };
}

async function resultsOf(): Promise<SystemResult[]> {
  const rows = resultsOfTwin((await evaluateImages(folder, evaluation)).evaluation);
  for (const { name, file } of pruned) {
    const { rival, labels } = await outputsOf(folder, file, evaluation);
    rows.push({ name, accuracy: rightAnswers(rival, labels).filter(Boolean).length / labels.length });
  }
  return rows;
}

async function timesOf() {
  const images = await planesOf(folder, evaluation);
  const systems = new Map<string, Pass[]>([
    ["original", [{ spec: originalSpec(folder), images }]],
    ["twin", [{ spec: twinSpec(folder), images }]],
  ]);
  for (const { name, file } of pruned) systems.set(name, [{ spec: rivalSpec(folder, file), images }]);
  return await timeInTurn(systems, Number(options.rounds));
}
