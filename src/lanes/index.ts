export { type Availability, availableLanes } from "./available.ts";
export { type CpuClass, cpuBudget, cpuClass, cpuClasses, saturatesInt8 } from "./cpu.ts";
export { type InputFormat, type InputWriter, imageSize, inputWriter } from "./inputs.ts";
export { type LaneOptions, openLane, openLanes } from "./lane.ts";
export * from "./types.ts";
