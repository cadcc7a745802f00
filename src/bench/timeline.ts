import type { BatchEvent } from "../twin/index.ts";
import type { LaneRun } from "./types.ts";

/** Batches of an excerpt: enough to see the lanes take turns, few enough to tell apart. */
const batches = 80;

/** Listens to a scheduler's batches while it is asked to. */
export class TimelineRecorder {
  #events: BatchEvent[] | undefined;

  readonly onBatch = (event: BatchEvent): void => void this.#events?.push(event);

  /** The first batches of a run, in milliseconds since it began. */
  async record(run: () => Promise<unknown>): Promise<LaneRun[]> {
    const events: BatchEvent[] = [];
    this.#events = events;
    await run();
    this.#events = undefined;
    const first = events.sort((a, b) => a.started - b.started).slice(0, batches);
    const begin = first[0]?.started ?? 0;
    return first.map(({ lane, network, count, started, finished }) => ({
      lane,
      network,
      images: count,
      started: started - begin,
      finished: finished - begin,
    }));
  }
}
