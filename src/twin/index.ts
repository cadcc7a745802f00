export { type AdmittedNetwork, admitModel, admitNetwork, type PairNote } from "./admit.ts";
export { type AnswerOptions, answerAll } from "./answers.ts";
export * from "./calibrate.ts";
export * from "./calibration/index.ts";
export { type CanaryCheck, type CanaryKind, canaryKinds } from "./canaries.ts";
export { canariesHere } from "./canary-run.ts";
export { Classification, type ClassificationFailure, type Guess } from "./classification.ts";
export { type Collected, type CollectOptions, collectLogits, logitsOf } from "./collect.ts";
export {
  type Confidence,
  confidences,
  createConfidence,
  defaultConfidence,
  fitTemperature,
  logitsOfProbabilities,
  logSumExp,
  topClass,
  topClasses,
} from "./confidence/index.ts";
export { type EvaluatedImages, evaluateImages, presentNetworks, twinOutputs } from "./evaluate.ts";
export {
  addNetwork,
  createTwin,
  moveTwin,
  networkOf,
  readTwin,
  readTwinToChange,
  refuseExisting,
  removeNetwork,
  type TwinFolder,
} from "./folder.ts";
export { usualBatch, usualPlan, withLanes } from "./lanes.ts";
export { looksLearned, type Standing, standingOf } from "./learned-images.ts";
export {
  cascadeOf,
  type Guarantee,
  type Manifest,
  type ManifestNetwork,
  type ManifestRung,
  networkNames,
  parseManifest,
} from "./manifest.ts";
export { checkUse, type PairOptions, pairTwin } from "./pair.ts";
export { sharedImages } from "./parts.ts";
export * from "./plan/index.ts";
export * from "./scheduler/index.ts";
export { type Audit, auditDelay, type Interval, recordAudit, startAudit } from "./statistics/index.ts";
export { summaryOf } from "./summary.ts";
export { type ClassifyInput, Twin, type TwinOptions } from "./twin.ts";
export * from "./types.ts";
export { type Verification, verifyTwin } from "./verify.ts";
