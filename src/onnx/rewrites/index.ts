export type { Affine } from "./affine.ts";
export { affineOf, foldBatchNormalization } from "./batch-normalization.ts";
export { liftConstants } from "./constants.ts";
export { removeDeadNodes } from "./dead.ts";
export { foldConstants } from "./fold-constants.ts";
export { removeIdentity } from "./identity.ts";
