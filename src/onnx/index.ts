export { proveAnswers } from "./answers.ts";
export { type FreedBatch, freeBatch } from "./batch.ts";
export { type AttributeInput, GraphBuilder, makeNode } from "./builder.ts";
export { checkModel, newestIrVersion, type Problem, problemsOf, supportedOpsets } from "./check.ts";
export { type Classifier, type ClassOutput, classifierOf, type ImageInput } from "./classifier.ts";
export { type LayerCost, type ModelCost, modelCost } from "./cost.ts";
export { decodeModel, type ExternalRange, type ReadExternal } from "./decode.ts";
export { describeModel, type ModelDescription } from "./describe.ts";
export {
  constantNodes,
  consumers,
  copyModel,
  FreshNames,
  producers,
  type Rewrite,
  readsOf,
  redirect,
  renameValue,
} from "./edit.ts";
export { encodeModel, type PlaceExternal } from "./encode.ts";
export { outputDifference, randomInputs, relativeDifference } from "./equivalence.ts";
export * from "./graph.ts";
export { errorAbout, withFile } from "./named.ts";
export { type Operator, operatorName, operators } from "./operators/index.ts";
export { raiseOpset } from "./opset.ts";
export { readModel } from "./read.ts";
export * from "./rewrites/index.ts";
export { ModelRunner, runModel, type Tensors } from "./run.ts";
export { createSession, runSession } from "./session.ts";
export { type InferenceOptions, inferShapes, inferValues } from "./shapes.ts";
export * from "./tensor.ts";
export { type WriteOptions, writeModel } from "./write.ts";
