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
  calibrateTwin as calibrate,
  confidenceMeasures,
  evaluateImages as evaluate,
  type Guess,
  type Manifest,
  makePlan,
  pairTwin as pair,
  readTwin,
  Twin,
  type TwinOptions,
  type TwinPromise,
  verifyTwin as verify,
} from "./twin/index.ts";
