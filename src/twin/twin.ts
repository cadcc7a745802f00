import { createPreprocessor, type ImageInput, type ImageItem, prepareAll, sourceOf } from "../data/index.ts";
import { ManifestError, UsageError } from "../errors.ts";
import { cpuClass, type Isolation, type LaneKind, openLane, type Plan } from "../lanes/index.ts";
import { canariesHere } from "./canary-run.ts";
import { Classification, type ClassificationFailure } from "./classification.ts";
import { createConfidence } from "./confidence/index.ts";
import { networkOf, readTwin, type TwinFolder } from "./folder.ts";
import { planFor, usualPlan } from "./lanes.ts";
import { cascadeOf, type Guarantee, type Manifest, networkNames } from "./manifest.ts";
import { checkClassifyOptions, checkImage, checkImages, checkTwinOptions, folderPath } from "./options.ts";
import { type BatchEvent, type Counters, createScheduler, type Input, type Scheduler } from "./scheduler/index.ts";
import { type Cascade, isFailure, type Outcome } from "./types.ts";

export interface TwinOptions {
  /** Lanes and batch sizes; a lane for each core when absent. `makePlan` finds the best by measuring. */
  readonly plan?: Plan | undefined;
  /** Where lanes run; `process` survives a native crash. Default: the plan's. */
  readonly isolation?: Isolation | undefined;
  /** Pads short batches, so that batching never changes an answer. Default false. */
  readonly deterministic?: boolean | undefined;
  /** What to do when this machine's answers differ from the calibrated ones by more than was allowed for. Default `refuse`. */
  readonly onMismatch?: "refuse" | "original-only" | undefined;
  /** Aborts loading. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch, for timelines. An error that it throws ends what waits for images of the batch. */
  readonly onBatch?: ((event: BatchEvent) => void) | undefined;
}

export interface ClassifyOptions {
  readonly signal?: AbortSignal;
}

/** What `classifyAll` takes: anything that holds an image, or items of an image source. */
export type ClassifyInput = ImageInput | ImageItem;

/**
 * A pair of networks that answers with the compressed one where it is confident, and with the original where it is not.
 *
 * @example
 * await using twin = await Twin.load("models/fashion-mnist/twin");
 * const { label, confidence, answeredBy } = await twin.classify("photo.png");
 */
export class Twin implements AsyncDisposable {
  readonly manifest: Manifest;
  /** Why the original answers alone; absent when the twin works as calibrated. */
  readonly mismatch: string | undefined;
  readonly #scheduler: Scheduler;
  readonly #preprocessor;
  #disposed = false;

  private constructor(folder: TwinFolder, scheduler: Scheduler, mismatch: string | undefined) {
    this.manifest = folder.manifest;
    this.mismatch = mismatch;
    this.#scheduler = scheduler;
    this.#preprocessor = createPreprocessor(folder.manifest.preprocessing);
  }

  /**
   * Loads a twin's folder and opens its lanes. On another class of CPU than the one it was calibrated on, its canaries are
   * run first. Throws UsageError for options that it does not know and for what is neither a path nor a `file:` URL, ManifestError when the folder is damaged, or the canaries fail and `onMismatch` is `refuse`.
   */
  static async load(path: string | URL, options: TwinOptions = {}): Promise<Twin> {
    checkTwinOptions(options);
    const folder = await readTwin(folderPath(path));
    const mismatch = await findMismatch(folder, options);
    options.signal?.throwIfAborted();
    const scheduler = await (mismatch === undefined
      ? openScheduler(folder, cascadeOf(folder.manifest), options)
      : openOriginalOnly(folder, options));
    if (options.signal?.aborted === true) await scheduler.close();
    options.signal?.throwIfAborted();
    return new Twin(folder, scheduler, mismatch);
  }

  /**
   * Answers one image: a path, URL, Buffer, Blob or pixels. Throws InputError when it cannot be read, UsageError when it is
   * none of these, for an unknown option, and after `dispose`.
   */
  async classify(input: ClassifyInput, options: ClassifyOptions = {}): Promise<Classification> {
    checkImage(input);
    const results = [];
    for await (const result of this.classifyAll([input], options)) results.push(result);
    const result = results[0]!;
    if (isFailure(result)) throw result.error;
    return result;
  }

