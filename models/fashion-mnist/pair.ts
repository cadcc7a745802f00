/**
 * Makes the twin of the two trained networks: the student in int8 where that is faster here, the original in int8 as second
 * stage, a threshold proven on the calibration images, and 2,000 test images packed for the demo.
 *
 * Options: `--work` where `make` has left data and networks (default tmp/fashion-mnist), `--out` where to write (default
 * models/fashion-mnist).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addOriginalInt8, imageBatches, quantizeModel } from "twindnn/compress";
import {
  type ImageSource,
  openImages,
  type Pixels,
  packNpz,
  presets,
  readLabels,
  selectImages,
  splitImages,
} from "twindnn/data";
import { readModel, writeModel } from "twindnn/onnx";
import { calibrateTwin, pairTwin } from "twindnn/twin";
import { pairSeed, partSizes } from "./split.ts";

const { values: options } = parseArgs({
  options: {
    work: { type: "string", default: join("tmp", "fashion-mnist") },
    out: { type: "string", default: join("models", "fashion-mnist") },
  },
});
const twin = join(options.out, "twin");
const preprocessing = presets["fashion-mnist"]!;

const { selection, calibration } = await splitImages(
  await openImages(options.work, { split: "train" }),
  partSizes,
  pairSeed,
);
const compressed = await fasterForm(join(options.work, "student.onnx"), selection);
await pairTwin({
  original: join(options.work, "original.onnx"),
  compressed,
  preprocessing,
  labels: await readLabels(join(options.work, "classes.txt")),
  output: twin,
  replace: true,
  compression: { recipe: compressed.endsWith("int8.onnx") ? "student+int8" : "student", options: {}, seed: pairSeed },
});
await addOriginalInt8(twin, selection);
const result = await calibrateTwin(twin, calibration, {
  promise: { kind: "drop", tolerance: 0.003, probability: 0.95 },
  selection,
  seed: pairSeed,
  trySecond: true,
});
console.log("calibrated", JSON.stringify({ ...result.calibration.chosen, costs: Object.fromEntries(result.costs) }));
await packTestImages(join(options.out, "test.npz"), 2000);

/** The int8 form of a network where it is faster on this machine, else the network itself. */
async function fasterForm(path: string, images: ImageSource): Promise<string> {
  const model = readModel(path);
  const quantized = await quantizeModel(model, imageBatches(model, preprocessing, images));
  console.log("student in int8", JSON.stringify({ ...quantized.report, nodes: undefined }));
  if (quantized.report.time.speedUp <= 1) return path;
  const int8 = path.replace(/\.onnx$/, "-int8.onnx");
  await writeModel(int8, quantized.model);
  return int8;
}

async function packTestImages(file: string, count: number): Promise<void> {
  const source = await selectImages(await openImages(options.work, { split: "test" }), {
    shuffle: pairSeed,
    take: count,
  });
  const images: Pixels[] = [];
  const labels: number[] = [];
  for await (const item of source) {
    images.push((await item.read()) as Pixels);
    labels.push(item.label!);
  }
  await packNpz(file, images, labels);
}
