export { type AttributeInput, GraphBuilder, makeNode } from "./builder.ts";
export * from "./graph.ts";
export { decodeModel, readModel } from "./read.ts";
export * from "./tensor.ts";
export { encodeModel } from "./write.ts";
