import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { InputError } from "../errors.ts";

/** The SHA-256 of bytes, in hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Reads a whole file. Throws InputError with `wayOut` when it cannot be read. */
export async function readBytes(path: string, wayOut: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new InputError(path, `cannot be read (${systemCode(cause)}); ${wayOut}`, { cause });
  }
}

/**
 * Writes a file whole or not at all: to a temporary file beside it, flushed, then renamed over it.
 * Throws InputError when the disk is full or the folder cannot be written.
 */
export async function writeWhole(path: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFlushed(temporary, contents);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw unwritable(path, cause);
  }
}

async function writeFlushed(path: string, contents: Uint8Array | string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(contents);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The error that a failed write becomes. */
export function unwritable(path: string, cause: unknown): InputError {
  const code = systemCode(cause);
  const wayOut = code === "ENOSPC" ? "the disk is full; free some space" : "check the path and its permissions";
  return new InputError(path, `cannot be written (${code}); ${wayOut}`, { cause });
}

/** The code of a system error, such as ENOENT. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
}
