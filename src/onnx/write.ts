import { basename } from "node:path";
import { type Contents, writeAllWhole, writeWhole } from "../files.ts";
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
  if (total <= (options.maxInlineBytes ?? 2e9)) return await writeWhole(path, encodeModel(model));
  const ranges = layOut(tensors, `${basename(path)}.data`);
  const bytes = encodeModel(model, (tensor, name) =>
    isConstantOf(model.graph, tensor, name) ? ranges.get(name) : undefined,
  );
  await writeAllWhole(
    new Map<string, Contents>([
      [`${path}.data`, parts(tensors, ranges)],
      [path, bytes],
    ]),
  );
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
