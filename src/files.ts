import { mkdir, open, readFile, readlink, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "./errors.ts";

/** Bytes of a file, all at once or piece by piece. */
export type Contents = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Reads a whole file. Throws InputError with `wayOut` when it cannot be read. */
export async function readBytes(path: string, wayOut: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new InputError(path, `cannot be read (${systemCode(cause)}); ${wayOut}`, { cause });
  }
}

/**
 * Writes a file whole or not at all: to a temporary file beside it, flushed, then renamed over it, or over the file that a
 * link leads to. What is there and no file, such as a pipe or a device, is written to as it is.
 * Throws InputError when the disk is full or the folder cannot be written, and the signal's reason after an abort.
 */
export async function writeWhole(path: string, contents: Contents, signal?: AbortSignal): Promise<void> {
  await writeAllWhole(new Map([[path, contents]]), signal);
}

/** Writes files in order; none of them appears under its name before all are written. Throws as `writeWhole`. */
export async function writeAllWhole(files: ReadonlyMap<string, Contents>, signal?: AbortSignal): Promise<void> {
  const written: Target[] = [];
  let current = "";
  try {
    for (const [path, contents] of files) {
      current = path;
      const target = await targetOf(path);
      written.push(target);
      await write(target, contents, signal);
    }
    for (const { opened, renamed } of written) if (renamed !== undefined) await rename(opened, renamed);
  } catch (cause) {
    for (const { opened, renamed } of written) if (renamed !== undefined) await rm(opened, { force: true });
    throw isSystemError(cause) ? unwritable(current, cause) : cause;
  }
}

/** What is opened to write a file, and what that is renamed to; absent where it is written in place. */
interface Target {
  readonly opened: string;
  readonly renamed?: string;
}

/** Names of what a process has open: a file behind them is the caller's, who goes on writing to it. */
const openOnes = /^\/(dev\/(stdout$|stderr$|fd\/)|proc\/)/;

async function targetOf(path: string): Promise<Target> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && (!found.isFile() || openOnes.test(resolve(path)))) return { opened: path };
  const renamed = found === undefined ? await missing(path) : await realpath(path);
  return { opened: `${renamed}.${process.pid}.tmp`, renamed };
}

/** Where a file that is not there is to be: where a link says, if one leads there. */
const missing = (path: string): Promise<string> =>
  readlink(path).then(
    (target) => resolve(dirname(path), target),
    () => path,
  );

async function write({ opened, renamed }: Target, contents: Contents, signal?: AbortSignal): Promise<void> {
  const parts = typeof contents === "string" || contents instanceof Uint8Array ? [contents] : contents;
  const file = await open(opened, renamed === undefined ? "a" : "w");
  try {
    for await (const part of parts) {
      signal?.throwIfAborted();
      await file.writeFile(part);
    }
    if (renamed !== undefined) await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder, with those above it, unless it is there; returns the uppermost that was made, if any. Throws InputError
 * when that is not possible.
 */
export function makeFolder(path: string): Promise<string | undefined> {
  return mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
}

/**
 * Works in a folder, which is made unless it is there. Where the work fails and leaves nothing in the folders made for it,
 * they go again.
 */
export async function inFolder(path: string, work: () => Promise<void>): Promise<void> {
  const made = await makeFolder(path);
  try {
    await work();
  } catch (error) {
    if (made !== undefined) await removeEmpty(path, made);
    throw error;
  }
}

/** Removes a folder, and those above it up to and with `last`, as far as they hold nothing. */
export async function removeEmpty(path: string, last: string): Promise<void> {
  if (!resolve(path).startsWith(resolve(last))) return;
  const removed = await rmdir(path).then(
    () => true,
    () => false,
  );
  if (removed) await removeEmpty(dirname(path), last);
}

/** The error that a failed write becomes. */
export function unwritable(path: string, cause: unknown): InputError {
  const code = systemCode(cause);
  const wayOut = code === "ENOSPC" ? "the disk is full; free some space" : "check the path and its permissions";
  return new InputError(path, `cannot be written (${code}); ${wayOut}`, { cause });
}

/** Whether the operating system refused something. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error;
}

const systemCode = (cause: unknown): string => (isSystemError(cause) ? cause.code : String(cause));
