import { createHash } from "node:crypto";
import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { encodeModel, type Model } from "../onnx/index.ts";
import { type Device, openOn } from "./device.ts";
import { type Parameter, totalSize } from "./parameters.ts";
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
  const { session, digest } = await open(model, spec.device ?? "cpu", threads);
  return {
    parameters,
    fingerprint: digest,
    run: (parts, state) => session.run(read(session, { ...parts[0], ...state })),
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** Gradients part by part, then the update: the memory of one part, the step of all. */
async function openGathering(network: Model, spec: TrainingSpec, threads: number, parts: number): Promise<StepSession> {
  const { model, parameters } = await gradientGraph(network, spec, parts);
  const gradients = await open(model, spec.device ?? "cpu", threads);
  const update = await open(updateGraph(parameters, spec.optimiser), "cpu", threads);
  return {
    parameters,
    fingerprint: gradients.digest + update.digest,
    run: async (batches, state) => {
      let gradient = new OrtTensor("float32", new Float32Array(totalSize(parameters)), [totalSize(parameters)]);
      let [loss, correct] = [0, 0];
      for (const batch of batches) {
        const results = await gradients.session.run(read(gradients.session, { ...batch, ...state, gradient }));
        gradient = results.gathered as typeof gradient;
        loss += Number(results.loss!.data[0]) / parts;
        correct += Number(results.correct!.data[0]);
      }
      const results = await update.session.run(read(update.session, { ...state, gradient }));
      return {
        ...results,
        loss: new OrtTensor("float32", [loss], []),
        correct: new OrtTensor("float32", [correct], []),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await gradients.session.release();
      await update.session.release();
    },
  };
}

/** A graph ready to run, and the digest of its bytes. */
async function open(model: Model, device: Device, threads: number) {
  const bytes = encodeModel(model);
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { session: await openOn(device, model, bytes, threads), digest };
}

/** Those of the values that a session reads. */
function read(session: InferenceSession, values: Values): Values {
  return Object.fromEntries(session.inputNames.map((name) => [name, values[name]!]));
}
