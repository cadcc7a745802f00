import { UsageError } from "../../errors.ts";
import type { SchedulerOptions } from "./types.ts";

/** @throws UsageError when the plan does not fit the cascade */
export function checkPlan({ cascade, plan }: Pick<SchedulerOptions, "cascade" | "plan">): void {
  for (const { network } of cascade) {
    if (!plan.lanes.some(({ networks }) => networks.includes(network))) {
      throw new UsageError(`the plan has no lane that runs "${network}", which the cascade needs`);
    }
    const size = plan.batch[network];
    if (size === undefined || !Number.isInteger(size) || size < 1) {
      throw new UsageError(`the plan's batch size for "${network}" is ${size}; it must be a whole number from 1`);
    }
  }
}
