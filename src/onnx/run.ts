import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Model } from "./graph.ts";
import { createSession, runSession } from "./session.ts";
import type { ElementType, Tensor, TensorData } from "./tensor.ts";

/** Named tensors, as a run takes and gives them. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** Errors are thrown; they need not be printed too. */
const quiet = { logSeverityLevel: 4 } as const;

/** A model loaded in ONNX Runtime (CPU), for checks and constant folding; lanes are for throughput. */
export class ModelRunner implements AsyncDisposable {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** Loads the model. Throws ModelError or UnsupportedOperatorError where ONNX Runtime refuses it. */
  static async open(model: Model): Promise<ModelRunner> {
    const options = { graphOptimizationLevel: "basic", intraOpNumThreads: 1, ...quiet } as const;
    return new ModelRunner(await createSession(model, options));
  }

  /** All outputs for the inputs given. Throws ModelError where ONNX Runtime cannot compute them. */
  async run(inputs: Tensors): Promise<Map<string, Tensor>> {
    const feeds = Object.fromEntries([...inputs].map(([name, tensor]) => [name, toOrt(tensor)]));
    const results = await runSession(this.#session, feeds);
    return new Map(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

/** Runs a model once. */
export async function runModel(model: Model, inputs: Tensors): Promise<Map<string, Tensor>> {
  await using runner = await ModelRunner.open(model);
  return await runner.run(inputs);
}

type OrtType = Exclude<ElementType, "bfloat16">;

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.type as OrtType, tensor.data as never, tensor.dims);
}

function fromOrt(tensor: OrtTensor): Tensor {
  return { type: tensor.type as OrtType, dims: tensor.dims, data: tensor.data as TensorData };
}
