import { createPreprocessor, type ImageSource, type Preparable, prepareAll } from "../data/index.ts";
import type { NetworkName } from "../lanes/index.ts";
import { canaryCount } from "./canaries.ts";
import { type Collected, collectLogits } from "./collect.ts";
import { networkOf, type TwinFolder } from "./folder.ts";
import { usualBatch, withLanes } from "./lanes.ts";

export interface AnswerOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of images answered since the last call. */
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** Runs some of a twin's networks on all images of a source. */
export async function answerAll(
  folder: TwinFolder,
  names: readonly NetworkName[],
  images: ImageSource<Preparable>,
  { signal, onProgress }: AnswerOptions,
): Promise<Collected> {
  const networks = names.map((name) => networkOf(folder, name));
  const preprocessor = createPreprocessor(folder.manifest.preprocessing);
  const prepared = prepareAll(images, preprocessor, signal === undefined ? {} : { signal });
  const batch = usualBatch(networkOf(folder, "compressed"));
  return withLanes(networks, (lanes) =>
    collectLogits(prepared, networks, { lanes, batch, keep: canaryCount, signal, onProgress }),
  );
}
