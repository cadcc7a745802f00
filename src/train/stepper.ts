import { createHash } from "node:crypto";
import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { UsageError } from "../errors.ts";
import { encodeModel, type Model } from "../onnx/index.ts";
import type { Batch } from "./augment.ts";
import { readCheckpoint, type TrainingState, writeCheckpoint } from "./checkpoint.ts";
import type { Dataset } from "./dataset.ts";
import type { TrainingOptions } from "./options.ts";
import { flatten, type Parameter } from "./parameters.ts";
import { openSession } from "./session.ts";
import { trainingGraph } from "./training-graph.ts";

/** Holds the session and the state that goes in and out of it at every step. */
export class Stepper implements AsyncDisposable {
  readonly parameters: readonly Parameter[];
  readonly #session: InferenceSession;
  readonly #options: TrainingOptions;
  readonly #shape: Dataset["shape"];
  readonly #run: string;
  #state: TrainingState;

  static async open(network: Model, data: Dataset, options: TrainingOptions): Promise<Stepper> {
    const { batch = 128, normalisation, loss, optimiser, threads = 2 } = options;
    if (loss.needsTeacher && data.teacher === undefined) {
      throw new UsageError("this loss learns from a teacher: give the data its logits");
    }
    if (options.augmentation?.alternatingFlip && data.teacher !== undefined && data.teacher.mirrored === undefined) {
      throw new UsageError("training mirrors images: give the data the teacher's logits of the mirrored images too");
    }
    const { model, parameters } = await trainingGraph(network, { batch, normalisation, loss, optimiser });
    const bytes = encodeModel(model);
    const session = await openSession(bytes, { intraOpNumThreads: threads });
    const initial = flatten(network, parameters);
    return new Stepper(session, parameters, initial, data, options, fingerprint(bytes, initial, data, options));
  }

  private constructor(
    session: InferenceSession,
    parameters: readonly Parameter[],
    initial: Float32Array,
    data: Dataset,
    options: TrainingOptions,
    run: string,
  ) {
    this.#session = session;
    this.parameters = parameters;
    this.#options = options;
    this.#shape = data.shape;
    this.#run = run;
    const kept = options.checkpoint && readCheckpoint(options.checkpoint.file, run);
    const zeros = Array.from({ length: options.optimiser.stateCount }, () => new Float32Array(initial.length));
    this.#state = kept ?? { step: 0, parameters: initial, average: initial, optimiser: zeros };
  }

  get step(): number {
    return this.#state.step;
  }

  get average(): Float32Array {
    return this.#state.average;
  }

  async run(batch: Batch, rate: number, steps: number): Promise<{ loss: number; accuracy: number }> {
    const count = batch.labels.length;
    const results = await this.#session.run({
      images: new OrtTensor("uint8", batch.images, [count, ...this.#shape]),
      labels: new OrtTensor("int64", batch.labels, [count]),
      ...(batch.teacher && this.#options.loss.needsTeacher
        ? { teacher: new OrtTensor("float32", batch.teacher, [count, batch.teacher.length / count]) }
        : {}),
      ...this.#vectors(),
      rate: new OrtTensor("float32", [rate], []),
      step: new OrtTensor("float32", [this.step + 1], []),
      progress: new OrtTensor("float32", [(this.step + 1) / steps], []),
      averaging: new OrtTensor("float32", [this.#averaging()], []),
    });
    const vector = (name: string): Float32Array => results[name]!.data as Float32Array;
    this.#state = {
      step: this.step + 1,
      parameters: vector("new_parameters"),
      average: vector("new_average"),
      optimiser: this.#state.optimiser.map((_, i) => vector(`new_state${i}`)),
    };
    return { loss: vector("loss")[0]!, accuracy: vector("correct")[0]! / count };
  }

  async save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (checkpoint !== undefined) await writeCheckpoint(checkpoint.file, this.#state, this.#run);
  }

  /** The first parameter that holds something else than a number. */
  brokenParameter(): string | undefined {
    const at = this.#state.parameters.findIndex((value) => !Number.isFinite(value));
    return this.parameters.find(({ offset, size }) => at >= offset && at < offset + size)?.name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }

  #vectors(): Record<string, OrtTensor> {
    const { parameters, average, optimiser } = this.#state;
    const states = optimiser.map((vector, i) => [`state${i}`, vector] as const);
    return Object.fromEntries(
      [["parameters", parameters] as const, ["average", average] as const, ...states].map(([name, vector]) => [
        name,
        new OrtTensor("float32", vector, [vector.length]),
      ]),
    );
  }

  /** The average forgets faster at first, so that it does not remember the random start. */
  #averaging(): number {
    return Math.min(this.#options.averaging ?? 0.999, (1 + this.step) / (10 + this.step));
  }
}

/** Names what decides a run's outcome: the step, the first weights, the images, and the options that are numbers. */
function fingerprint(step: Uint8Array, initial: Float32Array, data: Dataset, options: TrainingOptions): string {
  const { epochs, seed = 0, augmentation = {}, averaging = 0.999, threads = 2 } = options;
  const rates = Array.from({ length: 11 }, (_, i) => options.rate(i / 10));
  const hash = createHash("sha256").update(JSON.stringify({ epochs, seed, augmentation, averaging, threads, rates }));
  const { images, labels, teacher } = data;
  for (const part of [step, initial, images, labels, teacher?.plain, teacher?.mirrored]) if (part) hash.update(part);
  return hash.digest("hex");
}
