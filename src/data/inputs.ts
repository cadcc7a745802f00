import { encodedBytes, type ImageInput, isPixels } from "./decode.ts";
import type { ImageItem } from "./types.ts";

/** Whether `value` is an item of a source. */
export function isItem(value: ImageInput | ImageItem): value is ImageItem {
  return typeof value === "object" && "read" in value;
}

/** Images as a program holds them, as items: named by path or URL, or else `#<position>`. */
export async function* sourceOf(
  inputs: Iterable<ImageInput | ImageItem> | AsyncIterable<ImageInput | ImageItem>,
): AsyncGenerator<ImageItem> {
  let position = 0;
  for await (const input of inputs) {
    yield isItem(input) ? input : itemOf(input, position);
    position++;
  }
}

function itemOf(input: ImageInput, position: number): ImageItem {
  const address = input instanceof URL ? input.href : input;
  const name = typeof address === "string" && !address.startsWith("data:") ? address : `#${position}`;
  return { name, read: async () => (isPixels(input) ? input : encodedBytes(input, name)) };
}
