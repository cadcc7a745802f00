import type { ImageSource, Preprocessing } from "../../data/index.ts";
import type { CalibrateResult, CanaryKind, TwinPromise } from "../../twin/index.ts";
import type { OnProgress, Target } from "./context.ts";
import type { TrainingCurve } from "./curve.ts";
import type { LayerPair } from "./layers.ts";
import type { RecipeName } from "./recipes.ts";
import type { Score } from "./score.ts";

export interface CompressOptions {
  /** Path of the ONNX classifier to compress. */
  readonly original: string;
  readonly preprocessing: Preprocessing;
  /** Images to train, select and calibrate on, with labels or without. */
  readonly images: ImageSource;
  /** Images to calibrate on instead of a part of `images`. */
  readonly calibration?: ImageSource | undefined;
  /** Class names in the order of the outputs; numbered when absent. */
  readonly labels?: readonly string[] | undefined;
  /** Folder of the twin to make. */
  readonly output: string;
  /** Replace an existing twin. */
  readonly replace?: boolean | undefined;
  readonly promise: TwinPromise;
  /** `auto` chooses by what the images allow. */
  readonly recipe: RecipeName | "auto";
  readonly target?: Target | undefined;
  /** Seconds that the run may take. */
  readonly budget: number;
  readonly seed: number;
  /** Whether a mirrored picture shows the same class. */
  readonly flip: boolean;
  /** Of networks in int8, 2 to 8; 7 suits every CPU. Default: what suits this one. */
  readonly weightBits?: number | undefined;
  /** What the twin carries to be checked by on other machines: some of the calibration images, or none. Default "images". */
  readonly canaries?: CanaryKind | undefined;
  /** Where to keep what is finished, to go on from after an interruption; `<output>.work` by default. */
  readonly work?: string | undefined;
  /** Keep the work folder. */
  readonly keepWork?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Called with what the user should know. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** What a compression gave. */
export interface CompressResult {
  readonly recipe: RecipeName;
  /** The publication that the recipe follows. */
  readonly source: string;
  /** Why this recipe, where it was chosen. */
  readonly reason?: string;
  /** How the network misses the target, where it does. */
  readonly missed?: string;
  readonly parts: Readonly<Record<"training" | "selection" | "calibration", number>>;
  /** Of the candidates, cheapest twin first; and the one that was taken, by its name. */
  readonly scores: readonly Score[];
  readonly chosen: string;
  /** The original's layers beside the compressed network's. */
  readonly layers: readonly LayerPair[];
  /** Of the networks that were trained. */
  readonly curves: readonly TrainingCurve[];
  /** Of each step. */
  readonly minutes: Readonly<Record<string, number>>;
  readonly calibrated: CalibrateResult;
}
