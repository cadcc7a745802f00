import { LaneError, type TwinError } from "../../errors.ts";
import type { LaneResult, LaneSpec } from "../../lanes/types.ts";
import type { Outcome } from "../types.ts";
import { checkPlan } from "./check.ts";
import { RunningCounters } from "./counters.ts";
import { answeredEarly, askEarly, forgetEarly, startEarly } from "./early.ts";
import { judge } from "./judge.ts";
import { type Backlog, batchesAhead, chooseWork, type Work } from "./policy.ts";
import { InputRun, type RunHost } from "./run.ts";
import { LaneSlot } from "./slot.ts";
import { type Task, TaskQueue } from "./task.ts";
import type { Inputs, RunOptions, Scheduler, SchedulerOptions } from "./types.ts";

/** Batches in the default window, for each lane and one more. */
const windowBatches = 8;
/** Batches, for each lane and one more, that may pass over an escalation: as many as let a run of the default window fill its escalations' batches. */
const patienceBatches = windowBatches / 2;
/** Lanes that may die over an input before it is given up. */
const deathsPerInput = 3;

/**
 * Opens the plan's lanes and schedules the cascade on them.
 *
 * @throws UsageError when the plan does not fit the cascade, LaneError when a lane cannot be opened.
 */
export async function createScheduler(options: SchedulerOptions): Promise<Scheduler> {
  checkPlan(options);
  const scheduler = new CascadeScheduler(options);
  await scheduler.start();
  return scheduler;
}

/** A batch on its way through a lane. */
interface Assignment extends Pick<Work, "from" | "stage"> {
  readonly tasks: readonly Task[];
  /** Images in the batch, with those that only fill it up. */
  readonly rows: number;
  /** Whether the network before has not answered these tasks yet. */
  readonly early: boolean;
}

/** A slot with the stages that its lane runs. */
interface Seat {
  readonly slot: LaneSlot<Assignment>;
  readonly stages: readonly number[];
}

class CascadeScheduler implements Scheduler, RunHost {
  readonly counters = new RunningCounters();
  readonly inputSize: number;
  readonly window: number;
  readonly #options: SchedulerOptions;
  readonly #seats: readonly Seat[];
  /** Stage by stage: fresh inputs, then escalations. */
  readonly #queues: readonly TaskQueue[];
  readonly #batch: readonly number[];
  /** Only the original may answer in the place of the networks before it: what the others lose there nobody bounded. */
  readonly #idleTakesFresh: boolean;
  readonly #runs = new Set<InputRun>();
  /** Inputs that may go to lanes while an escalation waits. */
  readonly #patience: number;
  /** Inputs that went to lanes so far. */
  #given = 0;
  #dispatchPlanned = false;
  #ended: LaneError | undefined;

