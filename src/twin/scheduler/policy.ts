/** A lane as the policy sees it. */
export interface LaneView {
  /** Stages of the cascade whose networks it runs, first stage first. */
  readonly stages: readonly number[];
  /** Batches given to it and not yet answered. */
  readonly outstanding: number;
}

/** What waits. Every array has an entry a stage; stage 0 waits with fresh inputs, the others with escalations. */
export interface Backlog {
  readonly waiting: readonly number[];
  /** Full batch of each stage's network. */
  readonly batch: readonly number[];
  /** Whether the oldest escalation keeps a run from reading on, or has waited long enough. */
  readonly urgent: readonly boolean[];
  /** Lanes that could run the stage and have nothing to do, this one included. */
  readonly idle: readonly number[];
  /** Whether lanes without the first network may take fresh inputs for the last. */
  readonly idleTakesFresh: boolean;
}

/** Take `count` tasks that wait for stage `from`, and run them on the network of stage `stage`. */
export interface Work {
  readonly from: number;
  readonly stage: number;
  readonly count: number;
}

/** Batches that a lane may hold: one runs, one is at hand, so that the lane never waits for the host. */
export const batchesAhead = 2;

/**
 * What a lane with room should do next; undefined: wait.
 *
 * Escalations come first as soon as they fill a batch or are urgent, then fresh inputs that fill a batch. A lane with
 * nothing to do takes what there is: fresh inputs, then escalations, and last (the policy of TwinDNN, Jeong and Chen,
 * ASAP 2021) fresh inputs for the original.
 */
export function chooseWork(lane: LaneView, backlog: Backlog): Work | undefined {
  if (lane.outstanding >= batchesAhead) return undefined;
  const escalations = lane.stages.filter((stage) => stage > 0).toReversed();
  const takesFresh = lane.stages[0] === 0;
  const { waiting, batch, urgent } = backlog;
  const ready = escalations.find((stage) => waiting[stage]! >= batch[stage]! || urgent[stage]!);
  if (ready !== undefined) return batchOf(ready, backlog);
  if (takesFresh && waiting[0]! >= batch[0]!) return batchOf(0, backlog);
  if (lane.outstanding > 0) return undefined;
  const any = [...(takesFresh ? [0] : []), ...escalations].find((stage) => waiting[stage]! > 0);
  return any === undefined ? freshForOriginal(lane, backlog) : batchOf(any, backlog);
}

/** A batch of what waits for `stage`; once fresh inputs run out, the idle lanes share what is left. */
function batchOf(stage: number, { waiting, batch, idle }: Backlog): Work {
  const sharers = waiting[0]! >= batch[0]! ? 1 : Math.max(1, idle[stage]!);
  return { from: stage, stage, count: Math.min(batch[stage]!, Math.ceil(waiting[stage]! / sharers)) };
}

function freshForOriginal(lane: LaneView, { waiting, batch, idleTakesFresh }: Backlog): Work | undefined {
  const last = batch.length - 1;
  const may = idleTakesFresh && lane.stages[0] !== 0 && lane.stages.at(-1) === last;
  return may && waiting[0]! >= batch[last]! ? { from: 0, stage: last, count: batch[last]! } : undefined;
}
