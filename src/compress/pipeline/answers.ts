import type { Prepared } from "../../data/index.ts";
import { InputError } from "../../errors.ts";
import { readBytes, writeWhole } from "../../files.ts";
import type { Network } from "../../lanes/index.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import { type Collected, collectLogits, type Logits, logitsOf, usualBatch, withLanes } from "../../twin/index.ts";
import { type Compression, counted } from "./context.ts";

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

/** Images in memory as lanes take them. */
export async function* prepared(data: Dataset, labelled: boolean): AsyncGenerator<Prepared> {
  const size = imageSize(data);
  for (let i = 0; i < data.labels.length; i++) {
    const planes = data.images.slice(i * size, (i + 1) * size);
    yield { name: String(i), planes, ...(labelled ? { label: data.labels[i]! } : {}) };
  }
}

/** The original's logits on images, asked for once and kept in the work folder as a step of the run. */
export async function originalAnswers(
  step: string,
  data: Dataset,
  { work, original, signal, onProgress }: Pick<Compression, "work" | "original" | "signal" | "onProgress">,
): Promise<Logits> {
  const file = work.file(`${step}.f32`);
  await work.once(step, async () => {
    const advance = counted(onProgress, `asking the original (${step})`, data.labels.length);
    const answers = await answersTo(data, false, [original.network], { signal, onProgress: advance });
    const { data: logits } = logitsOf(answers, "original");
    await writeWhole(file, new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  });
  const bytes = await readBytes(file, "delete the work folder and start anew");
  const [count, { classes }] = [data.labels.length, original.entry.output];
  if (bytes.length !== 4 * count * classes) throw new InputError(file, `does not hold ${count} x ${classes} logits`);
  return { data: new Float32Array(bytes.slice().buffer), count, classes };
}