  constructor(options: SchedulerOptions) {
    const { cascade, plan } = options;
    this.#options = options;
    this.inputSize = options.inputSize;
    this.#queues = cascade.map(() => new TaskQueue());
    this.#batch = cascade.map(({ network }) => plan.batch[network]!);
    this.#seats = plan.lanes.map((spec) => ({
      slot: this.#slot(spec),
      stages: [...cascade.keys()].filter((stage) => spec.networks.includes(cascade[stage]!.network)),
    }));
    this.#idleTakesFresh =
      plan.idleTakesFresh && options.deterministic !== true && cascade.at(-1)?.network === "original";
    const batches = Math.max(...this.#batch) * (plan.lanes.length + 1);
    this.window = options.window ?? windowBatches * batches;
    this.#patience = patienceBatches * batches;
  }

  async start(): Promise<void> {
    const opened = await Promise.allSettled(this.#seats.map(({ slot }) => slot.start()));
    const failed = opened.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this.close();
    throw failed.reason;
  }

  async *run(inputs: Inputs, { signal }: RunOptions = {}): AsyncGenerator<Outcome, void, undefined> {
    signal?.throwIfAborted();
    if (this.#ended !== undefined) throw this.#ended;
    const run = new InputRun(inputs, this);
    const abort = (): void => run.fail(signal?.reason);
    signal?.addEventListener("abort", abort);
    this.#runs.add(run);
    let failed = false;
    try {
      run.start();
      do {
        for (let outcome = run.take(); outcome !== undefined; outcome = run.take()) {
          yield outcome;
          run.done();
        }
      } while (await run.more());
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      const forgotten = this.#forget(run);
      await (failed ? forgotten.catch(() => {}) : forgotten); // the run's own error counts
    }
  }

  async close(): Promise<void> {
    this.#end(new LaneError("the lanes were closed before all inputs were answered; open them again"));
    await Promise.all(this.#seats.map(({ slot }) => slot.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  offer(task: Task): void {
    const fresh = this.#queues[0]!;
    fresh.push(task);
    if (fresh.length >= this.#batch[0]!) this.#dispatch();
    else this.#planDispatch();
  }

  #slot(spec: LaneSpec): LaneSlot<Assignment> {
    const { open, restartDelay = 50 } = this.#options;
    return new LaneSlot<Assignment>(
      spec,
      { open, restartDelay },
      {
        answered: (assignment, lane, result) => this.#answered(assignment, lane, result),
        refused: (assignment, error) => this.#refused(assignment, error),
        broke: (assignment, error) => this.#fail(assignment, error),
        lost: (assignments) => this.#lost(assignments),
        ready: () => {
          this.counters.restarts++;
          this.#dispatch();
        },
        failed: (error) => this.#end(error),
      },
    );
  }

  #end(error: LaneError): void {
    this.#ended ??= error;
    for (const run of this.#runs) run.fail(error);
  }

  async #forget(run: InputRun): Promise<void> {
    run.stop();
    this.#runs.delete(run);
    for (const queue of this.#queues) queue.dropStopped();
    await run.closeInputs();
  }

  /** Less than a batch waits for the end of this turn of the event loop: more inputs may come in it. */
  #planDispatch(): void {
    if (this.#dispatchPlanned) return;
    this.#dispatchPlanned = true;
    setImmediate(() => {
      this.#dispatchPlanned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const seat of this.#seats) {
      while (seat.slot.outstanding < batchesAhead) {
        const work = chooseWork({ stages: seat.stages, outstanding: seat.slot.outstanding }, this.#backlog());
        if (work === undefined) break;
        this.#assign(seat.slot, work);
      }
    }
    if (this.#options.plan.startsBoth === true) this.#startEarly();
  }

  /** Idle lanes start the second network on what the first is still busy with: an escalation then waits for less. */
  #startEarly(): void {
    for (const { slot, stages } of this.#seats) {
      if (slot.outstanding > 0 || !stages.includes(1)) continue;
      const running = this.#seats.flatMap((seat) => seat.slot.work).filter(({ stage }) => stage === 0);
      const tasks = startEarly(
        running.flatMap((work) => work.tasks),
        this.#batch[1]!,
      );
      if (tasks.length === 0) return;
      this.#give(slot, { from: 0, stage: 1, early: true }, tasks);
    }
  }

  #backlog(): Backlog {
    const idle = this.#seats.filter(({ slot }) => slot.outstanding === 0);
    return {
      waiting: this.#queues.map((queue) => queue.length),
      batch: this.#batch,
      urgent: this.#queues.map(({ first }) => first !== undefined && this.#isUrgent(first)),
      idle: this.#queues.map((_, stage) => idle.filter(({ stages }) => stages.includes(stage)).length),
      idleTakesFresh: this.#idleTakesFresh,
    };
  }

  /** Whether its run will soon have to wait for it, or too many inputs, of other runs too, have passed over it. */
  #isUrgent({ sink, index, escalatedAt }: Task): boolean {
    return sink.holdsUp(index) || this.#given - escalatedAt > this.#patience;
  }

  #assign(slot: LaneSlot<Assignment>, work: Work): void {
    const tasks = this.#queues[work.from]!.take(work.count);
    this.#given += tasks.length;
    for (const { sink, index } of tasks) sink.begin(index);
    this.#give(slot, { ...work, early: false }, tasks);
  }

  #give(slot: LaneSlot<Assignment>, work: Pick<Assignment, "from" | "stage" | "early">, tasks: readonly Task[]): void {
    const { network } = this.#options.cascade[work.stage]!;
    const rows = this.#options.deterministic === true ? this.#batch[work.stage]! : tasks.length;
    slot.run(network, { count: rows, pieces: tasks.map(({ data }) => data) }, { ...work, tasks, rows });
  }

  #answered(assignment: Assignment, lane: string, { logits, started, finished }: LaneResult): void {
    const { stage, tasks, rows, early } = assignment;
    const { network } = this.#options.cascade[stage]!;
    const classes = logits.length / rows;
    for (let i = 0; i < tasks.length; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (!early || answeredEarly(tasks[i]!, row)) this.#judge(tasks[i]!, stage, row);
    }
    this.counters.ran[network] += tasks.length;
    this.#dispatch();
    try {
      this.#options.onBatch?.({ lane, network, count: tasks.length, started, finished });
    } catch (error) {
      this.#fail(assignment, error);
    }
  }

  /** Ends the runs whose inputs were in a batch. */
  #fail({ tasks }: Assignment, error: unknown): void {
    for (const { sink } of tasks) sink.fail(error);
  }

  #judge(task: Task, stage: number, row: Float32Array): void {
    if (task.sink.stopped) return;
    try {
      const outcome = judge(task, stage, row, this.#options.cascade, this.#options.confidence);
      if (outcome === undefined) this.#escalate(task, stage);
      else this.#settle(task, outcome);
    } catch (error) {
      task.sink.fail(error);
    }
  }

  #escalate(task: Task, stage: number): void {
    if (stage === 0) this.counters.escalated++;
    const early = stage === 0 ? askEarly(task) : "not started";
    if (early === "not started") this.#wait(task, stage + 1);
    else if (early !== "under way") this.#judge(task, 1, early);
  }

  #wait(task: Task, stage: number): void {
    task.escalatedAt = this.#given;
    this.#queues[stage]!.push(task);
  }

  /** An early start came to nothing: what needs its answer waits for the second network like any other. */
  #forgetEarly(tasks: readonly Task[]): void {
    for (const task of forgetEarly(tasks)) this.#wait(task, 1);
  }

  #settle(task: Task, outcome: Outcome): void {
    if (task.sink.stopped) return;
    if ("error" in outcome) this.counters.failed++;
    else this.counters.answered[outcome.answeredBy]++;
    task.sink.settle(task.index, outcome);
  }

  #refused({ tasks, early }: Assignment, error: TwinError): void {
    if (early) this.#forgetEarly(tasks);
    else for (const task of tasks) this.#settle(task, { error });
    this.#dispatch();
  }

  /** The inputs run again, in their old order; the oldest batch was the one that ran. */
  #lost(assignments: readonly Assignment[]): boolean {
    for (const task of assignments[0]?.tasks ?? []) task.deaths++;
    for (const { tasks } of assignments.filter(({ early }) => early)) this.#forgetEarly(tasks);
    const lost = assignments.filter(({ early }) => !early);
    for (const { from, tasks } of lost.toReversed()) {
      this.#queues[from]!.putBack(tasks.filter(({ sink, deaths }) => !sink.stopped && deaths < deathsPerInput));
    }
    const guilty = lost.flatMap(({ tasks }) => tasks.filter(({ deaths }) => deaths >= deathsPerInput));
    for (const task of guilty) this.#giveUp(task);
    this.#dispatch();
    return guilty.length > 0;
  }

  #giveUp(task: Task): void {
    const problem = `input ${task.index} was in ${task.deaths} batches whose lane died`;
    this.#settle(task, { error: new LaneError(problem) });
  }
}
