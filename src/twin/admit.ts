import { ModelError } from "../errors.ts";
import {
  classifierOf,
  encodeModel,
  freeBatch,
  type ImageInput,
  type Model,
  makeNode,
  modelCost,
  proveAnswers,
  readModel,
  scalar,
  withFile,
} from "../onnx/index.ts";
import { sha256Of } from "./hash.ts";
import type { ManifestNetwork } from "./manifest.ts";

/** What the user should know about a network that was taken up; its name comes before. */
export type PairNote = string;

/** A network made ready for a twin, with its manifest entry. */
export interface AdmittedNetwork {
  readonly entry: ManifestNetwork;
  readonly bytes: Uint8Array;
  readonly notes: readonly PairNote[];
}

/**
 * Reads and checks an ONNX classifier, and frees its batch size where that can be proven to be harmless.
 *
 * @throws ModelError or UnsupportedOperatorError that names the file, for one that is no classifier, or does not run
 */
export async function admitNetwork(path: string, file: string): Promise<AdmittedNetwork> {
  const model = readModel(path);
  try {
    const admitted = await admitModel(model, file);
    return { ...admitted, notes: admitted.notes.map((note) => `${path} ${note}`) };
  } catch (error) {
    throw withFile(error, path);
  }
}

/** The batch that a network which takes any is tried at. */
const openBatch = 2;

/** Makes a classifier ready for a twin: logits out, any batch size in. `file` is its name in the twin's folder. */
export async function admitModel(model: Model, file: string): Promise<AdmittedNetwork> {
  const free = await freeBatch(withLogits(model));
  await proveAnswers(free.model, free.freed ? openBatch : free.batch);
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
  const notes = free.freed ? [] : [`runs at its own batch size of ${free.batch}: ${free.reason}`];
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
