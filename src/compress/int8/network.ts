import { type InferenceSession, Tensor } from "onnxruntime-node";
import { ModelError } from "../../errors.ts";
import { classifierOf, createSession, type Model, runSession, sizeOf } from "../../onnx/index.ts";
import type { ImageBatch } from "./images.ts";

/** Errors are thrown; they need not be printed too. */
const quiet = { logSeverityLevel: 4 } as const;

export interface NetworkOptions {
  /** Threads of ONNX Runtime. Default 1. */
  readonly threads?: number;
  /** `written` computes a QDQ model node by node, in float32; `fused` as it is used. Default `fused`. */
  readonly form?: "fused" | "written";
  /** Inner values that a run gives beside the outputs. */
  readonly extra?: readonly string[];
}

/** A classifier in ONNX Runtime that gives inner values too, as calibration needs them. */
export class CalibrationNetwork implements AsyncDisposable {
  /** Name of the class output. */
  readonly output: string;
  readonly #session: InferenceSession;
  readonly #input: string;
  readonly #image: readonly number[];
  readonly #fixed: number | undefined;

  private constructor(session: InferenceSession, model: Model) {
    const { input, output } = classifierOf(model);
    this.#session = session;
    this.#input = input.name;
    this.#image = imageDims(model);
    this.#fixed = typeof input.batch === "number" ? input.batch : undefined;
    this.output = output.name;
  }

  static async open(model: Model, options: NetworkOptions = {}): Promise<CalibrationNetwork> {
    const { threads = 1, form = "fused", extra = [] } = options;
    const session = await createSession(withOutputs(model, extra), {
      graphOptimizationLevel: form === "fused" ? "all" : "disabled",
      intraOpNumThreads: threads,
      ...quiet,
    });
    return new CalibrationNetwork(session, model);
  }

  /** Number of values of one image. */
  get imageSize(): number {
    return sizeOf(this.#image);
  }

  /** Every output for a batch. A model of fixed batch takes one that is full, or shorter: the last image fills it. */
  async run(batch: ImageBatch): Promise<ReadonlyMap<string, Float32Array>> {
    const count = this.#fixed ?? batch.count;
    const data = count === batch.count ? batch.data : this.#filled(batch, count);
    const results = await runSession(this.#session, {
      [this.#input]: new Tensor("float32", data, [count, ...this.#image]),
    });
    const share = batch.count / count;
    return new Map(
      Object.entries(results).map(([name, { data }]) => {
        const values = data as Float32Array;
        return [name, share === 1 ? values : values.subarray(0, Math.round(values.length * share))];
      }),
    );
  }

  /** The most images that one run takes, given how many are wanted. */
  batchSize(wanted: number): number {
    return this.#fixed ?? wanted;
  }

  #filled({ count, data }: ImageBatch, size: number): Float32Array {
    const filled = new Float32Array(size * this.imageSize);
    filled.set(data);
    for (let at = count; at < size; at++) filled.set(data.subarray((count - 1) * this.imageSize), at * this.imageSize);
    return filled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

function withOutputs(model: Model, names: readonly string[]): Model {
  const { graph } = model;
  const known = new Set(graph.outputs.map((output) => output.name));
  const extra = names
    .filter((name) => !known.has(name))
    .map((name) => ({ name, type: "float32" as const, shape: undefined }));
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...extra] } };
}

function imageDims(model: Model): number[] {
  const [input] = model.graph.inputs;
  return input!.shape!.slice(1).map((dim) => {
    if (typeof dim === "number") return dim;
    throw new ModelError(`input "${input!.name}" has an open image size; export the model with a fixed one`);
  });
}
