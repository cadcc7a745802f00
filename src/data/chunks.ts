import { createReadStream, constants as fileConstants } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, type Readable, type Transform } from "node:stream";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { InputError } from "../errors.ts";

/** Bytes of a file or of a file in an archive, piece by piece. */
export type Chunks = AsyncIterable<Uint8Array>;

const headBytes = 64 * 1024;

/** How to open a path for reading: at once, even a pipe that nobody writes to, whose wait no signal could end. */
export const readAtOnce = fileConstants.O_RDONLY | fileConstants.O_NONBLOCK;

/** The first bytes of a file, unzipped when it is gzip. Throws InputError. */
export async function readHead(path: string): Promise<Uint8Array> {
  const head = await firstBytes(path);
  if (!isGzip(head)) return head;
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw new InputError(path, "is corrupt: not even its start can be unzipped", { cause });
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, readAtOnce);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw new InputError(path, "cannot be read; check the path and its permissions", { cause });
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** A file's bytes, unzipped when it is gzip. Throws InputError. */
export async function* fileChunks(path: string): Chunks {
  const zipped = isGzip(await firstBytes(path));
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  yield* streamChunks(zipped ? piped(file, createGunzip({ chunkSize: 256 * 1024 })) : file, path);
}

/** `source` through `transform`, errors of both surfacing on the result. */
export function piped(source: Readable, transform: Transform): Readable {
  return pipeline(source, transform, () => {});
}

/** A stream's chunks; a failure names `path`. */
export async function* streamChunks(stream: Readable, path: string): Chunks {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(path, `is truncated or corrupt (${message}); copy it again`, { cause });
  } finally {
    stream.destroy();
  }
}

/**
 * Cuts chunks into `header` bytes, then records of `size` bytes, each its own copy. The header is dropped.
 *
 * @throws InputError when the file ends within the header or a record
 */
export async function* records(chunks: Chunks, path: string, header: number, size: number): AsyncGenerator<Uint8Array> {
  let skip = header;
  let record = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of chunks) {
    let at = Math.min(skip, chunk.length);
    skip -= at;
    while (at < chunk.length) {
      const piece = chunk.subarray(at, at + size - filled);
      record.set(piece, filled);
      at += piece.length;
      filled += piece.length;
      if (filled < size) break;
      yield record;
      record = new Uint8Array(size);
      filled = 0;
    }
  }
  if (skip > 0 || filled > 0) throw new InputError(path, "is truncated: it ends within an image; copy it again");
}

/** All bytes together: for small files. */
export async function collect(chunks: Chunks): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
