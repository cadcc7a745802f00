import { writeFileSync } from "node:fs";
import { type Compression, networkIn } from "../../../src/compress/pipeline/context.ts";
import { WorkFolder } from "../../../src/compress/pipeline/work-folder.ts";
import { logitsOf } from "../../../src/train/index.ts";
import { admitModel } from "../../../src/twin/index.ts";
import { bars, normalisation, tinyNetwork } from "../../train/tiny.ts";

export const original = tinyNetwork();
const selection = bars(200, 4);

/** What a recipe works with, in a work folder that may have been begun. */
export async function compressionIn(folder: string, changes: Partial<Compression> = {}): Promise<Compression> {
  const work = await WorkFolder.open(folder, "run");
  const { entry, bytes } = await admitModel(original, "original.onnx");
  writeFileSync(work.file(entry.file), bytes);
  const data = await logitsOf(original, selection, { normalisation, threads: 1 });
  return {
    original: { model: original, entry, network: networkIn({ work, normalisation }, entry, "original") },
    normalisation,
    training: bars(2048, 3),
    selection,
    originalLogits: { data, count: selection.labels.length, classes: 3 },
    labelled: false,
    promise: { kind: "agreement", tolerance: 0.1, probability: 0.95 },
    target: {},
    budget: 3600,
    deadline: performance.now() + 3_600_000,
    seed: 1,
    flip: false,
    threads: 1,
    work,
    onProgress: () => {},
    onNote: () => {},
    ...changes,
  };
}
