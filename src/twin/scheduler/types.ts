import type { Lane, LaneSpec, NetworkName, Plan } from "../../lanes/types.ts";
import type { Cascade, Failure, Outcome } from "../types.ts";

/**
 * One input: an image's planes (C x H x W), as bytes or as network inputs; or a failure from further up, which keeps its
 * place among the outcomes.
 */
export type Input = Uint8Array | Float32Array | Failure;

export type Inputs = Iterable<Input> | AsyncIterable<Input>;

/** What ran on a lane, and when (milliseconds since the epoch). */
export interface BatchEvent {
  readonly lane: string;
  readonly network: NetworkName;
  readonly count: number;
  readonly started: number;
  readonly finished: number;
}

/** What the scheduler has done so far, over all its runs. */
export interface Counters {
  /** Images that each network has run. */
  readonly ran: Readonly<Record<NetworkName, number>>;
  /** Inputs that each network has answered. */
  readonly answered: Readonly<Record<NetworkName, number>>;
  /** Inputs that the first network of the cascade handed on. */
  readonly escalated: number;
  readonly failed: number;
  /** Lanes opened again after they died. */
  readonly restarts: number;
}

export interface SchedulerOptions {
  readonly cascade: Cascade;
  /** Confidence of one image's logits; the row is only valid during the call. */
  readonly confidence: (logits: Float32Array) => number;
  readonly plan: Plan;
  readonly open: (spec: LaneSpec) => Promise<Lane>;
  /** Values in one input: channels x height x width. */
  readonly inputSize: number;
  /** Inputs of one run that may be read and not yet handed out; default: eight of the largest batches for each lane and one more. */
  readonly window?: number;
  /** Milliseconds before a dead lane is opened again, doubled at each death in a row. Default 50. */
  readonly restartDelay?: number;
  /**
   * Every network always runs at its full batch, short ones filled up, and the original takes no fresh inputs, so that
   * neither batching nor timing ever changes an answer. Default false.
   */
  readonly deterministic?: boolean;
  /** Called after each batch, for timelines. An error that it throws ends the runs whose inputs were in the batch. */
  readonly onBatch?: (event: BatchEvent) => void;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
}

/** Answers streams of inputs with a cascade of networks on several lanes. */
export interface Scheduler extends AsyncDisposable {
  /**
   * Outcomes in input order, one for each input. Several runs at once share the lanes and their batches. Inputs are
   * read no faster than outcomes are taken. Throws the signal's reason after an abort, the producer's error after the
   * outcomes before it, and LaneError when a lane dies again and again; leaving the loop early stops the run.
   */
  run(inputs: Inputs, options?: RunOptions): AsyncGenerator<Outcome, void, undefined>;
  readonly counters: Counters;
  /** Ends all runs with LaneError and closes the lanes; safe at any time, any number of times. */
  close(): Promise<void>;
}
