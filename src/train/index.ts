export type { Augmentation } from "./augment.ts";
export { type Dataset, imageSize, subset, type TeacherLogits } from "./dataset.ts";
export type { Device } from "./device.ts";
export { accuracyOf, type InferenceOptions, logitsOf, mirrored } from "./evaluate.ts";
export { startAsIdentity } from "./identity.ts";
export {
  crossEntropy,
  distillation,
  type FeaturePair,
  featureMatching,
  type Loss,
  type LossInputs,
  sumOfLosses,
} from "./losses.ts";
export type { Mixup } from "./mixup.ts";
export { type ResidualNetwork, residualNetwork, type Stage } from "./networks.ts";
export {
  adamw,
  type LookaheadOptions,
  lookahead,
  type MuonOptions,
  muon,
  type Optimiser,
  sgd,
  type UpdateInputs,
} from "./optimisers/index.ts";
export type { Progress, TrainingOptions } from "./options.ts";
export {
  insertQuantisers,
  type ObservedChannels,
  observeChannels,
  type QuantisedValue,
  type QuantisedWeights,
  type QuantiserOptions,
  quantisersOf,
  withFloatQuantisers,
} from "./quantisers/index.ts";
export {
  cosine,
  type OneCycleOptions,
  oneCycle,
  type Schedule,
  type TriangularOptions,
  triangular,
} from "./schedules.ts";
export { estimateStatistics } from "./statistics.ts";
export type { Teacher } from "./teacher.ts";
export { train } from "./train.ts";
export { type Whitened, whitenFirstLayer } from "./whitening.ts";
