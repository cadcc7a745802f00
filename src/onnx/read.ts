import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { InputError, ModelError } from "../errors.ts";
import { decodeModel, type ExternalRange, type ReadExternal } from "./decode.ts";
import type { Model } from "./graph.ts";
import { readFrom, withFile } from "./named.ts";

/** Reads an ONNX file, with the weight files that it names beside it. Throws InputError or ModelError. */
export function readModel(path: string): Model {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new InputError(path, "cannot be read; check the path and its permissions", { cause });
  }
  try {
    return readFrom(path, decodeModel(bytes, externalReader(dirname(path))));
  } catch (error) {
    throw withFile(error, path);
  }
}

/** Reads ranges of weight files in `folder`, and of none outside it. */
function externalReader(folder: string): ReadExternal {
  return (range) => {
    const path = resolve(folder, range.location);
    const inside = relative(resolve(folder), path);
    if (inside === "" || inside.startsWith("..") || isAbsolute(inside)) {
      throw new ModelError(`tensor "${range.tensor}" points outside the model's folder: ${range.location}`);
    }
    return readRange(path, range);
  };
}

function readRange(path: string, range: ExternalRange): Uint8Array {
  const file = openWeights(path);
  try {
    const size = fstatSync(file).size;
    const length = range.length ?? size - range.offset;
    if (!(range.offset >= 0 && length >= 0)) {
      throw new ModelError(`tensor "${range.tensor}" has the impossible range ${range.offset} + ${length}`);
    }
    if (range.offset + length > size) {
      throw new InputError(
        path,
        `is truncated: tensor "${range.tensor}" ends at ${range.offset + length} of ${size} bytes`,
      );
    }
    return readFully(file, range.offset, length);
  } finally {
    closeSync(file);
  }
}

function openWeights(path: string): number {
  try {
    if (!statSync(path).isFile()) throw new Error("no file");
    return openSync(path, "r");
  } catch (cause) {
    throw new InputError(path, "the model's external weights cannot be read; copy them beside the model", { cause });
  }
}

function readFully(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const part = Math.min(length - done, 2 ** 30);
    done += readSync(file, bytes, done, part, offset + done);
  }
  return bytes;
}
