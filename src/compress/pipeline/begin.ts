import { createHash } from "node:crypto";
import { createPreprocessor, partHash } from "../../data/index.ts";
import { writeWhole } from "../../files.ts";
import { cpuBudget } from "../../lanes/index.ts";
import { decodeModel } from "../../onnx/index.ts";
import type { AdmittedNetwork } from "../../twin/index.ts";
import { originalAnswers } from "./answers.ts";
import { type Compression, networkIn } from "./context.ts";
import type { LoadedParts } from "./images.ts";
import type { CompressOptions } from "./options.ts";
import { WorkFolder } from "./work-folder.ts";

/** Opens the folder where a run keeps what it has finished. */
export const openWork = (original: AdmittedNetwork, images: LoadedParts, options: CompressOptions) =>
  WorkFolder.open(workPath(options), runHash(original, images, options));

/** Sets a run up in its work folder, and asks the original what it makes of the selection images. */
export async function begin(
  work: WorkFolder,
  original: AdmittedNetwork,
  images: LoadedParts,
  options: CompressOptions,
): Promise<Compression> {
  const { normalisation } = createPreprocessor(options.preprocessing);
  await writeWhole(work.file(original.entry.file), original.bytes);
  const { promise, target = {}, budget, seed, flip, weightBits, signal } = options;
  const { onProgress = () => {}, onNote = () => {} } = options;
  const started = {
    original: {
      model: decodeModel(original.bytes),
      entry: original.entry,
      network: networkIn({ work, normalisation }, original.entry, "original"),
    },
    normalisation,
    training: images.training.data,
    selection: images.selection.data,
    labelled: images.training.labelled && images.selection.labelled,
    promise,
    target,
    budget,
    deadline: performance.now() + 1000 * budget,
    seed,
    flip,
    weightBits,
    threads: cpuBudget(),
    work,
    signal,
    onProgress,
    onNote,
  };
  return { ...started, originalLogits: await originalAnswers("original", started.selection, started) };
}

/** Where a run keeps what it has finished. */
export const workPath = ({ work, output }: Pick<CompressOptions, "work" | "output">): string =>
  work ?? `${output}.work`;

/** A hash of all that decides which networks a run makes. What is promised of them may change when it goes on. */
function runHash({ entry }: AdmittedNetwork, images: LoadedParts, options: CompressOptions): string {
  const { preprocessing, recipe, target, budget, seed, flip, weightBits } = options;
  const parts = Object.values(images).map(({ fingerprints }) => partHash(fingerprints));
  const all = { original: entry.sha256, parts, preprocessing, recipe, target, budget, seed, flip, weightBits };
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
