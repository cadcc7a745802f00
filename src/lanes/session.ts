import { InferenceSession, Tensor } from "onnxruntime-node";
import { type InputWriter, imageSize, inputWriter } from "./inputs.ts";
import type { LaneSpec, Network, Pixels } from "./types.ts";

/** One network, loaded into ONNX Runtime. */
export class NetworkSession {
  readonly #network: Network;
  readonly #session: InferenceSession;
  readonly #write: InputWriter;
  /** Network inputs of the last run; kept, since fresh memory costs page faults. */
  #scratch = new Float32Array(0);

  private constructor(network: Network, session: InferenceSession) {
    this.#network = network;
    this.#session = session;
    this.#write = inputWriter(network);
  }

  /** @throws Error of the runtime when the file, the provider or the names are not usable. */
  static async load(network: Network, spec: LaneSpec): Promise<NetworkSession> {
    const session = await InferenceSession.create(network.file, sessionOptions(spec));
    requireName("input", network.input.name, session.inputNames);
    requireName("output", network.output.name, session.outputNames);
    return new NetworkSession(network, session);
  }

  /**
   * Logits of `count` images, those that `images` lacks being zeros; a network with a fixed batch size runs as often as it
   * takes.
   */
  async run(images: Pixels, count: number): Promise<Float32Array> {
    const size = imageSize(this.#network);
    if (images.length % size !== 0 || images.length > count * size) {
      throw new Error(`${images.length} values are not ${count} images of ${size}`);
    }
    const { fixedBatch: rows = count, output } = this.#network;
    const logits = new Float32Array(count * output.classes);
    for (let from = 0; from < count; from += rows) {
      const answers = await this.#runOnce(this.#input(images.subarray(from * size, (from + rows) * size), rows), rows);
      logits.set(answers.subarray(0, (count - from) * output.classes), from * output.classes);
    }
    return logits;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #input(images: Pixels, rows: number): Float32Array {
    const size = rows * imageSize(this.#network);
    if (this.#scratch.length < size) this.#scratch = new Float32Array(size);
    const input = this.#scratch.subarray(0, size);
    this.#write(input, images);
    return input;
  }

  async #runOnce(input: Float32Array, rows: number): Promise<Float32Array> {
    const { input: spec, output } = this.#network;
    const [channels, height, width] = spec.shape;
    const dims = spec.layout === "NCHW" ? [rows, channels, height, width] : [rows, height, width, channels];
    const results = await this.#session.run({ [spec.name]: new Tensor("float32", input, dims) }, [output.name]);
    const logits = results[output.name]?.data;
    if (!(logits instanceof Float32Array) || logits.length !== rows * output.classes) {
      throw new Error(`output "${output.name}" is not float32 of ${rows} x ${output.classes} values`);
    }
    return logits;
  }
}

function sessionOptions({ kind, threads }: LaneSpec): InferenceSession.SessionOptions {
  return {
    executionProviders: kind === "cpu" ? ["cpu"] : [kind, "cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Lanes share the cores: a thread that spins while it waits takes them from its neighbours.
    extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    logSeverityLevel: 3,
  };
}

function requireName(what: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw new Error(`no ${what} "${name}"; the model has ${known.join(", ")}`);
}
