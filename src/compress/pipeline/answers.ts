import type { Prepared } from "../../data/index.ts";
import type { Network } from "../../lanes/index.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import { type Collected, collectLogits, usualBatch, withLanes } from "../../twin/index.ts";

export interface AnswerOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of images answered since the last call. */
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** The answers of networks to images in memory, with the time that each took; labels only where they are true. */
export function answersTo(
  data: Dataset,
  labelled: boolean,
  networks: readonly Network[],
  options: AnswerOptions = {},
): Promise<Collected> {
  const batch = usualBatch(networks[0]!);
  return withLanes(networks, (lanes) =>
    collectLogits(prepared(data, labelled), networks, { lanes, batch, ...options }),
  );
}

async function* prepared(data: Dataset, labelled: boolean): AsyncGenerator<Prepared> {
  const size = imageSize(data);
  for (let i = 0; i < data.labels.length; i++) {
    const planes = data.images.slice(i * size, (i + 1) * size);
    yield { name: String(i), planes, ...(labelled ? { label: data.labels[i]! } : {}) };
  }
}
