import { open, rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { InputError } from "../errors.ts";
import type { ExternalRange } from "./decode.ts";
import { bytesOf, encodeModel } from "./encode.ts";
import type { Graph, Model } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

export interface WriteOptions {
  /**
   * Weights go to a file of their own, `<model>.data`, when together they have more bytes than this. A single file must
   * stay below the 2 GiB that protobuf allows. Default 2,000,000,000.
   */
  readonly maxInlineBytes?: number;
}

/** Tensors start at a page, so that they can be mapped into memory. */
const alignment = 4096;
/** Constants below this stay in the model: shapes are read before weights. */
const smallestExternal = 1024;

/**
 * Writes a model, whole or not at all: to temporary files beside the path, flushed, then renamed.
 *
 * @throws InputError when the disk is full or the folder cannot be written
 */
export async function writeModel(path: string, model: Model, options: WriteOptions = {}): Promise<void> {
  const tensors = [...model.graph.constants].filter(([, tensor]) => tensor.data.byteLength >= smallestExternal);
  const total = tensors.reduce((sum, [, tensor]) => sum + tensor.data.byteLength, 0);
  if (total <= (options.maxInlineBytes ?? 2e9)) return await writeFiles([{ path, parts: [encodeModel(model)] }]);
  const ranges = layOut(tensors, `${basename(path)}.data`);
  const bytes = encodeModel(model, (tensor, name) =>
    isConstantOf(model.graph, tensor, name) ? ranges.get(name) : undefined,
  );
  await writeFiles([
    { path: `${path}.data`, parts: parts(tensors, ranges) },
    { path, parts: [bytes] },
  ]);
}

/** Constants of subgraphs may share a name with one of the graph. */
const isConstantOf = (graph: Graph, tensor: Tensor, name: string): boolean => graph.constants.get(name) === tensor;

function layOut(tensors: readonly (readonly [string, Tensor])[], location: string): Map<string, ExternalRange> {
  const ranges = new Map<string, ExternalRange>();
  let end = 0;
  for (const [name, tensor] of tensors) {
    const offset = Math.ceil(end / alignment) * alignment;
    const length = tensor.data.byteLength;
    ranges.set(name, { tensor: name, location, offset, length });
    end = offset + length;
  }
  return ranges;
}

/** The tensors' bytes, with zeros up to where each begins. */
function* parts(
  tensors: readonly (readonly [string, Tensor])[],
  ranges: ReadonlyMap<string, ExternalRange>,
): Iterable<Uint8Array> {
  let end = 0;
  for (const [name, tensor] of tensors) {
    const { offset } = ranges.get(name)!;
    yield new Uint8Array(offset - end);
    yield bytesOf(tensor);
    end = offset + tensor.data.byteLength;
  }
}

interface FileContents {
  readonly path: string;
  readonly parts: Iterable<Uint8Array>;
}

const temporary = (path: string): string => `${path}.${process.pid}.tmp`;

/** Writes files in order; none of them appears under its name before all are written. */
async function writeFiles(files: readonly FileContents[]): Promise<void> {
  try {
    for (const { path, parts } of files) await writeFlushed(temporary(path), parts);
    for (const { path } of files) await rename(temporary(path), path);
  } catch (cause) {
    for (const { path } of files) await rm(temporary(path), { force: true });
    throw unwritable(files.at(-1)!.path, cause);
  }
}

async function writeFlushed(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unwritable(path: string, cause: unknown): InputError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  const wayOut = code === "ENOSPC" ? "the disk is full; free some space" : "check the path and its permissions";
  return new InputError(path, `cannot be written (${code}); ${wayOut}`, { cause });
}
