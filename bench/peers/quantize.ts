/**
 * Our int8 beside ONNX Runtime's own `quantize_static` and NNCF's post-training quantisation: the same model, the same
 * prepared images, the same onnxruntime-node. Makes its own Python environment in the folder of results. Calibrates on one
 * source, evaluates on another; where both are the same, on other images of it. Prints a table in Markdown; speed-ups are
 * medians of ratios within rounds in which all take turns, with the least and the most.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/peers/quantize.js --model M.onnx --train train.tar.gz --test test.tar.gz \
 *       --preprocess cifar10 --out FOLDER [--calibrate 256] [--evaluate 2000] [--threads 2]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { pairedRatio } from "../../src/bench/statistics.ts";
import { type ImageBatch, imageBatches, quantizeModel } from "../../src/compress/index.ts";
import { type ImageSource, loadPreprocessing, openImages, selectImages } from "../../src/data/index.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { UsageError } from "../../src/errors.ts";
import { encodeModel, type Model, readModel } from "../../src/onnx/index.ts";
import { type Seconds, sampleInTurn } from "../in-turn.ts";
import { pythonWith } from "./python.ts";

const packages = ["onnxruntime==1.30.0", "onnx==1.23.2", "numpy==2.4.6", "nncf==3.4.0"];
const rounds = 7;
/** Images of a sample, and of a batch. */
const timed = 256;
const batchSize = 16;

/** Prepared images, one after the other, and their classes. */
interface Inputs {
  readonly images: Float32Array;
  readonly shape: readonly number[];
  readonly labels: readonly number[];
}

interface Candidate {
  readonly name: string;
  readonly session: InferenceSession;
}

async function readInputs(model: Model, preprocess: string, source: ImageSource): Promise<Inputs> {
  const labels: number[] = [];
  for await (const { label, name } of source) {
    if (label === undefined) throw new UsageError(`${source.name}: "${name}" has no class`);
    labels.push(label);
  }
  const parts: Float32Array[] = [];
  for await (const { data } of imageBatches(model, loadPreprocessing(preprocess), source)) parts.push(data);
  const shape = model.graph.inputs[0]!.shape!.slice(1).map(Number);
  const images = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    images.set(part, at);
    at += part.length;
  }
  if (images.length !== labels.length * sizeOf(shape)) throw new UsageError(`${source.name} holds unreadable images`);
  return { images, shape, labels };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function* batchesOf({ images, shape, labels }: Inputs, size: number): Generator<ImageBatch> {
  const values = sizeOf(shape);
  for (let start = 0; start < labels.length; start += size) {
    const count = Math.min(size, labels.length - start);
    yield { count, data: images.subarray(start * values, (start + count) * values) };
  }
}

/** A peer's script, called with model, images and folder, and the forms that it writes there. */
interface Peer {
  readonly name: string;
  readonly script: string;
  readonly forms: readonly string[];
}

const peers: readonly Peer[] = [
  { name: "quantize_static", script: "quantize.py", forms: ["minmax", "percentile", "entropy"] },
  { name: "NNCF", script: "quantize-nncf.py", forms: ["performance", "mixed"] },
];

/** Paths of the peers' int8 models: each form, with weights of 7 and of 8 bits. */
function quantizeWithPeers(folder: string, model: string, calibration: string): Map<string, string> {
  const python = pythonWith(packages, folder);
  const paths = new Map<string, string>();
  for (const { name, script, forms } of peers) {
    for (const [bits, flags] of [
      [7, []],
      [8, ["--full-range"]],
    ] as const) {
      const target = join(folder, `${name}-${bits}`);
      const args = [join("bench", "peers", script), model, calibration, target, ...flags];
      execFileSync(python, args, { stdio: ["ignore", "inherit", "inherit"] });
      for (const form of forms) paths.set(`${name} ${form}, ${bits} bits`, join(target, `${form}.onnx`));
    }
  }
  return paths;
}

async function logitsOf(session: InferenceSession, { count, data }: ImageBatch, shape: readonly number[]) {
  const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
  const results = await session.run({ [input]: new Tensor("float32", data, [count, ...shape]) });
  return results[output]!.data as Float32Array;
}

async function classesOf({ session }: Candidate, test: Inputs): Promise<number[]> {
  const classes: number[] = [];
  for (const batch of batchesOf(test, batchSize)) {
    const logits = await logitsOf(session, batch, test.shape);
    const width = logits.length / batch.count;
    for (let at = 0; at < logits.length; at += width) {
      const row = logits.subarray(at, at + width);
      classes.push(row.indexOf(Math.max(...row)));
    }
  }
  return classes;
}

