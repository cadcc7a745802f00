export { loadPreprocessing, openImages, presets, selectImages } from "./data/index.ts";
export {
  CalibrationError,
  InputError,
  LaneError,
  ManifestError,
  ModelError,
  TwinError,
  UnsupportedOperatorError,
  UsageError,
} from "./errors.ts";
export type { Isolation, NetworkName, Plan } from "./lanes/index.ts";
export {
  Classification,
  type ClassificationFailure,
  type ClassifyInput,
  calibrateTwin,
  evaluateImages,
  type Guess,
  type Manifest,
  makePlan,
  pairTwin,
  readTwin,
  Twin,
  type TwinOptions,
  type TwinPromise,
  verifyTwin,
} from "./twin/index.ts";