  /**
   * Answers images in their order, as many at a time as keep the lanes busy. An image that cannot be read gives a failure in
   * its place and does not stop the others. Images are read no faster than answers are taken.
   */
  async *classifyAll(
    inputs: Iterable<ClassifyInput> | AsyncIterable<ClassifyInput>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<Classification | ClassificationFailure, void, undefined> {
    checkImages(inputs);
    checkClassifyOptions(options);
    const { signal } = options;
    if (this.#disposed) throw new UsageError("the twin is disposed of; load it again");
    const names: string[] = [];
    const outcomes = this.#scheduler.run(this.#prepare(inputs, names, signal), signal === undefined ? {} : { signal });
    for await (const outcome of outcomes) yield this.#resultOf(names.shift()!, outcome);
  }

  /** What the twin has done so far. */
  get counters(): Counters {
    return this.#scheduler.counters;
  }

  /** Ends all work and frees the lanes. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#scheduler.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async *#prepare(
    inputs: Iterable<ClassifyInput> | AsyncIterable<ClassifyInput>,
    names: string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Input, void, undefined> {
    for await (const image of prepareAll(
      sourceOf(eachChecked(inputs)),
      this.#preprocessor,
      signal === undefined ? {} : { signal },
    )) {
      names.push(image.name);
      yield isFailure(image) ? image : image.planes;
    }
  }

  #resultOf(name: string, outcome: Outcome): Classification | ClassificationFailure {
    if (isFailure(outcome)) return { name, error: outcome.error };
    return new Classification(name, outcome, this.manifest.labels);
  }
}

async function* eachChecked(
  inputs: Iterable<ClassifyInput> | AsyncIterable<ClassifyInput>,
): AsyncGenerator<ClassifyInput> {
  for await (const input of inputs) {
    checkImage(input);
    yield input;
  }
}

async function findMismatch(
  folder: TwinFolder,
  { onMismatch = "refuse", plan }: TwinOptions,
): Promise<string | undefined> {
  const { guarantee } = folder.manifest;
  if (guarantee === undefined) return undefined;
  const differing = await differingKind(folder, guarantee, plan);
  if (differing === undefined) return undefined;
  const problem = `${folder.path}: was calibrated on a CPU of class ${guarantee.cpuClass}; on this one (${cpuClass()}), by ${differing} lanes, its answers differ by more than was allowed for`;
  if (onMismatch === "original-only") return problem;
  throw new ManifestError(
    `${problem}; calibrate it here, or answer with the original only (onMismatch: "original-only")`,
  );
}

/** The first kind of the plan's lanes, none of them those of calibration, on which the canaries do not come out as they did. */
async function differingKind(
  folder: TwinFolder,
  { cpuClass: calibratedOn, provider }: Guarantee,
  plan: Plan | undefined,
): Promise<LaneKind | undefined> {
  const kinds = new Set<LaneKind>(plan?.lanes.map(({ kind }) => kind) ?? ["cpu"]);
  for (const kind of kinds) {
    if (kind === provider && calibratedOn === cpuClass()) continue;
    const check = await canariesHere(folder, kind);
    if (check?.passed === false) return kind;
  }
  return undefined;
}

function openOriginalOnly(folder: TwinFolder, { plan, ...options }: TwinOptions): Promise<Scheduler> {
  const names = ["original"] as const;
  const cascade: Cascade = names.map((network) => ({ network }));
  return openScheduler(folder, cascade, { ...options, plan: plan && planFor(names, plan) });
}

async function openScheduler(folder: TwinFolder, cascade: Cascade, options: TwinOptions): Promise<Scheduler> {
  const { manifest } = folder;
  const networks = networkNames(cascade).map((name) => networkOf(folder, name));
  const plan = options.plan ?? usualPlan(networks);
  const isolation = options.isolation ?? plan.isolation;
  const [channels, height, width] = networks[0]!.input.shape;
  return createScheduler({
    cascade,
    confidence: createConfidence(manifest.confidence),
    plan: { ...plan, isolation },
    open: (spec) => openLane(spec, networks, { isolation }),
    inputSize: channels * height * width,
    deterministic: options.deterministic ?? false,
    ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
  });
}
