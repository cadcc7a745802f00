export { type ResidualBlock, removeBlock, residualBlocks } from "./blocks.ts";
export { type ChannelGroup, channelGroups, type GroupLayer, type UnitSlices } from "./channels/groups.ts";
export type { Keep } from "./channels/kept.ts";
export { removeChannels } from "./channels/remove.ts";
export { zeroChannels } from "./channels/zero.ts";
export { simplify } from "./simplify.ts";
