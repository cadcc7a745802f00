import { createHash } from "node:crypto";
import { Tensor as OrtTensor } from "onnxruntime-node";
import { TrainingError, UsageError } from "../errors.ts";
import { encodeModel, type Model } from "../onnx/index.ts";
import { type Batch, feedsOf, partOf } from "./batch.ts";
import { readCheckpoint, type TrainingState, writeCheckpoint } from "./checkpoint.ts";
import type { Dataset } from "./dataset.ts";
import { checkDevice } from "./device.ts";
import { brokenLayer, brokenParameter } from "./diagnose.ts";
import type { NetworkSpec } from "./forward.ts";
import { checkMixup } from "./mixup.ts";
import type { TrainingOptions } from "./options.ts";
import { flatten, type Parameter, unflatten } from "./parameters.ts";
import { withThresholds } from "./quantisers/index.ts";
import { openStep, type StepSession, type Values } from "./step-session.ts";
import { TeacherSession } from "./teacher.ts";

/** Holds the sessions, and the state that goes in and out of them at every step. */
export class Stepper implements AsyncDisposable {
  readonly #session: StepSession;
  readonly #teacher: TeacherSession | undefined;
  readonly #network: Model;
  readonly #spec: NetworkSpec;
  readonly #options: TrainingOptions;
  readonly #shape: Dataset["shape"];
  readonly #run: string;
  #state: TrainingState;

  static async open(network: Model, data: Dataset, options: TrainingOptions): Promise<Stepper> {
    checkTeaching(data, options);
    const { batch = 128, threads = 2, accumulate = 1, augmentation, loss, teacher, normalisation } = options;
    const { optimiser, device = "cpu", freeze = [], batchNormalization = "batch", ramp = 0.3 } = options;
    checkDevice(device);
    const mixedLabels = augmentation?.mixup?.labels ?? false;
    const run = { batch, normalisation, device, frozen: freeze, batchNormalization, ramp };
    const spec = { ...run, loss, mixedLabels, optimiser };
    const session = await openStep(network, spec, threads, accumulate);
    const taught =
      teacher && (await TeacherSession.open({ normalisation, ...teacher }, loss.teacherValues ?? [], threads));
    return new Stepper(session, taught, network, spec, data, options);
  }

