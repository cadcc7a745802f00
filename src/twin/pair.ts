import type { Preprocessing } from "../data/index.ts";
import { createPreprocessor } from "../data/index.ts";
import { ModelError, UsageError } from "../errors.ts";
import {
  classifierOf,
  encodeModel,
  freeBatch,
  type ImageInput,
  type Model,
  makeNode,
  modelCost,
  readModel,
  scalar,
} from "../onnx/index.ts";
import { toolVersion } from "../version.ts";
import { sha256Of } from "./files.ts";
import { createTwin, refuseExisting } from "./folder.ts";
import { type Manifest, type ManifestNetwork, manifestVersion } from "./manifest.ts";

export interface PairOptions {
  /** Paths of the two ONNX classifiers. */
  readonly original: string;
  readonly compressed: string;
  readonly preprocessing: Preprocessing;
  /** Class names in the order of the outputs; numbered when absent. */
  readonly labels?: readonly string[] | undefined;
  /** Folder to make. */
  readonly output: string;
  /** Replace an existing twin. */
  readonly replace?: boolean | undefined;
  /** How the compressed network was made, for the manifest. */
  readonly compression?: Manifest["compression"];
}

/** What the user should know about a network that was taken up. */
export type PairNote = string;

/**
 * Makes an uncalibrated twin of two ONNX classifiers: it escalates every input until it is calibrated.
 * Throws ModelError when the two do not answer the same question.
 */
export async function pairTwin(options: PairOptions): Promise<PairNote[]> {
  refuseExisting(options.output, options.replace ?? false);
  const original = await admitNetwork(options.original, "original.onnx");
  const compressed = await admitNetwork(options.compressed, "compressed.onnx");
  refuseMismatch(options, original.entry, compressed.entry);
  const manifest: Manifest = {
    schemaVersion: manifestVersion,
    tool: { name: "twindnn", version: toolVersion },
    networks: { original: original.entry, compressed: compressed.entry },
    labels: labelsFor(options, original.entry.output.classes),
    preprocessing: options.preprocessing,
    confidence: { measure: "margin", temperature: 1 },
    secondStage: "original",
    ladder: [],
    ...(options.compression === undefined ? {} : { compression: options.compression }),
  };
  const files = new Map([original, compressed].map(({ entry, bytes }) => [entry.file, bytes]));
  await createTwin(options.output, manifest, files, { replace: options.replace ?? false });
  return [...original.notes, ...compressed.notes];
}

/** A network made ready for a twin, with its manifest entry. */
export interface AdmittedNetwork {
  readonly entry: ManifestNetwork;
  readonly bytes: Uint8Array;
  readonly notes: readonly PairNote[];
}

/** Reads and checks an ONNX classifier, and frees its batch size where that can be proven to be harmless. */
export async function admitNetwork(path: string, file: string): Promise<AdmittedNetwork> {
  const model = readModel(path);
  try {
    return await admitModel(model, file);
  } catch (cause) {
    if (cause instanceof ModelError) throw new ModelError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

async function admitModel(model: Model, file: string): Promise<AdmittedNetwork> {
  const free = await freeBatch(withLogits(model));
  const { input, output } = classifierOf(free.model);
  const { macs, parameters } = modelCost(free.model);
  const bytes = encodeModel(free.model);
  const entry: ManifestNetwork = {
    file,
    sha256: sha256Of(bytes),
    bytes: bytes.length,
    macs,
    parameters,
    input: { name: input.name, layout: input.layout, shape: imageShape(input) },
    output: { name: output.name, classes: output.classes },
    ...(free.freed ? {} : { fixedBatch: free.batch }),
  };
  const notes = free.freed ? [] : [`${file} runs at its own batch size of ${free.batch}: ${free.reason}`];
  return { entry, bytes, notes };
}

function imageShape({ name, channels, height, width }: ImageInput): [number, number, number] {
  if (height !== undefined && width !== undefined) return [channels, height, width];
  throw new ModelError(`input "${name}" takes images of any size; export it with the size fixed`);
}

/** Smallest probability whose logarithm is taken: float32 ends below it. */
const smallestProbability = 1e-37;

/** Replaces probabilities by their logarithms, whose differences are those of the logits. */
function withLogits(model: Model): Model {
  const { output } = classifierOf(model);
  if (output.kind === "logits") return model;
  const [clipped, logits, floor] = ["clipped", "log", "floor"].map((suffix) => `${output.name}/${suffix}`) as [
    string,
    string,
    string,
  ];
  const nodes = [makeNode("Max", [output.name, floor], [clipped]), makeNode("Log", [clipped], [logits])];
  const { graph } = model;
  const constants = new Map(graph.constants).set(floor, scalar(smallestProbability));
  const outputs = graph.outputs.map((value) => ({ ...value, name: logits }));
  return { ...model, graph: { ...graph, nodes: [...graph.nodes, ...nodes], constants, outputs } };
}

function refuseMismatch(options: PairOptions, original: ManifestNetwork, compressed: ManifestNetwork): void {
  const names = `${options.original} and ${options.compressed}`;
  if (original.output.classes !== compressed.output.classes) {
    throw new ModelError(
      `${names} tell ${original.output.classes} and ${compressed.output.classes} classes apart; pair networks trained for the same classes`,
    );
  }
  const [a, b] = [original.input.shape, compressed.input.shape].map((shape) => shape.join(" x "));
  if (a !== b) throw new ModelError(`${names} read images of ${a} and ${b}; export both at one size`);
  const prepared = createPreprocessor(options.preprocessing).shape.join(" x ");
  if (a !== prepared) {
    throw new UsageError(
      `the preprocessing makes images of ${prepared}, the networks read ${a}; choose another --preprocess`,
    );
  }
}

function labelsFor(options: PairOptions, classes: number): string[] {
  if (options.labels === undefined) return Array.from({ length: classes }, (_, index) => `class ${index}`);
  if (options.labels.length === classes) return [...options.labels];
  throw new UsageError(
    `${options.labels.length} labels were given for ${classes} classes; give one label a class, in the order of the outputs`,
  );
}
