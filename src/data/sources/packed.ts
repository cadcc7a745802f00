import { InputError } from "../../errors.ts";
import { type Chunks, records } from "../chunks.ts";
import type { ImageItem, ImageSource, Pixels } from "../types.ts";

/** Images of one size, one after the other in a file. */
export interface PackedFile {
  /** For the names of its images: `<name>#<index>`. */
  readonly name: string;
  /** For messages. */
  readonly path: string;
  readonly count: number;
  /** Bytes before the first image. */
  readonly header: number;
  /** Bytes of an image and what goes with it. */
  readonly size: number;
  /** The file's bytes, from the start, each time anew. */
  readonly chunks: () => Chunks;
  decode(record: Uint8Array, index: number): { readonly pixels: Pixels; readonly label?: number };
}

/** The images of packed files, in order; nothing but the image at hand is held. */
export function packedSource(
  name: string,
  files: readonly PackedFile[],
  classes: readonly string[] | undefined,
): ImageSource {
  return {
    name,
    count: files.reduce((total, file) => total + file.count, 0),
    ...(classes && { classes }),
    async *[Symbol.asyncIterator]() {
      for (const file of files) yield* items(file);
    },
  };
}

async function* items(file: PackedFile): AsyncGenerator<ImageItem> {
  let index = 0;
  for await (const record of records(file.chunks(), file.path, file.header, file.size)) {
    if (index === file.count) break;
    const { pixels, label } = file.decode(record, index);
    yield { name: `${file.name}#${index}`, ...(label !== undefined && { label }), read: async () => pixels };
    index++;
  }
  if (index < file.count) {
    throw new InputError(file.path, `is truncated: ${index} of ${file.count} images; copy it again`);
  }
}

/** Channel planes as interleaved pixels. */
export function interleave(planes: Uint8Array, channels: 1 | 3 | 4, height: number, width: number): Pixels {
  if (channels === 1) return { data: planes, width, height, channels };
  const area = width * height;
  const data = new Uint8Array(planes.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) data[i * channels + c] = planes[c * area + i]!;
  }
  return { data, width, height, channels };
}