  private constructor(
    session: StepSession,
    teacher: TeacherSession | undefined,
    network: Model,
    spec: NetworkSpec,
    data: Dataset,
    options: TrainingOptions,
  ) {
    const initial = flatten(network, session.parameters);
    this.#session = session;
    this.#network = network;
    this.#spec = spec;
    this.#teacher = teacher;
    this.#options = options;
    this.#shape = data.shape;
    this.#run = fingerprint(session.fingerprint, initial, data, options);
    const kept = options.checkpoint && readCheckpoint(options.checkpoint.file, this.#run);
    const zeros = Array.from({ length: options.optimiser.stateCount }, () => new Float32Array(initial.length));
    this.#state = kept ?? { step: 0, parameters: initial, average: initial, optimiser: zeros };
  }

  get parameters(): readonly Parameter[] {
    return this.#session.parameters;
  }

  get step(): number {
    return this.#state.step;
  }

  /** The network with the average of its parameters. */
  get averaged(): Model {
    const average = withThresholds(this.#network.graph, this.parameters, this.#state.average);
    return unflatten(this.#network, this.parameters, average);
  }

  /** Derives the thresholds of ternary weights anew. */
  beginEpoch(): void {
    const parameters = withThresholds(this.#network.graph, this.parameters, this.#state.parameters);
    this.#state = { ...this.#state, parameters };
  }

  /**
   * @param steps - of the whole run
   * @throws TrainingError when the loss or, after the last step, a weight is no number
   */
  async run(batch: Batch, rate: number, steps: number): Promise<{ loss: number; accuracy: number }> {
    const scalars = { rate, step: this.step + 1, progress: (this.step + 1) / steps, averaging: this.#averaging() };
    const numbers = Object.entries(scalars).map(
      ([name, value]) => [name, new OrtTensor("float32", [value], [])] as const,
    );
    const results = await this.#session.run(await this.#parts(batch), {
      ...this.#vectors(),
      ...Object.fromEntries(numbers),
    });
    const vector = (name: string): Float32Array => results[name]!.data as Float32Array;
    const ends = this.step + 1 === steps;
    const broken = ends ? brokenParameter(this.parameters, vector("new_parameters")) : undefined;
    if (!Number.isFinite(vector("loss")[0]) || broken !== undefined) throw await this.#diverged(batch, broken);
    this.#state = {
      step: this.step + 1,
      parameters: vector("new_parameters"),
      average: vector("new_average"),
      optimiser: this.#state.optimiser.map((_, i) => vector(`new_state${i}`)),
    };
    return { loss: vector("loss")[0]!, accuracy: vector("correct")[0]! / batch.labels.length };
  }

  async save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (checkpoint !== undefined) await writeCheckpoint(checkpoint.file, this.#state, this.#run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.#teacher?.[Symbol.asyncDispose]();
  }

  /** The inputs of a step's parts, with the teacher's answers. */
  async #parts(batch: Batch): Promise<Values[]> {
    const { accumulate = 1 } = this.#options;
    const parts: Values[] = [];
    for (let i = 0; i < accumulate; i++) {
      const feeds = feedsOf(partOf(batch, i, accumulate), this.#shape);
      parts.push({ ...feeds, ...(await this.#teacher?.answer(feeds.images!)) });
    }
    return parts;
  }

  /** Says where in the network the numbers ended. */
  async #diverged(batch: Batch, broken: string | undefined): Promise<TrainingError> {
    const { accumulate = 1 } = this.#options;
    const { parameters } = this.#state;
    const place =
      broken ??
      brokenParameter(this.parameters, parameters) ??
      (await brokenLayer(this.#network, this.#spec, parameters, partOf(batch, 0, accumulate), this.#shape));
    const where = place === undefined ? "" : `, first seen in "${place}"`;
    return new TrainingError(
      `the loss is no longer a number at step ${this.step + 1}${where}; lower the learning rate, or look at that layer's inputs`,
    );
  }

  #vectors(): Values {
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

/** Throws UsageError where the loss would have nothing to learn from. */
function checkTeaching(data: Dataset, { loss, augmentation = {}, teacher }: TrainingOptions): void {
  if (loss.needsTeacher && data.teacher === undefined && teacher === undefined) {
    throw new UsageError("this loss learns from a teacher: give the data its logits, or the training its network");
  }
  if ((loss.teacherValues ?? []).length > 0 && teacher === undefined) {
    throw new UsageError("this loss reads a teacher's inner values: give the training the teacher's network");
  }
  const unmirrored = data.teacher !== undefined && data.teacher.mirrored === undefined;
  if (augmentation.alternatingFlip && unmirrored && teacher === undefined) {
    throw new UsageError("training mirrors images: give the data the teacher's logits of the mirrored images too");
  }
  if (augmentation.mixup !== undefined) checkMixup(augmentation.mixup, loss, teacher !== undefined);
}

/** Names what decides a run's outcome: the step, the first weights, the images, and the options that are numbers. */
function fingerprint(step: string, initial: Float32Array, data: Dataset, options: TrainingOptions): string {
  const { epochs, seed = 0, augmentation = {}, averaging = 0.999, device = "cpu", threads = 2 } = options;
  const rates = Array.from({ length: 1001 }, (_, i) => options.rate(i / 1000));
  const numbers = {
    step,
    epochs,
    seed,
    augmentation,
    averaging,
    device,
    threads,
    rates,
    scaling: options.teacher?.normalisation,
  };
  const hash = createHash("sha256").update(JSON.stringify(numbers));
  const network = options.teacher && encodeModel(options.teacher.network);
  const { images, labels, teacher } = data;
  for (const part of [initial, images, labels, teacher?.plain, teacher?.mirrored, network]) if (part) hash.update(part);
  return hash.digest("hex");
}
