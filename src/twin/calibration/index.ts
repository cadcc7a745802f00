export { allowanceFor } from "./allowance.ts";
export { type Calibration, type CalibrationRequest, calibrate, type Proof, proveAt, type Rung } from "./calibrate.ts";
export type { ClassResult } from "./classes.ts";
export { type CurvePoint, expectedSpeedUp, type StageCosts } from "./curve.ts";
export {
  type Evaluation,
  type EvaluationRequest,
  evaluateTwin,
  type LabelledEvaluation,
  type Measured,
} from "./evaluate.ts";
export { type SecondThresholdRequest, secondThreshold, thresholdGrid } from "./grid.ts";
export { type LabelRequest, labelsNeeded } from "./labels.ts";
export type { SecondStage, TwinOutputs } from "./outputs.ts";
export {
  checkPromise,
  describePromise,
  disagreementsAllowed,
  imagesNeeded,
  type PromiseKind,
  percent,
  probabilityAllowed,
  promiseKinds,
  type TwinPromise,
  toleranceAllowed,
} from "./promise.ts";
export { type Reliability, type ReliabilityBin, reliability } from "./reliability.ts";
