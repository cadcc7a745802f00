export * from "../../src/data/index.ts";
export { encodeNpy } from "../../src/data/npy.ts";
