import type { Model } from "../../onnx/index.ts";
import type { TrainingOptions } from "../../train/index.ts";
import type { OnProgress } from "../pipeline/context.ts";
import type { RankedNetwork } from "./ranking.ts";
import type { KeptGroup } from "./sites.ts";

/** How small or fast the network shall be. */
export type SlimTarget =
  | SpeedTarget
  /** Share of the original's multiply-accumulates, 0..1. */
  | { readonly macs: number }
  /** Bytes in int8: one for each weight, and for each output those of its bias, scale and zero point. */
  | { readonly size: number };

export interface SpeedTarget {
  /** The original's time over the network's: by the layers' times on this machine, and then as measured. */
  readonly speedUp: number;
  /**
   * Times a network of the widths found, its weights not yet fitted, and gives its speed-up: where it falls short, widths
   * are searched again. Default: the layers' times are believed.
   */
  readonly measured?: (network: Model) => Promise<number>;
}

/** Keeps what steps gave: a run that was interrupted takes it from there, and goes on with the same network. */
export interface SlimKeeper {
  /** The result of a step, which JSON can hold; `make` runs where none is kept. */
  once<T>(step: string, make: () => Promise<T>): Promise<T>;
  model(step: string, make: () => Promise<Model>): Promise<Model>;
  /** File of the mimicking that was interrupted. */
  readonly checkpoint?: string;
}

export interface SlimOptions {
  readonly target: SlimTarget;
  /** Draws the images and their sampled positions. Default 0. */
  readonly seed?: number;
  /** Threads of ONNX Runtime. Default 1. */
  readonly threads?: number;
  /** Most images that the closed form is fitted on. Default 500. */
  readonly fitted?: number;
  /** Random re-weightings that the search over widths tries. Default 50. */
  readonly candidates?: number;
  /** Most steps of 32 images of the mimicking; 0 leaves it out. Default 400. */
  readonly steps?: number;
  /** When to be done, by `performance.now()`: elimination, the search and the mimicking keep to it. Default never. */
  readonly deadline?: number;
  /** Whether a mirrored picture shows the same class. Default true. */
  readonly flip?: boolean;
  /** Default: nothing is kept. */
  readonly keeper?: SlimKeeper;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  /** Watches the mimicking. */
  readonly mimicking?: Pick<TrainingOptions, "onStep" | "onEpoch">;
}

/** What became of a group of channels. */
export interface SlimLayer {
  readonly group: string;
  /** The layer that reads the group, and was fitted anew. */
  readonly layer: string;
  readonly before: number;
  /** 0 where the residual block went. */
  readonly after: number;
  /** Estimated, relative to the sum of squares of the layer's output, or of the block's. */
  readonly error: number;
}

export interface SlimReport {
  readonly layers: readonly SlimLayer[];
  /** Groups that were left alone, and why. */
  readonly kept: readonly KeptGroup[];
  /** Layers whose units were chosen by what they contribute, for want of time to eliminate them exactly. */
  readonly hurried: number;
  readonly macs: { readonly before: number; readonly after: number };
  /** The networks on the way, measured on images that neither the fits nor the mimicking saw; the best was taken. */
  readonly networks: readonly Omit<RankedNetwork, "model">[];
  /** Why the network was not trained to mimic the original, where that was wanted. */
  readonly notMimicked?: string;
}
