import type { NetworkName } from "../../lanes/types.ts";
import type { Counters } from "./types.ts";

/** Counters that count. */
export class RunningCounters implements Counters {
  readonly ran: Record<NetworkName, number> = { compressed: 0, "original-int8": 0, original: 0 };
  readonly answered: Record<NetworkName, number> = { compressed: 0, "original-int8": 0, original: 0 };
  escalated = 0;
  failed = 0;
  restarts = 0;
}
