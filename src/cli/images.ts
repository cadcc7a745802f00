import { addAbortSignal } from "node:stream";
import { type ImageSource, openImages, readLabelList, selectImages, withLabels } from "../data/index.ts";
import { InputError } from "../errors.ts";

/** The flags that say which images to use. */
export interface ImageFlags {
  readonly data: string | readonly string[];
  readonly split?: "train" | "test" | "val" | undefined;
  readonly skip?: number | undefined;
  readonly take?: number | undefined;
  readonly shuffle?: number | undefined;
}

/**
 * Opens the images that the flags choose; `labels` are the class names to expect. An abort of `signal` ends the wait for the
 * standard input.
 *
 * @throws InputError when they choose none
 */
export async function openSelection(
  flags: ImageFlags,
  signal: AbortSignal,
  labels?: readonly string[],
): Promise<ImageSource> {
  const { data, split, skip, take, shuffle } = flags;
  const source = await openImages(data, {
    ...(labels === undefined ? {} : { labels }),
    ...(split === undefined ? {} : { split }),
    ...([data].flat().includes("-") ? { stdin: addAbortSignal(signal, process.stdin) } : {}),
  });
  if (skip === undefined && take === undefined && shuffle === undefined) return source;
  const chosen = await selectImages(source, {
    ...(skip === undefined ? {} : { skip }),
    ...(take === undefined ? {} : { take }),
    ...(shuffle === undefined ? {} : { shuffle }),
  });
  if (chosen.count === 0 && source.count !== 0) {
    throw new InputError(source.name, "the options leave none of its images; change --skip or --take");
  }
  return chosen;
}

/** The images with the classes of a table, where one is given. */
export async function labelledBy(
  table: string | undefined,
  images: ImageSource,
  classes: readonly string[],
): Promise<ImageSource> {
  return table === undefined ? images : withLabels(images, await readLabelList(table, classes), table);
}
