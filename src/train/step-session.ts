import { createHash } from "node:crypto";
import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { encodeModel, type Model } from "../onnx/index.ts";
import { type Parameter, totalSize } from "./parameters.ts";
import { openSession } from "./session.ts";
import { gradientGraph, type TrainingSpec, trainingGraph, updateGraph } from "./training-graph.ts";

/** Named inputs or outputs of a graph. */
export type Values = Readonly<Record<string, OrtTensor>>;

/** Computes one step: the update from the images, given in parts, and the state. */
export interface StepSession extends AsyncDisposable {
  readonly parameters: readonly Parameter[];
  /** Names the graphs that are run. */
  readonly fingerprint: string;
  /** Outputs `loss`, `correct`, `new_parameters`, `new_average`, `new_state0`... */
  run(parts: readonly Values[], state: Values): Promise<Values>;
}

/** @param parts - the gradients of so many batches make one update */
export function openStep(network: Model, spec: TrainingSpec, threads: number, parts: number): Promise<StepSession> {
  return parts === 1 ? openWhole(network, spec, threads) : openGathering(network, spec, threads, parts);
}

/** Forward pass, gradients and update in one graph. */
async function openWhole(network: Model, spec: TrainingSpec, threads: number): Promise<StepSession> {
  const { model, parameters } = await trainingGraph(network, spec);
  const bytes = encodeModel(model);
  const session = await openSession(bytes, sessionOptions(threads));
  return {
    parameters,
    fingerprint: digest(bytes),
    run: (parts, state) => session.run(read(session, { ...parts[0], ...state })),
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** Gradients part by part, then the update: the memory of one part, the step of all. */
async function openGathering(network: Model, spec: TrainingSpec, threads: number, parts: number): Promise<StepSession> {
  const { model, parameters } = await gradientGraph(network, spec, parts);
  const graphs = [model, updateGraph(parameters, spec.optimiser)].map((graph) => encodeModel(graph));
  const [gradients, update] = await Promise.all(graphs.map((bytes) => openSession(bytes, sessionOptions(threads))));
  return {
    parameters,
    fingerprint: digest(...graphs),
    run: async (batches, state) => {
      let gradient = new OrtTensor("float32", new Float32Array(totalSize(parameters)), [totalSize(parameters)]);
      let [loss, correct] = [0, 0];
      for (const batch of batches) {
        const results = await gradients!.run(read(gradients!, { ...batch, ...state, gradient }));
        gradient = results.gathered as typeof gradient;
        loss += Number(results.loss!.data[0]) / parts;
        correct += Number(results.correct!.data[0]);
      }
      const results = await update!.run(read(update!, { ...state, gradient }));
      return {
        ...results,
        loss: new OrtTensor("float32", [loss], []),
        correct: new OrtTensor("float32", [correct], []),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await gradients!.release();
      await update!.release();
    },
  };
}

/** Planning memory ahead holds nearly twice as much of it, and gains a few percent of speed. */
const sessionOptions = (threads: number) => ({ intraOpNumThreads: threads, enableMemPattern: false });

/** Those of the values that a session reads. */
function read(session: InferenceSession, values: Values): Values {
  return Object.fromEntries(session.inputNames.map((name) => [name, values[name]!]));
}

function digest(...graphs: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const graph of graphs) hash.update(graph);
  return hash.digest("hex");
}
