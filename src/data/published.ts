import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { writeWhole } from "../files.ts";
import { type Chunks, fileChunks, streamChunks } from "./chunks.ts";

/** A file of a published data set. */
export interface PublishedFile {
  readonly name: string;
  readonly sha256: string;
  /** What the checksum is of: a distributor may zip a file anew, its data stay the same. */
  readonly checksumOf: "file" | "unzipped";
}

/** Where to take a data set from. */
export interface PublishedOptions {
  /** A folder that has the files; downloaded when absent. */
  readonly from?: string | undefined;
  /** Where to download from; the authors' address by default. */
  readonly address?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a published file into a folder, checked by its checksum. One that is there already and sound is left alone.
 *
 * @throws InputError when it is missing, cannot be fetched or written, or is not the published one
 */
export async function installPublished(
  file: PublishedFile,
  folder: string,
  { from, address, signal }: PublishedOptions & { readonly address: string },
): Promise<void> {
  const target = join(folder, file.name);
  if ((await exists(target)) && (await checksumOf(target, file)) === file.sha256) return;
  if (from === undefined) {
    const url = `${address}/${file.name}`;
    await writeWhole(target, download(url, signal), signal);
    await verify(target, file, url).catch(async (error: unknown) => {
      await rm(target, { force: true });
      throw error;
    });
  } else {
    const source = join(from, file.name);
    if (!(await exists(source)))
      throw new InputError(source, 'is missing; give the folder that holds it with "--from"');
    await verify(source, file, source);
    await writeWhole(target, rawChunks(source), signal);
  }
}

const rawChunks = (path: string): Chunks => streamChunks(createReadStream(path), path);

async function* download(url: string, signal: AbortSignal | undefined): Chunks {
  try {
    const response = await fetch(url, { ...(signal && { signal }) });
    if (!response.ok) throw new InputError(url, `the server answers ${response.status} ${response.statusText}`);
    if (response.body !== null) yield* response.body as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof InputError || signal?.aborted) throw cause;
    throw new InputError(url, 'cannot be fetched; check the network, or take the files from a folder with "--from"', {
      cause,
    });
  }
}

async function verify(path: string, file: PublishedFile, origin: string): Promise<void> {
  const found = await checksumOf(path, file);
  if (found === file.sha256) return;
  const what = file.checksumOf === "file" ? "" : " of its data";
  throw new InputError(
    origin,
    `is not the published file: SHA-256${what} is ${found}, not ${file.sha256}; fetch it again`,
  );
}

async function checksumOf(path: string, file: PublishedFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of file.checksumOf === "file" ? rawChunks(path) : fileChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