/** Seconds of each round, by candidate, on the first images. */
async function timeInTurn(candidates: readonly Candidate[], test: Inputs): Promise<Seconds> {
  const first = { ...test, labels: test.labels.slice(0, timed) };
  const sessions = new Map(candidates.map(({ name, session }) => [name, session]));
  const sample = async (name: string): Promise<number> => {
    const start = performance.now();
    for (const batch of batchesOf(first, batchSize)) await logitsOf(sessions.get(name)!, batch, test.shape);
    return (performance.now() - start) / 1000;
  };
  return sampleInTurn([...sessions.keys()], sample, rounds);
}

/** A row a candidate; agreement and speed-up are relative to the first. */
async function table(candidates: readonly Candidate[], test: Inputs): Promise<string> {
  const seconds = await timeInTurn(candidates, test);
  const original = seconds.get(candidates[0]!.name)!;
  const all: number[][] = [];
  for (const candidate of candidates) all.push(await classesOf(candidate, test));
  const rows = candidates.map(({ name }, at) => {
    const accuracy = percentEqual(all[at]!, test.labels);
    const agreement = percentEqual(all[at]!, all[0]!);
    const { median, min, max } = pairedRatio(original, seconds.get(name)!);
    return `| ${name} | ${accuracy} | ${agreement} | ${median.toFixed(2)}× | ${min.toFixed(2)} to ${max.toFixed(2)} |`;
  });
  const heads = ["| model | accuracy | agreement | speed-up | min to max |", "| --- | ---: | ---: | ---: | ---: |"];
  return [...heads, ...rows].join("\n");
}

const percentEqual = (a: readonly number[], b: readonly number[]): string =>
  `${((100 * a.filter((value, at) => value === b[at]).length) / a.length).toFixed(2)} %`;

function argumentsOf() {
  const text = { type: "string" } as const;
  const options = { model: text, train: text, test: text, preprocess: text, out: text };
  const counts = { calibrate: text, evaluate: text, threads: text };
  const { values } = parseArgs({ options: { ...options, ...counts } });
  const { model, train, test, preprocess, out } = values;
  if (!model || !train || !test || !preprocess || !out) {
    throw new UsageError("--model, --train, --test, --preprocess and --out are needed");
  }
  const [calibrate, evaluate, threads] = [values.calibrate ?? 256, values.evaluate ?? 2000, values.threads ?? 2].map(
    Number,
  ) as [number, number, number];
  return { model, train, test, preprocess, out, calibrate, evaluate, threads };
}

async function main(): Promise<void> {
  const { model: path, train, test, preprocess, out, calibrate, evaluate, threads } = argumentsOf();
  mkdirSync(out, { recursive: true });
  const model = readModel(path);
  const select = async (source: string, skip: number, take: number): Promise<Inputs> =>
    await readInputs(model, preprocess, await selectImages(await openImages(source), { shuffle: 1, skip, take }));
  const calibration = await select(train, 0, calibrate);
  const evaluation = await select(test, train === test ? calibrate : 0, evaluate);
  const inputs = join(out, "calibration.npy");
  writeFileSync(inputs, encodeNpy(calibration.images, [calibration.labels.length, ...calibration.shape]));
  const quantized = quantizeWithPeers(out, path, inputs);
  const open = async (name: string, bytes: Uint8Array): Promise<Candidate> => ({
    name,
    session: await InferenceSession.create(bytes, { intraOpNumThreads: threads, logSeverityLevel: 3 }),
  });
  const candidates = [await open("float32", encodeModel(model))];
  for (const weightBits of [7, 8] as const) {
    const { model: int8 } = await quantizeModel(model, stream(calibration), { weightBits, threads });
    candidates.push(await open(`twindnn, ${weightBits} bits`, encodeModel(int8)));
  }
  for (const [name, file] of quantized) candidates.push(await open(name, readFileSync(file)));
  console.log(`${basename(path)}: ${calibrate} images to calibrate, ${evaluate} to evaluate, ${threads} threads\n`);
  console.log(await table(candidates, evaluation));
}

async function* stream(inputs: Inputs): AsyncGenerator<ImageBatch> {
  yield* batchesOf(inputs, 16);
}

await main();
