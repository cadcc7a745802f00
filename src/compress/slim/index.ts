export type { SlimImages } from "./images.ts";
export type { RankedNetwork } from "./ranking.ts";
export type { KeptGroup } from "./sites.ts";
export { slim } from "./slim.ts";
export type { SlimKeeper, SlimLayer, SlimOptions, SlimReport, SlimTarget, SpeedTarget } from "./types.ts";
