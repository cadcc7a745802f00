export { type AttributeInput, GraphBuilder, makeNode } from "./builder.ts";
export { decodeModel, type ExternalRange, type ReadExternal } from "./decode.ts";
export { encodeModel } from "./encode.ts";
export * from "./graph.ts";
export { readModel } from "./read.ts";
export { type InferenceOptions, inferShapes, inferValues } from "./shapes.ts";
export * from "./tensor.ts";
