import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { InputError } from "../errors.ts";

/** Writes a file whole or not at all: beside it first, then renamed. Throws InputError when it cannot be written. */
export async function writeWhole(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(chunks, createWriteStream(part), { ...(signal && { signal }) });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    throw isSystemError(cause)
      ? new InputError(path, `cannot be written (${cause.code}); check disk and permissions`, { cause })
      : cause;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error;
}
