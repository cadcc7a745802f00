import type { Normalisation } from "../../data/index.ts";
import { writeWhole } from "../../files.ts";
import type { Network, NetworkName } from "../../lanes/index.ts";
import type { Model } from "../../onnx/index.ts";
import type { Dataset } from "../../train/index.ts";
import { admitModel, type Logits, type ManifestNetwork, type TwinPromise } from "../../twin/index.ts";
import type { WorkFolder } from "./work-folder.ts";

/** How small or fast the compressed network must be, relative to the original or in bytes; the strictest of all. */
export interface Target {
  /** Of the compressed network alone: the original's time over its own, measured here. */
  readonly speedUp?: number | undefined;
  /** Share of the original's multiply-adds. */
  readonly macs?: number | undefined;
  /** Bytes of weights, in int8. */
  readonly size?: number | undefined;
}

/** What a recipe works with. */
export interface Compression {
  readonly original: { readonly model: Model; readonly entry: ManifestNetwork; readonly network: Network };
  readonly normalisation: Normalisation;
  readonly training: Dataset;
  readonly selection: Dataset;
  /** On the selection images. */
  readonly originalLogits: Logits;
  /** Whether the images have true labels. */
  readonly labelled: boolean;
  readonly promise: TwinPromise;
  readonly target: Target;
  /** Seconds that the whole run may take. */
  readonly budget: number;
  /** When it should be done, by `performance.now()`. */
  readonly deadline: number;
  readonly seed: number;
  readonly flip: boolean;
  /** Of networks in int8; as this CPU takes them where absent. */
  readonly weightBits?: number | undefined;
  readonly threads: number;
  readonly work: WorkFolder;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: OnProgress;
  /** Called with what the user should know. */
  readonly onNote: (note: string) => void;
}

/** Called as a step advances: `done` of `total`, and what there is to say. */
export type OnProgress = (step: string, done: number, total: number, detail?: string) => void;

/** Counts what is done of a step. */
export function counted(onProgress: OnProgress | undefined, step: string, total: number): (more: number) => void {
  let done = 0;
  return (more) => {
    done += more;
    onProgress?.(step, done, total);
  };
}

/** A network that could be the compressed one. It holds no path, so that the work folder may be moved. */
export interface Candidate {
  readonly name: string;
  readonly recipe: string;
  /** In the work folder. */
  readonly network: ManifestNetwork;
  /** Whether it computes in integers alone, and its twin carries its integer form. */
  readonly inIntegers?: boolean;
}

/** Writes a model into the work folder. */
export async function storeCandidate(
  { work }: Pick<Compression, "work">,
  name: string,
  recipe: string,
  model: Model,
): Promise<Candidate> {
  const { entry, bytes } = await admitModel(model, `${name}.onnx`);
  await writeWhole(work.file(entry.file), bytes);
  return { name, recipe, network: entry };
}

/** A network in the work folder, as a lane loads it. */
export function networkIn(
  { work, normalisation }: Pick<Compression, "work" | "normalisation">,
  { file, input, output, fixedBatch }: ManifestNetwork,
  name: NetworkName,
): Network {
  const network = { name, file: work.file(file), input, output, normalisation };
  return fixedBatch === undefined ? network : { ...network, fixedBatch };
}
