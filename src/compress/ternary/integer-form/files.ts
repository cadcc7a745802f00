import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { InputError } from "../../../errors.ts";
import { readBytes, writeAllWhole } from "../../../files.ts";
import { sizeOf } from "../../../onnx/index.ts";
import { checked } from "../../../schema.ts";
import { pack, packedSize, unpack } from "./packed.ts";
import { formSchema, formVersion, type StoredForm, type StoredLayer, type StoredParameters } from "./schema.ts";
import type { IntegerForm, Layer, Parameters } from "./types.ts";

/** Sections begin at multiples of this, so that biases can be read as 32-bit words. */
const alignment = 4;
const wayOut = "make the integer form again";

/** A file by its name. */
interface NamedFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes an integer form as two files: `<path>.json`, which describes it, and `<path>.bin` with codes and biases. Both are
 * written, or none.
 *
 * @throws InputError when the files cannot be written
 */
export async function writeIntegerForm(path: string, form: IntegerForm): Promise<void> {
  const { description, weights } = integerFormFiles(basename(path), form);
  await writeAllWhole(new Map([weights, description].map(({ file, bytes }) => [join(dirname(path), file), bytes])));
}

/** The two files of an integer form: `<name>.json`, which describes it, and `<name>.bin` with codes and biases. */
export function integerFormFiles(name: string, form: IntegerForm): Record<"description" | "weights", NamedFile> {
  const sections = new Sections();
  const layers = form.layers.map((layer) => storedLayer(layer, sections));
  const bytes = sections.bytes();
  const stored: StoredForm = {
    schemaVersion: formVersion,
    weights: { file: `${name}.bin`, sha256: hashOf(bytes), bytes: bytes.length },
    input: form.input,
    output: form.output,
    values: Object.fromEntries([...form.values].map(([name, value]) => [name, { ...value, shape: [...value.shape] }])),
    layers,
  };
  const text = new TextEncoder().encode(`${JSON.stringify(stored, null, 1)}\n`);
  return { description: { file: `${name}.json`, bytes: text }, weights: { file: `${name}.bin`, bytes } };
}

/**
 * Reads an integer form.
 *
 * @param path - of the JSON file
 * @throws InputError for files that are missing, damaged, of another version, or do not belong together
 */
export async function readIntegerForm(path: string): Promise<IntegerForm> {
  const stored = parseForm(new TextDecoder().decode(await readBytes(path, wayOut)), path);
  const file = join(dirname(path), stored.weights.file);
  const bytes = await readBytes(file, wayOut);
  if (hashOf(bytes) !== stored.weights.sha256) throw new InputError(file, `is not what ${path} describes; ${wayOut}`);
  const layers = stored.layers.map((layer) => layerFrom(layer, bytes, path));
  const form = { input: stored.input, output: stored.output, values: new Map(Object.entries(stored.values)), layers };
  refuseUnknownValues(form, path);
  return form;
}

function parseForm(text: string, path: string): StoredForm {
  const json = parseJson(text, path);
  const version = z.looseObject({ schemaVersion: z.string() }).safeParse(json).data?.schemaVersion;
  if (version !== undefined && version.split(".")[0] !== formVersion.split(".")[0]) {
    throw new InputError(path, `has schema version ${version}, this twindnn reads ${formVersion}; ${wayOut}`);
  }
  return checked(formSchema, json, (problem) => new InputError(path, `is no integer form: ${problem}; ${wayOut}`));
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(path, `is no JSON; ${wayOut}`, { cause });
  }
}

function refuseUnknownValues({ input, output, values, layers }: IntegerForm, path: string): void {
  const last = layers.at(-1)!;
  const made = new Set([input]);
  for (const layer of layers) {
    const read = "inputs" in layer ? layer.inputs : [layer.input];
    const unknown = read.find((name) => !made.has(name) || !values.has(name));
    if (unknown !== undefined)
      throw new InputError(path, `layer "${layer.name}" reads "${unknown}", which none before makes`);
    if ((layer.kind === "logits") !== (layer === last))
      throw new InputError(path, "the last layer, and no other, makes logits");
    if (layer !== last && !values.has(layer.output)) throw new InputError(path, `does not describe "${layer.output}"`);
    made.add(layer.output);
  }
  if (last.output !== output) throw new InputError(path, `no layer makes "${output}"`);
}

/** The bytes of the file of weights, section by section. */
class Sections {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** Appends a section; returns where it begins. */
  add(part: Uint8Array): number {
    const at = this.#length;
    const padded = new Uint8Array(Math.ceil(part.length / alignment) * alignment);
    padded.set(part);
    this.#parts.push(padded);
    this.#length += padded.length;
    return at;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function storedLayer(layer: Layer, sections: Sections): StoredLayer {
  if (!("parameters" in layer)) return structuredClone(layer) as StoredLayer;
  const { codes, biases, bits, dims, scales } = layer.parameters;
  const codesAt = sections.add(pack(codes, bits));
  const biasesAt = sections.add(littleEndian(biases));
  return {
    ...structuredClone(layer),
    parameters: { bits, dims: [...dims], scales: [...scales], codesAt, biasesAt },
  } as StoredLayer;
}

const layerFrom = (layer: StoredLayer, bytes: Uint8Array, path: string): Layer =>
  "parameters" in layer
    ? { ...layer, parameters: parametersFrom(layer.parameters, bytes, `${path}: layer "${layer.name}"`) }
    : layer;

function parametersFrom(
  { bits, dims, scales, codesAt, biasesAt }: StoredParameters,
  bytes: Uint8Array,
  where: string,
): Parameters {
  const [count, outputs] = [sizeOf(dims), dims[0]!];
  const ends = [codesAt + packedSize(count, bits), biasesAt + 4 * outputs];
  if (Math.max(...ends) > bytes.length || scales.length !== outputs) {
    throw new InputError(where, `its weights of ${dims.join(" x ")} do not fit the file; ${wayOut}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + biasesAt);
  const biases = Int32Array.from({ length: outputs }, (_, i) => view.getInt32(4 * i, true));
  return { bits, dims, scales, codes: unpack(bytes.subarray(codesAt), count, bits), biases };
}

function littleEndian(values: Int32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setInt32(4 * i, value, true);
  return bytes;
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
