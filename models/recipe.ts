import type { Preprocessing } from "twindnn/data";
import type { Model } from "twindnn/onnx";
import type { CanaryKind } from "twindnn/twin";
import type { Phase } from "./original.ts";

/** A pair of this folder: its original, how that is trained, and what `compress` is asked for. */
export interface PairRecipe {
  /** The folder below `models/`, or below `tmp/` to work in. */
  readonly name: string;
  /** Of the split, of the first weights and of the training. */
  readonly seed: number;
  readonly preprocessing: Preprocessing;
  /** The untrained original. */
  readonly original: (seed: number) => Model;
  /** One after the other. */
  readonly phases: readonly Phase[];
  /** Training images that calibrate; they train neither network. */
  readonly calibration: number;
  /** The drop in accuracy that the twin promises not to exceed, with 95 % probability. */
  readonly maxDrop: number;
  /** Of the compressed network's multiply-adds, as a share of the original's, at most; default all. */
  readonly macs?: number;
  /** Seconds that `compress` may take. */
  readonly budget: number;
  /** Of the networks in int8: a pair that goes to other machines must suit their CPUs. */
  readonly weightBits: number;
  /** Whether a mirrored picture shows the same class. */
  readonly flip: boolean;
  /** What the twin carries to check itself: calibration images, or pictures made for it where these may not be given away. */
  readonly canaries: CanaryKind;
  /** Test images packed beside the twin. */
  readonly packed?: number;
}
