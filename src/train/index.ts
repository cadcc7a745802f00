export type { Augmentation } from "./augment.ts";
export { type Dataset, subset, type TeacherLogits } from "./dataset.ts";
export { accuracyOf, type InferenceOptions, logitsOf, mirrored } from "./evaluate.ts";
export { crossEntropy, distillation, type Loss, type LossInputs } from "./losses.ts";
export { type ResidualNetwork, residualNetwork, type Stage } from "./networks.ts";
export { type Optimiser, sgd, type UpdateInputs } from "./optimisers.ts";
export { type Schedule, type TriangularOptions, triangular } from "./schedules.ts";
export { estimateStatistics } from "./statistics.ts";
export { type Progress, type TrainingOptions, train } from "./train.ts";
