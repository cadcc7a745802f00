/**
 * CascadeCNN's policy beside our twin, on the same original, images and lanes.
 *
 * The baseline is that of Kouris, Venieris and Bouganis, FPL 2018: a low-precision copy of the original without retraining,
 * gBvSB as confidence, its threshold placed on calibration images at an error tolerance, and one resource used in turn: all
 * images by the low-precision network, then the escalated ones by the original. Here the resource is all cores of the
 * machine. Weights of fewer than 7 bits are simulated in 8: the accuracy is theirs, the speed that of int8.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/cascade/run.js --twin TWIN --data test.tar.gz [--calibrate 5000] [--evaluate 5000] \
 *       [--bits 4,7] [--tolerance 0.005] [--shuffle 1] [--rounds 7] [--json FILE]
 *
 * The first `--calibrate` images in the order of the seed `--shuffle` calibrate, the next `--evaluate` evaluate; give the twin
 * the same (`twindnn calibrate TWIN --data test.tar.gz --shuffle 1 --take 5000`). Each round times all systems on the same images,
 * the order turned by one place; ratios are taken within a round.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machineHere } from "../../src/bench/machine.ts";
import { openImages, selectImages } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { type EvaluatedImages, evaluateImages, readTwin } from "../../src/twin/index.ts";
import { originalSpec, type Pass, rivalSpec, type Seconds, timeInTurn, twinSpec } from "../in-turn.ts";
import { outputsOf, planesOf } from "../rival.ts";
import { resultsOfTwin, type SystemResult, tableOf } from "../table.ts";
import { writeLowPrecision } from "./low-precision.ts";
import { type CascadeQuality, type Policy, placeThreshold, qualityOf } from "./policy.ts";

/** CascadeCNN at one word length, on images that did not place its threshold. */
interface Baseline extends CascadeQuality {
  readonly name: string;
  readonly file: string;
  readonly policy: Policy;
}

const options = optionsGiven();
const folder = await readTwin(options.twin);
const source = await openImages(options.data);
const { shuffle, calibrate, evaluate } = options;
const calibration = await selectImages(source, { shuffle, take: calibrate });
const evaluation = await selectImages(source, { shuffle, skip: calibrate, take: evaluate });
const work = mkdtempSync(join(tmpdir(), "cascade-"));
try {
  const baselines: Baseline[] = [];
  for (const bits of options.bits) baselines.push(await baselineOf(bits));
  const results = resultsOf(baselines, await evaluateImages(folder, evaluation));
  const seconds = await timesOf(baselines);
  console.log(tableOf(results, seconds));
  if (options.json !== undefined) {
    const policies = Object.fromEntries(baselines.map(({ name, policy }) => [name, policy]));
    const all = { machine: machineHere(), options, policies, results, seconds: Object.fromEntries(seconds) };
    writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`);
  }
} finally {
  rmSync(work, { recursive: true });
}

function optionsGiven() {
  const { values } = parseArgs({
    options: {
      twin: { type: "string" },
      data: { type: "string" },
      calibrate: { type: "string", default: "5000" },
      evaluate: { type: "string", default: "5000" },
      bits: { type: "string", default: "4,7" },
      tolerance: { type: "string", default: "0.005" },
      shuffle: { type: "string", default: "1" },
      rounds: { type: "string", default: "7" },
      json: { type: "string" },
    },
  });
  const { twin, data, json } = values;
  if (twin === undefined || data === undefined) throw new UsageError("--twin and --data are needed");
  return {
    twin,
    data,
    json,
    calibrate: Number(values.calibrate),
    evaluate: Number(values.evaluate),
    bits: values.bits.split(",").map(Number),
    tolerance: Number(values.tolerance),
    shuffle: Number(values.shuffle),
    rounds: Number(values.rounds),
  };
}

async function baselineOf(bits: number): Promise<Baseline> {
  const file = join(work, `${bits}-bits.onnx`);
  await writeLowPrecision(folder, calibration, { bits, file });
  const policy = placeThreshold(await outputsOf(folder, file, calibration), options.tolerance);
  const quality = qualityOf(await outputsOf(folder, file, evaluation), policy);
  return { name: `CascadeCNN, ${bits} bits`, file, policy, ...quality };
}

/** A baseline takes all images through its low-precision network, then the escalated ones through the original. */
async function timesOf(baselines: readonly Baseline[]): Promise<Seconds> {
  const images = await planesOf(folder, evaluation);
  const original = originalSpec(folder);
  const systems = new Map<string, Pass[]>([
    ["original", [{ spec: original, images }]],
    ["twin", [{ spec: twinSpec(folder), images }]],
  ]);
  for (const { name, file, escalated } of baselines) {
    const second = escalated.map((image) => images[image]!);
    systems.set(name, [
      { spec: rivalSpec(folder, file), images },
      { spec: original, images: second },
    ]);
  }
  return await timeInTurn(systems, options.rounds);
}

function resultsOf(baselines: readonly Baseline[], { evaluation }: EvaluatedImages): SystemResult[] {
  const rivals = baselines.map(({ name, accuracy, escalationRate, recovery }) => {
    return { name, accuracy: accuracy.cascade, alone: accuracy.lowPrecision, escalationRate, recovery };
  });
  return [...resultsOfTwin(evaluation), ...rivals];
}
