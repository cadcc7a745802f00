import type { Normalisation } from "../data/types.ts";

/** The networks of a twin, by role. */
export type NetworkName = "compressed" | "original-int8" | "original";

/** A network as a lane loads it. */
export interface Network {
  readonly name: NetworkName;
  /** Path of the ONNX file. */
  readonly file: string;
  readonly input: {
    readonly name: string;
    readonly layout: "NCHW" | "NHWC";
    /** Sizes of one image, whatever the layout: channels, height, width. */
    readonly shape: readonly [channels: number, height: number, width: number];
  };
  readonly output: { readonly name: string; readonly classes: number };
  /** How bytes become network inputs. */
  readonly normalisation: Normalisation;
  /** The batch size a model insists on; absent when any will do. A short batch is padded and its surplus dropped. */
  readonly fixedBatch?: number;
}

/** Values of images, each as channel planes (C x H x W): bytes, which the lane normalises, or network inputs. */
export type Pixels = Uint8Array | Float32Array;

/** `count` images, one after the other. */
export interface Batch {
  readonly count: number;
  /** The images in pieces of one type, as many to a piece as may be. Where they end early, zeros follow. */
  readonly pieces: readonly Pixels[];
}

/** What a run gave, and when (milliseconds since the epoch, with fractions). */
export interface LaneResult {
  /** `count x classes`, as the network put them out. */
  readonly logits: Float32Array;
  readonly started: number;
  readonly finished: number;
}

/** Why a lane ended: it was closed, or it died. */
export type LaneEnd = { readonly kind: "closed" } | { readonly kind: "died"; readonly reason: string };

/**
 * One compute resource with some networks loaded. It runs one batch at a time, in the order asked; a few may be asked
 * for ahead, so that the next starts without a pause.
 */
export interface Lane extends AsyncDisposable {
  readonly id: string;
  readonly networks: readonly NetworkName[];
  /** Of its process, where it has one of its own. */
  readonly pid?: number;
  /**
   * Copies the images to the lane before it returns. Rejects with LaneError when the lane dies before the batch is
   * answered, was closed, or when the runtime refuses the batch, with UsageError when its pieces are not of one type (the
   * lane then lives on).
   */
  run(network: NetworkName, batch: Batch): Promise<LaneResult>;
  /** Fulfilled once, when the lane has ended. */
  readonly ended: Promise<LaneEnd>;
  /** Lets the batch in progress finish, drops the rest, and frees everything; safe at any time, any number of times. */
  close(): Promise<void>;
}

/** Compute resources besides the CPU's cores; each gives one lane. */
export const deviceKinds = ["webgpu", "cuda"] as const;
export type DeviceKind = (typeof deviceKinds)[number];
export type LaneKind = "cpu" | DeviceKind;
export type Isolation = "thread" | "process";

/** How to open a lane. */
export interface LaneSpec {
  readonly kind: LaneKind;
  readonly networks: readonly NetworkName[];
  /** Threads of one run; 1 and more. */
  readonly threads: number;
}

/** The resources to spend and how: printed by the planner, pinned with `--plan file`. */
export interface Plan {
  readonly lanes: readonly LaneSpec[];
  /** Images in a batch, for each network. */
  readonly batch: Readonly<Partial<Record<NetworkName, number>>>;
  /** Whether lanes of the original, where it comes last, take fresh inputs when they would idle (the paper's policy). */
  readonly idleTakesFresh: boolean;
  /** Whether an idle lane starts the second network on inputs that the first has not answered yet. Default false. */
  readonly startsBoth?: boolean;
  readonly isolation: Isolation;
}
