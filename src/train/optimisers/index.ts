export { adamw } from "./adamw.ts";
export { type LookaheadOptions, lookahead } from "./lookahead.ts";
export { type MuonOptions, muon } from "./muon.ts";
export type { Optimiser, UpdateInputs } from "./optimiser.ts";
export { sgd } from "./sgd.ts";
